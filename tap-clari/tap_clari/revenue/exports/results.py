"""The result of an export job: received once, checked, and read without holding it in memory."""

from __future__ import annotations

import typing as t
from functools import partial
from urllib.parse import urlsplit

import ijson
import msgspec
from singer_sdk.exceptions import FatalAPIError

from tap_clari.kit.decoding import ESCAPED_NUL, decode_json, sanitize_json
from tap_clari.kit.errors import MalformedBodyError, StorageError, UnexpectedResponseError
from tap_clari.kit.json_stream import (
    clean_json,
    cut_list,
    decode_utf8,
    has_long_number,
    objects_of,
)
from tap_clari.kit.settings import LOOPBACK
from tap_clari.kit.spool import Spool
from tap_clari.revenue.exports.jobs import RESULTS

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import requests

    from tap_clari.kit.client import ApiClient
    from tap_clari.kit.json_stream import ListPieces
    from tap_clari.revenue.exports.jobs import Job

LISTS = ("data", "rows", "records", "results")
"""The members under which a list of records can come, whatever they are of."""

BARE = "rows"
"""What the list is called in a file that is nothing but a list."""

LINK_TRIES = 2
"""How often a job's own link is asked for: the API has the result as well."""

DEEPEST = 500
"""Levels of nesting. A deeper document is refused, since no JSON library reads any depth."""

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_STEPS = {"start_map": 1, "start_array": 1, "end_map": -1, "end_array": -1}


class ExportResult:
    """A JSON document of any size on disk.

    Only one list of it is read at a time.

    Args:
        spool: The document.
        pieces: Where it can be cut, if it is a list that can be.
    """

    def __init__(self, spool: Spool, pieces: ListPieces | None = None) -> None:
        self._spool = spool
        self._pieces = pieces
        self._distinct: dict[tuple[str, str], list[str]] = {}
        self._is_list, self._members = self._survey()

    @classmethod
    def download(
        cls, client: ApiClient, job_id: str, job: Job, list_names: Sequence[str] = ()
    ) -> ExportResult:
        """Receive the result of a job, from the job's own link, or else from the API itself.

        Args:
            client: Makes the requests.
            job_id: The job's id.
            job: The job at its end.
            list_names: The names of the list that the result must have, if it must have one.

        Raises:
            RefusedError: If the API does not give it.
            FatalAPIError: If it cannot be received or stored.
        """
        receive = partial(cls.receive, list_names=list_names)
        if _is_safe_url(job.download_url):
            name = "the download link of an export job"
            try:
                return client.download(name, receive, url=job.download_url, tries=LINK_TRIES)
            except StorageError:
                raise
            except FatalAPIError:
                client.logger.info("The download link of the export job %s does not work", job_id)
        return client.download(RESULTS, receive, ids={"jobId": job_id})

    @classmethod
    def receive(cls, response: requests.Response, list_names: Sequence[str] = ()) -> ExportResult:
        """Write an answer to disk and see that it is whole, and what was asked for.

        Raises:
            MalformedBodyError: If it is not whole, or no JSON.
            UnexpectedResponseError: If it lacks the list, or has null for it.
        """
        spool = Spool.receive(response, "JSON", are_lines=False)
        try:
            result = cls._cleaned(spool)
            if list_names:
                result.find_list(*list_names)
        except BaseException:
            spool.close()
            raise
        return result

    @classmethod
    def _cleaned(cls, spool: Spool) -> ExportResult:
        """The document; what no JSON reader takes is first replaced, where there is any of it."""
        with spool.open() as document:
            if pieces := cut_list(document):
                return cls(spool, pieces)
        spool.rewrite(decode_utf8)
        if not has_long_number(spool.chunks()):
            try:
                return cls(spool)
            except (MalformedBodyError, UnicodeDecodeError):
                # A lone surrogate, a raw control character, NaN: or the document is cut off.
                pass
        spool.rewrite(clean_json)
        return cls(spool)

    def close(self) -> None:
        """Remove the file."""
        self._spool.close()

    @property
    def lists(self) -> list[str]:
        """The names of the lists in it."""
        if self._is_list:
            return [BARE]
        return [name for name, event in self._members.items() if event == "start_array"]

    def find_list(self, *names: str) -> str:
        """The first of these names that holds a list; `BARE` where the file is nothing but a list.

        Raises:
            UnexpectedResponseError: If it has none of them, or null for them.
        """
        if self._is_list:
            return BARE
        for name in names:
            if self._members.get(name) == "start_array":
                return name
        found = ", ".join(map(repr, self._members)) or "nothing"
        missing = f"a list in {' or '.join(map(repr, names))} (it has {found})"
        raise UnexpectedResponseError(RESULTS, missing)

    def distinct_values(self, list_name: str, member: str) -> list[str]:
        """The values that a member has in a list of objects, each once."""
        key = (list_name, member)
        if key not in self._distinct:
            values = (record.get(member) for record in self.records(list_name))
            self._distinct[key] = list(
                dict.fromkeys(str(each) for each in values if each is not None)
            )
        return self._distinct[key]

    def has(self, name: str) -> bool:
        """Whether it is an object with such a member."""
        return name in self._members

    def raw_rows(self, list_name: str) -> Iterator[bytes]:
        """The items of a list, each as sound JSON."""
        if self._pieces:
            yield from self._raw_rows_by_piece(self._pieces)
            return
        prefix = "item" if self._is_list else f"{list_name}.item"
        with self._spool.open() as document:
            for item in ijson.items(document, prefix):
                yield sanitize_json(_ENCODER.encode(item))

    def _raw_rows_by_piece(self, pieces: ListPieces) -> Iterator[bytes]:
        with self._spool.open() as document:
            for place, length in pieces.places:
                document.seek(place)
                piece = document.read(length)
                rows = map(bytes, objects_of(piece))
                yield from map(sanitize_json, rows) if ESCAPED_NUL in piece else rows

    def records(
        self, list_name: str, decode: Callable[[bytes], t.Any] = decode_json
    ) -> Iterator[dict[str, t.Any]]:
        """The items of a list of objects.

        Args:
            list_name: The list.
            decode: Decodes one of them.

        Raises:
            UnexpectedResponseError: If there is something else in it.
        """
        for row in self.raw_rows(list_name):
            if not row.startswith(b"{"):
                raise UnexpectedResponseError(RESULTS, f"records in {list_name!r}")
            yield decode(row)

    def _survey(self) -> tuple[bool, dict[str, str]]:
        """Read it to its end: whether it is a list alone, and the event that begins each member."""
        if self._pieces:
            listed = self._pieces.name
            return listed is None, {} if listed is None else {listed: "start_array"}
        members: dict[str, str] = {}
        is_list = False
        depth = 0
        name = ""
        with self._spool.open() as document:
            try:
                for event, value in ijson.basic_parse(document):
                    if depth == 1 and not is_list and event != "end_map":
                        if event == "map_key":
                            name = value
                        else:
                            members[name] = event
                    elif depth == 0:
                        is_list = event == "start_array"
                    if event in _STEPS:
                        depth += _STEPS[event]
                        if depth > DEEPEST:
                            missing = f"a depth of less than {DEEPEST} levels"
                            raise UnexpectedResponseError(RESULTS, missing)
            except ijson.JSONError as error:
                wanted = "JSON"
                raise MalformedBodyError(wanted) from error
        return is_list, members


def _is_safe_url(url: object) -> t.TypeGuard[str]:
    """Whether a file may be fetched from there: by https, or from this machine."""
    try:
        parts = urlsplit(url) if isinstance(url, str) else None
    except ValueError:
        return False
    if not parts or not parts.hostname:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
