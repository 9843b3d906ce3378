"""The CSV of a report: received whole, counted, and read row by row."""

from __future__ import annotations

import csv
import io
import re
import typing as t
from itertools import chain

from tap_gladly.kit.errors import MalformedBodyError
from tap_gladly.kit.spool import Spool
from tap_gladly.reports.columns import NOTHING, column_names, nothing_in

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    import requests

WANTED = "the CSV of a report"
NOT_CSV = ("<", "{", "[")
"""How a page or JSON begins, and no header does."""

SENTENCE = re.compile(r"\b(error|exception|failed|unavailable|timeout|denied)\b", re.IGNORECASE)
"""What Gladly's text in place of a report has, and no header."""

END = "\x01end\x01"
"""A last line that no report has: the reader gives it alone if all quotes are closed."""

# A cell may hold a whole conversation. What this sets is common to the process.
csv.field_size_limit(2**31 - 1)


class Table:
    """A report on disk.

    Args:
        file: The CSV.
        taken: Names that its columns cannot have.

    Attributes:
        headers: Its headers; none for an empty body, which is how an empty window may come.
        names: The names of its columns.
        rows: How many rows it has.
        is_cut: Whether its last row is shorter than its header.

    Raises:
        csv.Error: If it ends within a quoted cell.
    """

    def __init__(self, file: Spool, taken: Sequence[str] = ()) -> None:
        self._file = file
        lines = self._lines()
        self.headers = tuple(each.strip() for each in next(lines, []))
        self.names = column_names(self.headers, taken)
        self.rows, width = 0, len(self.headers)
        for cells in lines:
            self.rows += 1
            width = len(cells)
        self.is_cut = width < len(self.headers)

    def is_report(self, known: Collection[str]) -> bool:
        """Whether it has the columns of a report, or nothing at all.

        Args:
            known: Names of columns of which the report has at least one; none if none is known.
        """
        if not self.headers:
            return True
        if known:
            return any(name in known for name in self.names)
        if self.headers[0].startswith(NOT_CSV):
            return False
        # A sentence is no header, also with a comma in it.
        return self.rows > 0 or (len(self.headers) > 1 and not SENTENCE.search(self.headers[0]))

    def close(self) -> None:
        """Remove the file."""
        self._file.close()

    def records(self) -> Iterator[dict[str, str | None]]:
        """The rows, by the names of their columns; an empty cell is null."""
        lines = self._lines()
        next(lines, None)
        names = self.names
        for cells in lines:
            record = {
                name: cell or None if cell != NOTHING else nothing_in(name)
                for name, cell in zip(names, cells)  # noqa: B905 - see below
            }
            # A row may be shorter than the header, or longer.
            for place, cell in enumerate(cells[len(names) :], start=len(names) + 1):
                record[f"column_{place}"] = cell or None
            yield record

    def _lines(self) -> Iterator[list[str]]:
        """The lines that hold something: a header may come after empty ones."""
        text = io.TextIOWrapper(
            self._file.open(), encoding="utf-8-sig", errors="replace", newline=""
        )
        # No target holds a NUL, and Python's reader before 3.11 stops at one.
        lines = (line.replace("\x00", "\ufffd") for line in text)
        for cells in csv.reader(chain(lines, [END])):
            if cells[-1:] == [END] and len(cells) == 1:
                return
            if any(map(str.strip, cells)):
                yield cells
        # The reader took the end for a part of a quoted cell.
        message = "a quote is not closed"
        raise csv.Error(message)


class TableReceiver:
    """Writes an answer to disk as a report.

    Args:
        known: Names of columns of which the report has at least one; none if none is known.
        taken: Names that its columns cannot have.
    """

    def __init__(self, known: Collection[str], taken: Sequence[str] = ()) -> None:
        self._known = known
        self._taken = taken

    def __call__(self, response: requests.Response) -> Table:
        """Receive it.

        Raises:
            MalformedBodyError: If it is no whole report: a page, JSON, a sentence, or cut off.
        """
        file = Spool.receive(response, WANTED)
        try:
            table = Table(file, self._taken)
            if table.is_cut or not table.is_report(self._known):
                raise MalformedBodyError(WANTED)  # noqa: TRY301 - the file is closed below
        except BaseException as error:
            file.close()
            if isinstance(error, csv.Error):
                raise MalformedBodyError(WANTED) from error
            raise
        return table
