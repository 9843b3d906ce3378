"""The CSV of a report: received whole, counted, and read row by row."""

from __future__ import annotations

import csv
import io
import typing as t

from tap_gladly.kit.errors import MalformedBodyError
from tap_gladly.kit.spool import Spool
from tap_gladly.reports.columns import column_names

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    import requests
    from typing_extensions import Self

WANTED = "the CSV of a report"
NOT_CSV = ("<", "{", "[")
"""How a page or JSON begins, and no header does."""

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
    """

    def __init__(self, file: Spool, taken: Sequence[str] = ()) -> None:
        self._file = file
        lines = self._lines()
        self.headers = tuple(each.strip() for each in next(lines, []))
        self.names = column_names(self.headers, taken)
        self.rows = sum(1 for _ in lines)

    @classmethod
    def receive(
        cls, response: requests.Response, known: Collection[str], taken: Sequence[str]
    ) -> Self:
        """Write an answer to disk.

        Args:
            response: The answer, unread.
            known: Names of columns of which the report has at least one; none if none is known.
            taken: Names that its columns cannot have.

        Raises:
            MalformedBodyError: If it is no report: a page, JSON, or a sentence.
        """
        file = Spool.receive(response, WANTED)
        try:
            table = cls(file, taken)
            if not table.is_report(known):
                raise MalformedBodyError(WANTED)  # noqa: TRY301 - the file is closed below
        except BaseException as error:
            file.close()
            if isinstance(error, csv.Error):
                raise MalformedBodyError(WANTED) from error
            raise
        return table

    def is_report(self, known: Collection[str]) -> bool:
        """Whether it has the columns of a report, or nothing at all."""
        if not self.headers:
            return True
        if known:
            return any(name in known for name in self.names)
        return not self.headers[0].startswith(NOT_CSV) and (len(self.headers) > 1 or self.rows > 0)

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
                name: cell or None
                for name, cell in zip(names, cells)  # noqa: B905 - see below
            }
            # A row may be shorter than the header, or longer.
            for place, cell in enumerate(cells[len(names) :], start=len(names) + 1):
                record[f"column_{place}"] = cell or None
            yield record

    def _lines(self) -> Iterator[list[str]]:
        """The lines that hold something: a header may come after empty ones."""
        text = io.TextIOWrapper(
            self._file.unpacked(), encoding="utf-8-sig", errors="replace", newline=""
        )
        # No target holds a NUL, and Python's reader before 3.11 stops at one.
        for cells in csv.reader(line.replace("\x00", "\ufffd") for line in text):
            if any(map(str.strip, cells)):
                yield cells
