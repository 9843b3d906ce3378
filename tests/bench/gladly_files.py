"""Large export files of Gladly."""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone

from rich.table import Table

from tests.bench.measuring import console, measure, show
from tests.gladly.conftest import config
from tests.running import Tap
from tests.sandbox.gladly import GladlySandbox

if t.TYPE_CHECKING:
    from collections.abc import Iterator

LINES_OF_A_CHUNK = 500


def show_files(sizes: list[int]) -> None:
    """Read files of conversation items, each in one export job."""
    table = Table(title="conversation items of one export file")
    for column in ("items", "MB", "seconds", "records/s", "peak MiB", "requests"):
        table.add_column(column, justify="right")
    for size in sizes:
        emails = Emails(size)
        with (
            console.status(f"Reading a file of {size:,} conversation items ..."),
            GladlySandbox(history_days=0) as sandbox,
        ):
            emails.export(sandbox)
            taken = measure(Tap("tap-gladly", config(sandbox)), ["export_conversation_items"])
            requests = sandbox.traffic.count()
        table.add_row(
            f"{taken.records:,}",
            f"{emails.sent / 1e6:,.0f}",
            f"{taken.seconds:.1f}",
            f"{taken.records / taken.seconds:,.0f}",
            f"{taken.peak:.0f}",
            str(requests),
        )
    show(table)


class Emails:
    """A file of e-mails that is made while it is sent, so that nobody holds it.

    Args:
        count: How many e-mails.

    Attributes:
        sent: How many bytes were sent.
    """

    def __init__(self, count: int) -> None:
        self.sent = 0
        self._count = count

    def export(self, sandbox: GladlySandbox) -> None:
        """Add the export job that has the file."""
        now = datetime.now(timezone.utc)
        sandbox.exports.add(
            start=now - timedelta(days=1),
            end=now - timedelta(hours=1),
            updated=now - timedelta(minutes=5),
            files={"conversation_items.jsonl": self.chunks},
        )

    def chunks(self) -> Iterator[bytes]:
        """The file, some hundred lines at a time."""
        for first in range(0, self._count, LINES_OF_A_CHUNK):
            numbers = range(first, min(first + LINES_OF_A_CHUNK, self._count))
            chunk = "".join(map(_line, numbers)).encode()
            self.sent += len(chunk)
            yield chunk


def _line(number: int) -> str:
    """An e-mail of half a kilobyte, unlike any other."""
    second, customer = number % 60, f"customer-{number % 50_000:013}"
    text = f"{number * 7919 % (1 << 160):040x} {number * 104_729 % (1 << 80):020x}"
    return (
        f'{{"id":"item-{number:017}","customerId":"{customer}",'
        f'"conversationId":"conversation-{number // 7:09}",'
        f'"timestamp":"2026-11-20T12:{second:02}:{second:02}.{number % 1000:03}Z",'
        f'"initiator":{{"id":"{customer}","type":"CUSTOMER"}},'
        '"content":{"type":"EMAIL","from":"jane@acme.example","to":["help@acme.example"],'
        f'"subject":"Order {number}","content":"Where is order {number}, which I wrote of? '
        f'Its label says {text}, and my receipt says {text}; it should have come a week ago."}}}}\n'
    )
