"""The file that an export job leaves: received once, checked, and read without holding it."""

from __future__ import annotations

import codecs
import contextlib
import gzip
import tempfile
import typing as t

import ijson
import msgspec
import requests

from tap_clari.errors import StorageError
from tap_clari.revenue.exports.errors import not_stored
from tap_clari.wire import ESCAPED_NUL, NotJSONError, UnexpectedShapeError, clean_json

if t.TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK = 1 << 20
LISTS = ("data", "rows", "records", "results")
"""The members under which a list of records can come, whatever they are of."""

BARE = "rows"
"""What the list is called in a file that is nothing but a list."""

CONNECTION = (requests.RequestException, ConnectionError)

DEEPEST = 500
"""Levels. What is nested deeper is not read: no JSON library does, without end."""

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_STEPS = {"start_map": 1, "start_array": 1, "end_map": -1, "end_array": -1}


class ResultFile:
    """A JSON document of any size on disk, compressed, without a name: it is gone when closed.

    Only one list of it is read at a time.

    Args:
        file: The compressed document.
        path: What messages call its origin.
    """

    def __init__(self, file: t.IO[bytes], path: str) -> None:
        self._file = file
        self._path = path
        self._distinct: dict[tuple[str, str], list[str]] = {}
        self._is_list, self._members = self._survey()

    @classmethod
    def receive(cls, response: requests.Response, path: str) -> ResultFile:
        """Write an answer to disk and see that it is whole.

        Raises:
            NotJSONError: If it is not: cut off, or something else.
        """
        file = tempfile.TemporaryFile(prefix="tap-clari-")  # noqa: SIM115 - it outlives this
        try:
            # A byte that is no UTF-8 would stop the reading; in the middle of a text it is one
            # character that cannot be read.
            decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
            with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=1) as packed:
                for chunk in response.iter_content(CHUNK):
                    packed.write(decoder.decode(chunk).encode())
                packed.write(decoder.decode(b"", final=True).encode())
            return cls(file, path)
        except BaseException as error:
            with contextlib.suppress(OSError):
                file.close()
            # Apart from what goes wrong with the connection, which is an OSError too.
            if isinstance(error, OSError) and not isinstance(error, CONNECTION):
                raise StorageError(not_stored(error.strerror)) from error
            raise

    def close(self) -> None:
        """Remove the file."""
        self._file.close()

    @property
    def sections(self) -> list[str]:
        """The names of the lists in it."""
        if self._is_list:
            return [BARE]
        return [name for name, event in self._members.items() if event == "start_array"]

    def section(self, *names: str) -> str | None:
        """Which of these lists it has; the list, where that is all there is.

        `None` where it has such a member, and the member is null.

        Raises:
            UnexpectedShapeError: If it has none of them.
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
        raise UnexpectedShapeError(self._path, missing)

    def distinct(self, section: str, member: str) -> list[str]:
        """The values that a member has in a list of objects, each once."""
        if (section, member) not in self._distinct:
            values = (record.get(member) for record in self.records(section))
            found = dict.fromkeys(str(value) for value in values if value is not None)
            self._distinct[section, member] = list(found)
        return self._distinct[section, member]

    def has(self, name: str) -> bool:
        """Whether it is an object with such a member."""
        return name in self._members

    def rows(self, section: str) -> Iterator[bytes]:
        """The items of a list, each as sound JSON."""
        prefix = "item" if self._is_list else f"{section}.item"
        with self._unpacked() as document:
            for item in ijson.items(document, prefix):
                row = _ENCODER.encode(item)
                yield clean_json(row) if ESCAPED_NUL in row else row

    def records(self, section: str) -> Iterator[dict[str, t.Any]]:
        """The items of a list of objects.

        Raises:
            UnexpectedShapeError: If there is something else in it.
        """
        for row in self.rows(section):
            if not row.startswith(b"{"):
                raise UnexpectedShapeError(self._path, f"records in {section!r}")
            yield msgspec.json.decode(row)

    def _unpacked(self) -> gzip.GzipFile:
        self._file.seek(0)
        return gzip.GzipFile(fileobj=self._file, mode="rb")

    def _survey(self) -> tuple[bool, dict[str, str]]:
        """Read it to its end: is it a list alone, or which members has it, and what begins each?"""
        members: dict[str, str] = {}
        is_list = False
        depth = 0
        name = ""
        with self._unpacked() as document:
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
                            raise UnexpectedShapeError(self._path, missing)
            except ijson.JSONError as error:
                raise NotJSONError from error
        return is_list, members
