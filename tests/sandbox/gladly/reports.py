"""Reports: what happened at the desk, an hour behind, as CSV that is cut after 100,000 rows."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from io import StringIO
from itertools import chain, islice
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tests.sandbox.gladly.report_request import SESSIONS_PATH, read_request
from tests.sandbox.gladly.report_rows import TIMESTAMPS, RowMaker
from tests.sandbox.gladly.report_sets import ALLOWED, SESSIONS, columns_of
from tests.sandbox.gladly.report_summary import aggregate
from tests.sandbox.gladly.report_table import Table
from tests.sandbox.gladly.timestamps import moment_of, nanos, now, stamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tests.sandbox.gladly.account import Account
    from tests.sandbox.gladly.helpdesk import Desk
    from tests.sandbox.gladly.report_request import Wanted

Row = dict[str, str]

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", re.ASCII)
_CHUNK = 1 << 16


@dataclass(frozen=True)
class Report:
    """An answer.

    Attributes:
        content_type: Its Content-Type.
        filename: How it names its file; None when it is none.
        chunks: Its body, piece by piece.
    """

    content_type: str
    filename: str | None
    chunks: Iterator[bytes]


class Reports:
    """The reports of an organization; every attribute may be changed while the server runs.

    They say what has happened at the desk by now, until their rows are changed here. From then on
    a report has these rows, and those of the events that come later if it is one of timestamps.

    Args:
        account: Whose reports they are.
        desk: Whose history they tell.
        present: When it is for reports; None for now.

    Attributes:
        as_of: When it is for reports; None for now.
        lag: Rows that are younger are not there yet.
        row_cap: After how many rows a report is cut silently.
        asked: The bodies that were accepted, with the path under ``path``.
        en_dash: Write the header of the current inbox's id with an en dash.
        naive_times: Write times without a zone, in that of the report.
        newline: How lines end.
        body_instead: Answer 200 with this instead of any report.
        content_type_instead: The Content-Type of that.
    """

    def __init__(self, account: Account, desk: Desk, present: datetime | None = None) -> None:
        self.as_of = present
        self.lag = timedelta(hours=1)
        self.row_cap = 100_000
        self.asked: list[dict[str, Any]] = []
        self.en_dash = False
        self.naive_times = False
        self.newline = "\n"
        self.body_instead: bytes | None = None
        self.content_type_instead = "text/html"
        self._account = account
        self._desk = desk
        self._maker = RowMaker(desk)
        self._tables: dict[str, Table] = {}
        # How many events of the history each table tells of, and which of them were changed.
        self._told: dict[str, int] = {}
        self._changed: set[str] = set()

    @property
    def work_sessions(self) -> list[Row]:
        """The rows of the work session report, in any order."""
        return self._table(SESSIONS).rows

    def rows(self, metric_set: str) -> list[Row]:
        """Return every row of a report by its anchor, also those that are not there yet.

        Times are in UTC and headers with a hyphen, whatever is set. Of a summary these are the
        rows of its days.
        """
        table = self._table(metric_set)
        return [dict(zip(table.columns, cells, strict=True)) for cells in table.between()]

    def set(self, metric_set: str, rows: Iterable[Mapping[str, str]]) -> None:
        """Have these rows in a report and no others; its columns are theirs, if there are any."""
        held = [dict(row) for row in rows]
        columns = list(dict.fromkeys(chain.from_iterable(held))) or columns_of(metric_set)
        self._tables[metric_set] = Table(_known(metric_set), columns, held)
        self._told[metric_set] = len(self._desk.history)
        self._changed.add(metric_set)

    def add_row(self, metric_set: str, row: Mapping[str, str]) -> None:
        """Add a row; columns that the report does not have are left out."""
        self._own_table(metric_set).rows.append(dict(row))

    def change(self, metric_set: str, key: str, column: str, value: str) -> None:
        """Restate a cell of the row with a key.

        Raises:
            KeyError: There is no such row or column, or the report has no key.
        """
        self._own_table(metric_set).change(key, column, value)

    def fill(self, metric_set: str, per_day: Mapping[date, int]) -> None:
        """Have so many rows in each day of UTC and no others; they are made when they are sent."""
        table = self._own_table(metric_set)
        template = table.rows[-1] if table.rows else dict.fromkeys(table.columns, "")
        table.fill(per_day, template)

    def add_column(self, metric_set: str, header: str, value: str) -> None:
        """Add a column with the same value in every row."""
        self._own_table(metric_set).add_column(header, value)

    def end_session(self, session_id: str) -> None:
        """End a contact now, which moves its rows to another window.

        It is named by its ``contact_session_id`` or by the ``id`` of one of its rows.

        Raises:
            KeyError: There is no such contact.
        """
        found = [
            row
            for row in self._own_table(SESSIONS).rows
            if session_id in {row["contact_session_id"], row.get("id")}
        ]
        if not session_id or not found:
            raise KeyError(session_id)
        for row in found:
            row["id"] = row.get("id") or self._account.new_id()
            row["contact_session_ended_at"] = stamp(now(self.as_of), 3)
            row["status"] = "ANSWERED"

    def make(self, path: str, content_type: str, body: bytes) -> Report:
        """Answer a request.

        Raises:
            BadRequestError: The request asks for what the vendor does not have.
        """
        wanted, given = read_request(self._account, path, content_type, body)
        self.asked.append({**given, "path": path})
        if self.body_instead is not None:
            return Report(self.content_type_instead, None, iter([self.body_instead]))
        table = self._table(wanted.metric_set)
        known = now(self.as_of) - self.lag // timedelta(microseconds=1) * 1000
        rows = table.between(wanted.first, min(wanted.end, known + 1))
        rows = self._filtered(table.columns, rows, wanted)
        if "a" in ALLOWED[wanted.metric_set] and wanted.level != "daily":
            rows = aggregate(table.columns, rows, wanted.level, wanted.zone)
        zone = ZoneInfo(str(self._account.organization["timezone"]))
        zone = zone if path == SESSIONS_PATH else wanted.zone
        return Report("text/csv", wanted.filename, self._csv(table.columns, rows, zone))

    def _table(self, metric_set: str) -> Table:
        """Return a report as it is by now."""
        with self._desk.lock:
            table, count = self._tables.get(metric_set), len(self._desk.history)
            told = self._told.get(metric_set, 0)
            if table is None or (metric_set not in self._changed and told < count):
                rows = self._maker.make(_known(metric_set))
                table = self._tables[metric_set] = Table(metric_set, columns_of(metric_set), rows)
            elif metric_set in TIMESTAMPS.values():
                table.rows += self._maker.events(metric_set, self._desk.history[told:count])
            self._told[metric_set] = count
        return table

    def _own_table(self, metric_set: str) -> Table:
        """Return a report whose rows are changed here, and no longer made anew."""
        table = self._table(metric_set)
        self._changed.add(metric_set)
        return table

    def _filtered(
        self, columns: list[str], rows: Iterator[list[str]], wanted: Wanted
    ) -> Iterator[list[str]]:
        if wanted.channel and "Channel" in columns:
            channel = columns.index("Channel")
            rows = (row for row in rows if row[channel] == wanted.channel)
        for header in ("Inbox ID - Current", "Assigned Inbox ID"):
            if wanted.inboxes and header in columns:
                inbox = columns.index(header)
                return (row for row in rows if row[inbox] in wanted.inboxes)
        return rows

    def _csv(
        self, columns: list[str], rows: Iterator[list[str]], zone: ZoneInfo
    ) -> Iterator[bytes]:
        buffer = StringIO(newline="")
        writer = csv.writer(buffer, lineterminator=self.newline)
        header = [
            "Inbox ID \u2013 Current" if self.en_dash and name == "Inbox ID - Current" else name
            for name in columns
        ]
        for number, row in enumerate(islice(rows, self.row_cap)):
            if number == 0:
                writer.writerow(header)
            writer.writerow([_local(cell, zone) for cell in row] if self.naive_times else row)
            if buffer.tell() >= _CHUNK:
                yield buffer.getvalue().encode()
                buffer.seek(0)
                buffer.truncate()
        yield buffer.getvalue().encode()


def _known(metric_set: str) -> str:
    if metric_set not in ALLOWED:
        raise KeyError(metric_set)
    return metric_set


def _local(cell: str, zone: ZoneInfo) -> str:
    if not _INSTANT.fullmatch(cell):
        return cell
    return f"{moment_of(nanos(cell)).astimezone(zone):%Y-%m-%d %H:%M:%S}"
