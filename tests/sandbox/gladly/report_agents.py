"""The rows of reports on agents, made from when they came, went and were away."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tests.sandbox.gladly.report_history import in_order
from tests.sandbox.gladly.report_request import day_begin
from tests.sandbox.gladly.timestamps import MINUTE, SECOND, moment_of, nanos, stamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from tests.sandbox.gladly.helpdesk import Desk

    Record = dict[str, Any]
    Row = dict[str, str]

_SPANS = {
    "AGENT_STATUS/LOGGED_IN": ("Logged In", "AGENT_STATUS/LOGGED_OUT"),
    "AGENT_STATUS/WENT_AWAY": ("Away", "AGENT_STATUS/RETURNED_FROM_AWAY"),
}
"""The type of a duration and the event that ends it, by the event that begins it."""


def timestamps(desk: Desk, events: Iterable[Record]) -> list[Row]:
    """Make the rows of the report of agents' timestamps."""
    agents = _agents(desk)
    return [
        {
            "Timestamp": event["timestamp"],
            "Occurred At": content.get("occurredAt", event["timestamp"]),
            "Agent": str(agents.get(content["agentId"], {}).get("name", "")),
            "Type": event["type"].partition("/")[2],
            "Available For": ",".join(content.get("availableFor", ())),
            "Away Reason": content.get("awayReason", {}).get("name", ""),
            "Active Reason": content.get("activeReason", {}).get("name", ""),
            "Agent ID": content["agentId"],
        }
        for event in events
        for content in [event["content"]]
    ]


def durations(desk: Desk) -> list[Row]:
    """Make the rows of the report of agents' durations; one that goes on has no end."""
    agents = _agents(desk)
    rows: list[Row] = []
    going_on: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for event in _of_agents(desk):
        content, at, kind = event["content"], event["timestamp"], event["type"]
        agent = content["agentId"]
        for row in going_on[agent, kind][:1]:
            going_on[agent, kind].remove(row)
            row["End time"] = at
            minutes = (nanos(at) - nanos(row["Start time"])) / MINUTE
            row["Duration (mins)"] = f"{minutes:.2f}"
        if kind in _SPANS:
            name, end = _SPANS[kind]
            row = {
                "Agent ID": agent,
                "Agent": str(agents.get(agent, {}).get("name", "")),
                "Start time": at,
                "End time": "",
                "Duration (mins)": "",
                "Type": name,
                "Context": content.get("awayReason", {}).get("name", ""),
            }
            rows.append(row)
            going_on[agent, end].append(row)
    return rows


def agent_days(desk: Desk) -> Iterator[Row]:
    """Make the rows of the summary of agents: one for each day on which one was there."""
    agents, inboxes = _agents(desk), ", ".join(str(each["name"]) for each in desk.account.inboxes)
    for begin, end, events in each_day(desk, _of_agents(desk)):
        for agent_id in sorted({event["content"]["agentId"] for event in events}):
            agent = agents.get(agent_id, {})
            when: dict[str, list[int]] = defaultdict(list)
            for event in events:
                if event["content"]["agentId"] == agent_id:
                    when[event["type"].partition("/")[2]].append(nanos(event["timestamp"]))
            spans = zip(when["LOGGED_IN"], when["LOGGED_OUT"], strict=False)
            teams = [each for each in desk.account.teams if agent_id in each["agentIds"]]
            yield {
                "Bucket Beginning": stamp(begin, 0),
                "Bucket End": stamp(end, 3),
                "Name": str(agent.get("name", "")),
                "Email": str(agent.get("emailAddress", "")),
                "Agent ID": agent_id,
                "User Status": "Active",
                "Role(s)": "Agent, Task User",
                "Inbox(es)": inboxes,
                "Team(s)": ", ".join(str(each["name"]) for each in teams),
                "Logged In": str(len(when["LOGGED_IN"])),
                "Logged Out": str(len(when["LOGGED_OUT"])),
                "Logged In Time in seconds": str(
                    sum(last - first for first, last in spans) // SECOND
                ),
                "Went Away": str(len(when["WENT_AWAY"])),
                "Returned from Away": str(len(when["RETURNED_FROM_AWAY"])),
                "Changed Active Reason": str(len(when["CHANGED_ACTIVE_REASON"])),
            }


def each_day(desk: Desk, events: Iterable[Record]) -> Iterator[tuple[int, int, list[Record]]]:
    """Yield begin and end of each day of the organization that has events, and these.

    The instants are in nanoseconds since 1970.
    """
    zone = ZoneInfo(str(desk.account.organization["timezone"]))

    def day_of(event: Record) -> date:
        return moment_of(nanos(event["timestamp"])).astimezone(zone).date()

    for day, found in groupby(in_order(events), day_of):
        yield day_begin(day, zone), day_begin(day + timedelta(days=1), zone), list(found)


def _agents(desk: Desk) -> dict[str, Record]:
    return {each["id"]: each for each in desk.account.agents}


def _of_agents(desk: Desk) -> list[Record]:
    return in_order(event for event in desk.history if event["type"].startswith("AGENT_"))
