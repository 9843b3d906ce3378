"""The result of an export job: received once, checked, and read without holding it in memory."""

from __future__ import annotations

import codecs
import typing as t
from urllib.parse import urlsplit

import ijson
import msgspec
from singer_sdk.exceptions import FatalAPIError

from tap_clari.kit.decoding import ESCAPED_NUL, sanitize_json
from tap_clari.kit.errors import MalformedBodyError, StorageError, UnexpectedResponseError
from tap_clari.kit.settings import LOOPBACK
from tap_clari.kit.spool import Spool
from tap_clari.revenue.exports.jobs import RESULTS

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

    from tap_clari.kit.client import ApiClient
    from tap_clari.revenue.exports.jobs import Job

LISTS = ("data", "rows", "records", "results")
"""The members under which a list of records can come, whatever they are of."""

BARE = "rows"
"""What the list is called in a file that is nothing but a list."""

DEEPEST = 500
"""Levels of nesting. A deeper document is refused, since no JSON library reads any depth."""

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_STEPS = {"start_map": 1, "start_array": 1, "end_map": -1, "end_array": -1}


class ExportResult:
    """A JSON document of any size on disk.

    Only one list of it is read at a time.

    Args:
        spool: The document.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._distinct: dict[tuple[str, str], list[str]] = {}
        self._is_list, self._members = self._survey()

    @classmethod
    def download(cls, client: ApiClient, job_id: str, job: Job) -> ExportResult:
        """Receive the result of a job, from the job's own link, or else from the API itself.

        Raises:
            RefusedError: If the API does not give it.
            FatalAPIError: If it cannot be received or stored.
        """
        if _is_safe_url(job.download_url):
            name = "the download link of an export job"
            try:
                return client.download(name, cls.receive, url=job.download_url)
            except StorageError:
                raise
            except FatalAPIError:
                client.logger.info("The download link of the export job %s does not work", job_id)
        return client.download(RESULTS, cls.receive, ids={"jobId": job_id})

    @classmethod
    def receive(cls, response: requests.Response) -> ExportResult:
        """Write an answer to disk and see that it is whole.

        Raises:
            MalformedBodyError: If it is not: cut off, or something else.
        """
        spool = Spool.receive(response, "JSON", recode=_valid_utf8)
        try:
            return cls(spool)
        except BaseException:
            spool.close()
            raise

    def close(self) -> None:
        """Remove the file."""
        self._spool.close()

    @property
    def lists(self) -> list[str]:
        """The names of the lists in it."""
        if self._is_list:
            return [BARE]
        return [name for name, event in self._members.items() if event == "start_array"]

    def find_list(self, *names: str) -> str | None:
        """The first of these names that holds a list; `BARE` where the file is nothing but a list.

        `None` where it has such a member, and the member is null.

        Raises:
            UnexpectedResponseError: If it has none of them.
        """
        if self._is_list:
            return BARE
        for name in names:
            if self._members.get(name) == "start_array":
                return name
        if any(self._members.get(name) == "null" for name in names):
            return None
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
        prefix = "item" if self._is_list else f"{list_name}.item"
        with self._spool.unpacked() as document:
            for item in ijson.items(document, prefix):
                row = _ENCODER.encode(item)
                yield sanitize_json(row) if ESCAPED_NUL in row else row

    def records(self, list_name: str) -> Iterator[dict[str, t.Any]]:
        """The items of a list of objects.

        Raises:
            UnexpectedResponseError: If there is something else in it.
        """
        for row in self.raw_rows(list_name):
            if not row.startswith(b"{"):
                raise UnexpectedResponseError(RESULTS, f"records in {list_name!r}")
            yield msgspec.json.decode(row)

    def _survey(self) -> tuple[bool, dict[str, str]]:
        """Read it to its end: whether it is a list alone, and the event that begins each member."""
        members: dict[str, str] = {}
        is_list = False
        depth = 0
        name = ""
        with self._spool.unpacked() as document:
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


def _valid_utf8(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Replace bytes that are no UTF-8, which would stop the reading, and drop a byte-order mark."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
    for chunk in chunks:
        yield decoder.decode(chunk).encode()
    yield decoder.decode(b"", final=True).encode()


def _is_safe_url(url: object) -> t.TypeGuard[str]:
    """Whether a file may be fetched from there: by https, or from this machine."""
    try:
        parts = urlsplit(url) if isinstance(url, str) else None
    except ValueError:
        return False
    if not parts or not parts.hostname:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
