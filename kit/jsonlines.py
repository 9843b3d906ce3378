"""Records that come one a line, and the lines that hold none."""

from __future__ import annotations

import logging
import typing as t

from .decoding import ESCAPED_NUL, UNSOUND, read_json
from .errors import MalformedBodyError
from .spool import Spool

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    import requests
    from singer_sdk.helpers.types import Record

    from .record_type import Decode

NAMED_AT_MOST = 20
WANTED = "JSON, a record a line"

PATIENCE = 3
"""Tries, after which an answer that ends in the middle of a line is what there is."""

Log = t.Callable[..., None]


class JSONLinesReceiver:
    """Writes an answer of JSON lines to disk; one for each thing that is asked for.

    An answer with lines of which none is a record is something else: it is asked for again, as
    often as any request. So is one that ends with an object of errors: the server broke off. An
    empty one is believed when it comes twice. One that ends in the middle of a line, or with
    another text, was likely cut off; if it comes no better, it is what there is. What is not said
    to be JSON must end with a whole line.

    Args:
        key: The member that each record has.
    """

    def __init__(self, key: str = "id") -> None:
        self._key = key
        self._tries = 0
        self._was_empty = False

    def __call__(self, response: requests.Response) -> Spool:
        """Receive the lines of an answer.

        Raises:
            MalformedBodyError: If it is to be asked for again.
        """
        self._tries += 1
        file = Spool.receive(response, WANTED)
        has_record = self._has_record(file)
        was_empty, self._was_empty = self._was_empty, has_record is None
        if self._was_empty:
            is_sound = was_empty
        else:
            is_json = "json" in response.headers.get("Content-Type", "").lower()
            is_patient = self._tries >= PATIENCE and (is_json or not file.unfinished.strip())
            last = _record_of(file.last_line())
            is_error = last is not None and last.get(self._key) is None and "errors" in last
            is_sound = bool(has_record) and not is_error and (last is not None or is_patient)
        if is_sound:
            return file
        file.close()
        raise MalformedBodyError(WANTED, is_empty=self._was_empty)

    def _has_record(self, file: Spool) -> bool | None:
        """Whether any line is a record; `None` if there is no line."""
        has_record = None
        for _, line in file.lines():
            record = _record_of(line)
            has_record = record is not None and record.get(self._key) is not None
            if has_record:
                break
        return has_record


class JSONLines:
    """Reads files of JSON lines, and remembers which lines are none."""

    def __init__(self) -> None:
        self._count = 0
        self._named: list[str] = []

    def records(
        self, file: Spool, name: str, decode_fitting: Decode | None = None
    ) -> Iterator[Record]:
        """The records of a file; a line that is no JSON object is remembered by this name.

        Args:
            file: The file.
            name: Its name.
            decode_fitting: Decodes most lines at once, if there is such a decoder.
        """
        for number, line in file.lines():
            record = (decode_fitting and _fitting(line, decode_fitting)) or _record_of(line)
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


def _fitting(line: bytes, decode_fitting: Decode) -> Record | None:
    if ESCAPED_NUL in line:
        return None
    try:
        return t.cast("Record", decode_fitting(line))
    except UNSOUND:
        return None


def _record_of(line: bytes) -> Record | None:
    try:
        found = read_json(line)
    except MalformedBodyError:
        return None
    return found if isinstance(found, dict) else None
