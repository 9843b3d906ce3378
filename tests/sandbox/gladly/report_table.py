"""The rows of one report: those that are held, and those that are made only when they are sent."""

from __future__ import annotations

from datetime import date, datetime, timezone
from typing import TYPE_CHECKING

from tests.sandbox.gladly.report_sets import SESSIONS, anchor_of, key_of
from tests.sandbox.gladly.timestamps import DAY, DIGITS, nanos, of, stamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Row = dict[str, str]

_EVER = 1 << 80


class Table:
    """The rows of one report, in any order.

    Attributes:
        columns: Its headers, in order.
        rows: The rows that are held; those of `fill` are not.
    """

    def __init__(self, metric_set: str, columns: list[str], rows: list[Row]) -> None:
        self.columns = columns
        self.rows = rows
        self._sessions = metric_set == SESSIONS
        self._anchor = anchor_of(metric_set)
        self._key = key_of(metric_set)
        self._id = self._key or next((one for one in columns if one.endswith(" ID")), "")
        self._per_day: dict[date, int] = {}
        self._template: Row = {}
        self._changes: dict[str, Row] = {}

    def at(self, row: Row) -> int | None:
        """Return when a row is, in nanoseconds since 1970; None for always."""
        text = row.get(self._anchor, "")
        if self._sessions:
            # A contact moves on to when it ends.
            text = row.get("contact_session_ended_at") or text
        try:
            return nanos(text)
        except ValueError:
            return None

    def fill(self, per_day: Mapping[date, int], template: Row) -> None:
        """Have so many rows in each day of UTC, and no others; they are evenly spread.

        The template is what is in their cells, but for the instant and the id.
        """
        self.rows.clear()
        self._changes.clear()
        self._per_day = dict(sorted(per_day.items()))
        self._template = template

    def change(self, key: str, column: str, value: str) -> None:
        """Change a cell of the row, or the rows, with a key.

        Raises:
            KeyError: The report has no key or no such column, or there is no such row.
        """
        if self._key is None or column not in self.columns:
            raise KeyError(column)
        found = [row for row in self.rows if row.get(self._key) == key]
        for row in found:
            row[column] = value
        if self._per_day and not found:
            self._changes.setdefault(key, {})[column] = value
        elif not found:
            raise KeyError(key)

    def add_column(self, header: str, value: str) -> None:
        """Add a column with the same value in every row."""
        if header not in self.columns:
            self.columns.append(header)
        for row in (*self.rows, *([self._template] if self._per_day else ())):
            row[header] = value

    def between(self, first: int = -_EVER, end: int = _EVER) -> Iterator[list[str]]:
        """Yield the cells of the rows of a window, in the order of their instants.

        The window is given in nanoseconds since 1970, its end exclusive.
        """
        timed = [(self.at(row), row) for row in list(self.rows)]
        found = [(at, row) for at, row in timed if at is None or first <= at < end]
        found.sort(key=lambda pair: -_EVER if pair[0] is None else pair[0])
        for _, row in found:
            yield [row.get(header, "") for header in self.columns]
        for day, count in self._per_day.items():
            yield from self._made(day, count, first, end)

    def _made(self, day: date, count: int, first: int, end: int) -> Iterator[list[str]]:
        begin = of(datetime(day.year, day.month, day.day, tzinfo=timezone.utc))
        if begin >= end or begin + DAY <= first:
            return
        cells = [self._template.get(header, "") for header in self.columns]
        at_column = self.columns.index(self._anchor)
        # Not every report has an id.
        id_column = self.columns.index(self._id) if self._id else None
        ended = self.columns.index("contact_session_ended_at") if self._sessions else at_column
        for number in range(count):
            at = begin + DAY * number // count
            if first <= at < end:
                row = cells.copy()
                row[ended] = row[at_column] = stamp(at, DIGITS[number % len(DIGITS)])
                row_id = f"{day.toordinal():06x}{number:016x}"
                if id_column is not None:
                    row[id_column] = row_id
                if row_id in self._changes:
                    changed = self._changes[row_id]
                    row = [
                        changed.get(header, cell)
                        for header, cell in zip(self.columns, row, strict=True)
                    ]
                yield row
