"""Records that come one a line, and the lines that hold none."""

from __future__ import annotations

import codecs
import logging
import typing as t

import msgspec

from .decoding import sanitize_json
from .errors import MalformedBodyError
from .spool import Spool

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    import requests
    from singer_sdk.helpers.types import Record

NAMED_AT_MOST = 20
WANTED = "JSON, a record a line"

PATIENCE = 3
"""Tries."""

Log = t.Callable[..., None]


class JSONLinesReceiver:
    """Writes an answer of JSON lines to disk; one for each thing that is asked for.

    What ends in the middle of a line, or has no line that looks like a record, was likely cut off,
    or is a proxy's page: so it is asked for again. If it is said to be JSON and comes no better, it
    is what there is.
    """

    def __init__(self) -> None:
        self._tries = 0

    def __call__(self, response: requests.Response) -> Spool:
        """Receive it.

        Raises:
            MalformedBodyError: If it is to be asked for again.
        """
        self._tries += 1
        file = Spool.receive(response, WANTED)
        is_json = "json" in response.headers.get("Content-Type", "").lower()
        if (_is_whole(file) and _has_records(file)) or (is_json and self._tries >= PATIENCE):
            return file
        file.close()
        raise MalformedBodyError(WANTED)


def _is_whole(file: Spool) -> bool:
    unfinished = file.unfinished.strip()
    return not unfinished or _record_of(unfinished) is not None


def _has_records(file: Spool) -> bool:
    """Whether any line looks like a record, or there is none at all."""
    is_empty = True
    for _, line in file.lines():
        if line.removeprefix(codecs.BOM_UTF8).startswith(b"{"):
            return True
        is_empty = False
    return is_empty


class JSONLines:
    """Reads files of JSON lines, and remembers which lines are none."""

    def __init__(self) -> None:
        self._count = 0
        self._named: list[str] = []

    def records(self, file: Spool, name: str) -> Iterator[Record]:
        """The records of a file; a line that is no JSON object is remembered by this name."""
        for number, line in file.lines():
            record = _record_of(line)
            if record is not None:
                yield record
                continue
            self._count += 1
            if len(self._named) < NAMED_AT_MOST:
                self._named.append(f"{name}, line {number}")

    def log_bad_lines(self, log: Log) -> None:
        """Say how many lines were none, and where they stand; not what they hold."""
        if self._count:
            more = "" if self._count == len(self._named) else " and more"
            log(
                "%d lines are not JSON objects, and were left out: %s%s. Ask the vendor's support "
                "for them; everything else was read",
                self._count,
                "; ".join(self._named),
                more,
                level=logging.ERROR,
            )


def _record_of(line: bytes) -> Record | None:
    try:
        return msgspec.json.decode(sanitize_json(line), type=dict[str, t.Any])
    except (MalformedBodyError, msgspec.DecodeError, RecursionError):
        return None
