"""The change index of a run: one for all streams that read what changed."""

from __future__ import annotations

import typing as t
from datetime import timedelta

from tap_gladly.changes.facts import CUSTOMER, ENTITIES
from tap_gladly.changes.index import ChangeIndex
from tap_gladly.changes.merges import LISTS, moved_by_merges
from tap_gladly.changes.sources import add_events, add_reports
from tap_gladly.kit.times import format_second

if t.TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from tap_gladly.run import GladlyStream


class Reader(t.Protocol):
    """A stream that reads what changed."""

    kind: str

    @property
    def selected(self) -> bool:
        """Whether the run reads the stream."""

    def bookmark(self) -> datetime | None:
        """Up to when earlier runs have read."""

    def changed_since(self) -> datetime:
        """From when on it asks what changed."""

    def events_from(self) -> datetime:
        """From when on it needs events."""

    def requests_of(self, index: ChangeIndex) -> int:
        """How many requests it takes, at least."""


class Changes:
    """Makes the index when it is first asked for, from the oldest bookmark of all readers on."""

    def __init__(self) -> None:
        self._readers: list[Reader] = []
        self._index: ChangeIndex | None = None

    def register(self, reader: Reader) -> None:
        """Let it be known who will ask what changed, if it is selected."""
        self._readers.append(reader)

    # As a reader of events

    @property
    def selected(self) -> bool:
        """Whether anybody will ask."""
        return bool(self._asking())

    @property
    def event_entities(self) -> Collection[str]:
        """The entities whose events name what is asked for."""
        return sorted({each for kind in self._kinds() for each in ENTITIES[kind]})

    def events_from(self) -> datetime:
        """The oldest time from which anybody needs events."""
        return min(reader.events_from() for reader in self._asking())

    # The index

    def index(self, stream: GladlyStream) -> ChangeIndex:
        """What changed since the oldest bookmark; read by this stream, should it not have been."""
        if self._index is None:
            self._index = self._filled(stream)
        return self._index

    def _asking(self) -> list[Reader]:
        return [reader for reader in self._readers if reader.selected]

    def _kinds(self) -> set[str]:
        return {reader.kind for reader in self._asking()}

    def _since(self) -> dict[str, datetime]:
        """From when on it is asked what changed, by kind."""
        asking = self._asking()
        return {
            kind: min(reader.changed_since() for reader in asking if reader.kind == kind)
            for kind in sorted(self._kinds())
        }

    def _filled(self, stream: GladlyStream) -> ChangeIndex:
        index = ChangeIndex(stream.run.events.end)
        since = self._since()
        if min(since.values()) >= index.end:
            return index
        stream.run.events.ask_once()
        events = stream.run.events.received
        told_by_events = events.start if events else index.end
        if min(since.values()) < told_by_events:
            self._name_gap(stream, told_by_events)
            add_reports(index, stream, since, told_by_events)
        if events:
            add_events(index, stream, events)
            events.file.close()
        stream.run.attributes.add(index.attributes())
        self._look_up_merges(index, stream, since)
        return index

    def _look_up_merges(
        self, index: ChangeIndex, stream: GladlyStream, since: dict[str, datetime]
    ) -> None:
        """Add what merges moved, and say how much there is to do before it is done."""
        merges = {kind: index.merges(start) for kind, start in since.items() if kind in LISTS}
        counts = "; ".join(
            f"{kind}s: {index.count(kind, start):,} since {format_second(start)}"
            for kind, start in since.items()
        )
        look_ups = sum(map(len, merges.values()))
        requests = look_ups + sum(reader.requests_of(index) for reader in self._asking())
        rate = float(stream.config["requests_per_second"])
        stream.log(
            "What changed: %s. This takes %s requests or some more (%s to look up merges), and %s "
            "(h:mm:ss) or longer at %g a second",
            counts,
            f"{requests:,}",
            f"{look_ups:,}",
            timedelta(seconds=round(requests / rate)),
            rate,
        )
        index.add(moved_by_merges(stream, merges))

    def _name_gap(self, stream: GladlyStream, start: datetime) -> None:
        """Say what no report tells of: of profiles, only events say that they changed."""
        for reader in self._asking():
            bookmark = reader.bookmark()
            if reader.kind == CUSTOMER and bookmark and bookmark < start:
                stream.warn_once(
                    "Customers whose profile was changed or deleted from "
                    f"{format_second(bookmark)} to {format_second(start)}, and of whom nothing "
                    "else is reported, are not known: Gladly tells of that for 24 hours only. Run "
                    "more often than once in 24 hours."
                )
