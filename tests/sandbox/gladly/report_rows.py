"""Makes up the rows of reports: one cell after the other, by what its header says."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tests.sandbox.gladly.report_request import day_begin
from tests.sandbox.gladly.report_sets import EVENT_GRAIN, SESSIONS, anchor_of, columns_of, key_of
from tests.sandbox.gladly.timestamps import (
    DAY,
    DIGITS,
    SECOND,
    cycle_from,
    moment_of,
    now,
    slug,
    stamp,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    from tests.sandbox.gladly.account import Account
    from tests.sandbox.gladly.helpdesk.initial import Cast

    Row = dict[str, str]

_CHANNELS = ("CHAT", "EMAIL", "FB_MESSENGER", "SMS", "PHONE_CALL", "WHATSAPP", "INSTAGRAM_DIRECT")
_KINDS = {
    "ConversationTimestampsReport": ("CONVERSATION/CREATED", "NOTE/CREATED", "CUSTOMER/MERGED"),
    "ContactTimestampsReport": ("CONTACT/STARTED", "PAYMENT_REQUEST/CHANGED", "CONTACT/ENDED"),
    "TaskTimestampsReport": ("TASK/CREATED", "TASK/CLOSED", "TASK/COMMENT_ADDED"),
}
_NOTHING = "Topic ID", "Merged ", "Newly ", "Transferred", "Fulfilled", "Closed At", "Due At"
"""Beginnings and ends of the headers whose cells are empty at times."""
_CHOICES: dict[str, tuple[str, ...]] = {
    "Status": ("OPEN", "CLOSED", "MERGED"),
    "Channel": _CHANNELS,
    "First Channel": _CHANNELS,
    "Last Channel": _CHANNELS,
    "Direction": ("INBOUND", "OUTBOUND"),
    "Contact Initiator": ("CUSTOMER", "AGENT", "APPLICATION"),
    "Initiator Type": ("CUSTOMER", "AGENT", "APPLICATION", "SYSTEM"),
    "Initiator Type - Created": ("CUSTOMER", "AGENT", "APPLICATION"),
    "Entry Point": ("+14155550101", "Help, us", ""),
    "Final IVR Selection": ("", 'Press "2"', "Returns\nand more"),
    "Topics": ("Returns, Broken", "", "Praise"),
    "Topics with Hierarchy": ("Returns > Broken\nPraise", "", 'Sizing > "XL"\r\n'),
    "Billable Resolution (Y/N)": ("Y", "N"),
    "Assignment Update Reason": ("", "MANUAL", "DEVICE_ERROR"),
    "Type": ("LOGGED_IN", "LOGGED_OUT", "WENT_AWAY"),
    "Available For": ("VOICE,MAIL", ""),
    "Away Reason": ("", "Lunch, “late”"),
    "Active Reason": ("", "Training"),
    "Context": ("", "Back\u2028office"),
    "User Status": ("Active", "Deactivated"),
    "Role(s)": ("Agent, Task User", "Admin"),
    "Inbox(es)": ("Email Inbox, Old Inbox", ""),
    "Team(s)": ("Returns", ""),
    "Gladly Agent": ("Sidekick", ""),
    "Body": ("Call <b>back</b>\n\nsoon", 'She said "no", twice', " "),
}


class RowMaker:
    """Makes the rows of an organization's reports.

    Args:
        seed: Seed of all rows.
        account: The account whose agents, inboxes and topics they name, and in whose days they lie.
        cast: The customers, conversations and tasks that they name.
        days: How many days back they reach.
        per_day: How many a day.
        present: When it is; None for now.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - one argument for each thing that rows depend on
        self,
        seed: int,
        account: Account,
        cast: Cast,
        days: int,
        per_day: int,
        present: datetime | None = None,
    ) -> None:
        self._present = present
        self._cast = cast
        self._seed = seed
        self._account = account
        self._days = days
        self._per_day = per_day
        self._customers = [slug(Random(f"customer {seed} {number}")) for number in range(40)]

    def make(self, metric_set: str) -> list[Row]:
        """Make the rows of a report, the oldest first and none of the future.

        The first row of each day lies on the very begin of the day, in the organization's time
        zone; a summary has all rows of a day there. A row depends on its day and the seed alone,
        and a contact that goes on also on the present.
        """
        columns, summary = columns_of(metric_set), anchor_of(metric_set) == "Bucket Beginning"
        rows: list[Row] = []
        for day, begin, end in self._each_day():
            digits = cycle_from(DIGITS, day.toordinal())
            for number in range(self._per_day):
                at = begin + (0 if summary else DAY * number // self._per_day)
                at += 72_729_331 + number if number and not summary else 0
                if at > now(self._present):
                    break
                index = day.toordinal() * self._per_day + number
                random = Random(f"{metric_set} {self._seed} {day} {number}")
                if metric_set == SESSIONS:
                    rows.extend(self._sessions(random, at, index))
                    continue
                row = self._row(metric_set, columns, random, at, next(digits))
                self._name(metric_set, row, random, index)
                if summary:
                    row["Bucket End"] = stamp(end, next(digits))
                    if "Agent ID" in row:
                        agent = self._account.agents[number % len(self._account.agents)]
                        row.update({"Agent ID": agent["id"], "Email": agent["emailAddress"]})
                    row["Name"] = f"Name {number}, “{number}”"
                rows.append(row)
                if metric_set in EVENT_GRAIN and index % 40 == 5:
                    rows.append(dict(row))
        return rows

    def template(self, metric_set: str) -> Row:
        """Make one row that others can be made after."""
        if metric_set == SESSIONS:
            return self._sessions(Random(self._seed), now(self._present), 1)[0]
        at = now(self._present)
        return self._row(metric_set, columns_of(metric_set), Random(self._seed), at, 3)

    def _each_day(self) -> Iterator[tuple[date, int, int]]:
        zone = ZoneInfo(str(self._account.organization["timezone"]))
        today = moment_of(now(self._present)).astimezone(zone).date()
        for ago in reversed(range(self._days)):
            day = today - timedelta(days=ago)
            yield day, day_begin(day, zone), day_begin(day + timedelta(days=1), zone)

    def _row(
        self, metric_set: str, columns: list[str], random: Random, at: int, digits: int
    ) -> Row:
        row = {header: self._cell(metric_set, header, random, at, digits) for header in columns}
        row[anchor_of(metric_set)] = stamp(at, digits)
        if "Timezone Filter" in row:
            row["Timezone Filter"] = str(self._account.organization["timezone"])
        return row

    def _name(self, metric_set: str, row: Row, random: Random, index: int) -> None:
        header = key_of(metric_set)
        if header in {"Conversation ID", "Task ID"}:
            slots = self._days * self._per_day
            self._cast.name_once(header, row, index % slots, slots)
        else:
            self._cast.name_in_row(metric_set, row, random)

    def _cell(self, metric_set: str, header: str, random: Random, at: int, digits: int) -> str:
        if header == "Event Type":
            return random.choice(_KINDS[metric_set])
        if header in _CHOICES:
            return random.choice(_CHOICES[header])
        nothing = header.startswith(_NOTHING) or header.endswith(_NOTHING)
        if nothing and random.random() < 0.4:
            return ""
        if header.endswith((" At", "Timestamp", " time", "Date")):
            return stamp(at + random.randrange(1, 9000) * SECOND, digits)
        return self._name_or_id(header, random)

    def _name_or_id(self, header: str, random: Random) -> str:
        found: dict[str, Any] = {}
        if "Inbox" in header:
            found = random.choice(self._account.inboxes)
        elif "Agent" in header and "Agents" not in header:
            found = random.choice(self._account.agents)
        elif header.startswith("Topic "):
            found = random.choice(self._account.topics)
        elif header == "Customer ID":
            return random.choice(self._customers)
        if found and "Inboxes" not in header:
            return str(found["id"] if " ID" in header else found.get("name", ""))
        if " ID" in header:
            return slug(random)
        if "Link" in header:
            return f"https://acme.gladly.com/conversation/{slug(random)}?a=1,2"
        if header.endswith("Time"):
            return f"{random.randrange(100)}:{random.randrange(60):02}:{random.randrange(60):02}"
        return str(random.randrange(1000)) if random.random() < 0.8 else "12.5"

    def _sessions(self, random: Random, at: int, index: int) -> list[Row]:
        """Make the rows of one contact: one for each agent who handled it, else one."""
        zero = dict.fromkeys(columns_of(SESSIONS), "")
        begun: Row = {
            **zero,
            "contact_session_id": slug(random),
            "contact_session_created_at": stamp(at, DIGITS[index % len(DIGITS)]),
            "customer_id": random.choice(self._customers),
            "conversation_id": slug(random),
            "inbox_id": random.choice(self._account.inboxes)["id"],
            "channel": random.choice(_CHANNELS),
            "direction": random.choice(("INBOUND", "OUTBOUND")),
            "contact_session_routed_at": stamp(at + SECOND, 3),
            "status": "ACTIVE",
        }
        self._cast.name_in_row(SESSIONS, begun, Random(begun["contact_session_id"]))
        if index % 4 == 0:
            return [begun]
        ended = at + random.randrange(60, 40_000) * SECOND
        done: Row = {
            **begun,
            "id": slug(random),
            "contact_session_ended_at": stamp(ended, DIGITS[index % len(DIGITS)]),
            "status": "ABANDONED" if index % 4 == 1 else "ANSWERED",
            "within_sla": random.choice(("true", "false")),
            "work_session_after_contact_time_sec": "4.2",
            "work_session_unknown_time_sec": "0",
        }
        if ended > now(self._present):
            return [begun]
        if index % 4 == 1:
            return [done]
        agents = random.sample(self._account.agents, 2 if index % 4 == 2 else 1)
        return [
            {
                **done,
                "id": slug(random),
                "agent_id": agent["id"],
                "agent_accepted_at": stamp(at + 9 * SECOND, 2),
                "sla_fulfilled_at": stamp(at + 20 * SECOND, 0),
                "work_session_handle_time_sec": "35.529",
                "accepted_inbox_id": begun["inbox_id"],
            }
            for agent in agents
        ]
