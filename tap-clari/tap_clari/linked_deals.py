"""The deals of the calls that a run reads, which are opportunities to the other API."""

from __future__ import annotations

import typing as t

import msgspec

from tap_clari.kit.record_type import member
from tap_clari.kit.stream import StreamState
from tap_clari.kit.times import EARLIEST, format_time, time_or_none

if t.TYPE_CHECKING:
    from datetime import datetime

    from singer_sdk.helpers.types import Record

    from tap_clari.kit.dedup import SeenIds
    from tap_clari.kit.tap import ApiTap

OPPORTUNITIES = "opportunities"
"""The stream that reads them."""

CALLS_FROM = "calls_from"
"""In its state until it has ended: from when on calls are listed for it."""


class OpportunitiesState(StreamState, total=False):
    """What `opportunities` keeps in its part of the state."""

    calls_from: str | None


class LinkedDeals:
    """Takes the deals of listed calls to the stream that reads their opportunities.

    The bookmark of the calls has moved before that stream begins. So where a run is stopped in
    between, its calls are listed once more by the next one: the state says from when on.

    Args:
        tap: The tap: its setting, its state and its streams.
        ids: The opportunities that are to be read.
    """

    def __init__(self, tap: ApiTap, ids: SeenIds) -> None:
        self._tap = tap
        self._ids = ids

    def are_wanted(self) -> bool:
        """Whether the setting asks for them, and the run reads opportunities."""
        return bool(self._tap.config["opportunities_of_calls"]) and any(
            stream.name == OPPORTUNITIES for stream in self._tap.selected_streams()
        )

    def begin(self, start: datetime | None) -> datetime | None:
        """Where the list of calls begins, by the bookmark and by what an earlier run still owes."""
        state = self._tap.streams[OPPORTUNITIES].stream_state
        begin = start or EARLIEST
        begin = min(begin, time_or_none(state.get(CALLS_FROM)) or begin)
        state[CALLS_FROM] = format_time(begin)
        return begin if start else None

    def add(self, call: Record) -> None:
        """Have the opportunity read that is the deal of a call."""
        linked = member(call, "crm_info")
        deal = member(linked, "deal_id") if isinstance(linked, dict | msgspec.Struct) else None
        if deal and isinstance(deal, str | int):
            self._ids.add(str(deal))
