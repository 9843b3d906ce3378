"""Records that come one a line, and the lines that hold none."""

from __future__ import annotations

import logging
import typing as t

import msgspec

from tap_gladly.files import ReceivedFile
from tap_gladly.wire import UnusableAnswerError, clean_json

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    import requests
    from singer_sdk.helpers.types import Record

NAMED_AT_MOST = 20
WANTED = "JSON, a record a line"

Log = t.Callable[..., None]


def receive_lines(response: requests.Response) -> ReceivedFile:
    """Write an answer of JSON lines to disk.

    Raises:
        UnusableAnswerError: If it was cut off, or none of its lines looks like a record: a page, or
            a sentence of a proxy's.
    """
    file = ReceivedFile.receive(response, WANTED)
    if _is_whole(file) and _has_records(file):
        return file
    file.close()
    raise UnusableAnswerError(WANTED)


def _is_whole(file: ReceivedFile) -> bool:
    unfinished = file.unfinished.strip()
    return not unfinished or _record_of(unfinished) is not None


def _has_records(file: ReceivedFile) -> bool:
    is_empty = True
    for _, line in file.lines():
        if line.startswith(b"{"):
            return True
        is_empty = False
    return is_empty


class JSONLines:
    """Reads files of JSON lines, and remembers which lines are none."""

    def __init__(self) -> None:
        self._count = 0
        self._named: list[str] = []

    def records(self, file: ReceivedFile, name: str) -> Iterator[Record]:
        """The records of a file; a line that is no JSON object is remembered by this name."""
        for number, line in file.lines():
            record = _record_of(line)
            if record is not None:
                yield record
                continue
            self._count += 1
            if len(self._named) < NAMED_AT_MOST:
                self._named.append(f"{name}, line {number}")

    def name_bad_ones(self, log: Log) -> None:
        """Say how many lines were none, and where they stand; not what they hold."""
        if self._count:
            more = "" if self._count == len(self._named) else " and more"
            log(
                "%d lines are not JSON objects, and were left out: %s%s. Ask Gladly support for "
                "them; everything else was read",
                self._count,
                "; ".join(self._named),
                more,
                level=logging.ERROR,
            )


def _record_of(line: bytes) -> Record | None:
    try:
        return msgspec.json.decode(clean_json(line), type=dict[str, t.Any])
    except (UnusableAnswerError, msgspec.DecodeError, RecursionError):
        return None
