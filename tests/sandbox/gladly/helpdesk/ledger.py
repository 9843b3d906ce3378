"""What Gladly's reports and export files tell of what has happened at the desk.

Use, where nothing was made up at the start (`report_rows_per_day=0, history_days=0, events=0`)::

    keep_books(gladly)  # reports say what has happened by now
    export(gladly, start, end)  # and an export job has the items of a window
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from tests.sandbox.gladly.report_sets import SESSIONS
from tests.sandbox.gladly.timestamps import MINUTE, SECOND, nanos, of, slug, stamp

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from tests.sandbox.gladly import GladlySandbox
    from tests.sandbox.gladly.exports import ExportJob

    Record = dict[str, Any]
    Row = dict[str, str]

IN_TIME = 15 * MINUTE
"""So soon a customer is to be answered."""


@dataclass
class Contact:
    """A contact: from a customer's or an agent's first word to its end.

    Attributes:
        first: Its first event.
        last: Its last event.
        replied_at: When the first word of an agent was; empty for none.
        ended_at: When it ended; empty while it has not.
    """

    first: Record
    last: Record
    replied_at: str = ""
    ended_at: str = ""

    @property
    def content(self) -> Record:
        """What the first event says."""
        found: Record = self.first["content"]
        return found

    @property
    def agent(self) -> str:
        """Who had it in the end; empty for nobody."""
        return str(self.last["content"]["context"]["assignee"].get("agentId", ""))

    @property
    def is_inbound(self) -> bool:
        """Whether the customer began it."""
        return bool(self.first["type"] != "CONTACT/MESSAGE_SENT")

    @property
    def handled(self) -> int:
        """For how long it was handled, in nanoseconds."""
        if not (self.ended_at and self.replied_at):
            return 0
        return nanos(self.ended_at) - nanos(self.replied_at)

    @property
    def is_in_time(self) -> bool:
        """Whether the customer was answered soon enough."""
        waited = (
            nanos(self.replied_at) - nanos(self.first["timestamp"]) if self.replied_at else None
        )
        return waited is not None and waited <= IN_TIME


@dataclass
class Life:
    """What has happened to a conversation or a task, by type of event: when."""

    id: str
    customer: str
    first: Record
    times: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


def contacts_of(gladly: GladlySandbox) -> dict[str, Contact]:
    """The contacts by id. The end of a conversation is the end of its contact."""
    found: dict[str, Contact] = {}
    for event in gladly.events.all:
        content, kind = event["content"], event["type"]
        if kind == "CONVERSATION/CLOSED":
            for each in found.values():
                if each.content["conversationId"] == content["conversationId"]:
                    each.ended_at = each.ended_at or event["timestamp"]
        if not kind.startswith("CONTACT/"):
            continue
        contact = found.setdefault(content["contactId"], Contact(event, event))
        contact.last = event
        # A call is answered as it comes.
        answered = kind == "CONTACT/MESSAGE_SENT" or content["channel"] == "PHONE_CALL"
        if answered and not contact.replied_at:
            contact.replied_at = event["timestamp"]
        if kind == "CONTACT/ENDED":
            contact.ended_at = event["timestamp"]
    return found


def lives_of(gladly: GladlySandbox, created: str, name: str) -> dict[str, Life]:
    """The conversations or tasks by id, from the events that name them.

    Args:
        gladly: Where.
        created: The type of the event with which they begin.
        name: The member of events that names them.
    """
    found: dict[str, Life] = {}
    for event in gladly.events.all:
        content, kind = event["content"], event["type"]
        if kind == created:
            found[content[name]] = Life(content[name], content["customerId"], event)
        if content.get(name) in found:
            found[content[name]].times[kind].append(event["timestamp"])
    return found


def keep_books(gladly: GladlySandbox) -> None:
    """Let the reports say what has happened at the desk by now, and nothing else.

    Those of timestamps do so already, which get a row with each action.
    """
    contacts = contacts_of(gladly)
    gladly.reports.set("ContactExportReportV3", [_contact(*each) for each in contacts.items()])
    gladly.reports.set(SESSIONS, [_session(*each) for each in contacts.items()])
    gladly.reports.set("ConversationExportReport", list(_conversations(gladly, contacts)))
    gladly.reports.set("TaskExportReport", list(_tasks(gladly)))
    gladly.reports.set("GladlyAISessionsDetailReport", list(_ai_sessions(gladly)))


def keep_shifts(gladly: GladlySandbox, first: datetime, days: int) -> None:
    """Let agents have worked on these days, eight hours less a lunch, and reports say so."""
    durations: list[Row] = []
    stamps: list[Row] = []
    for day in range(days):
        for number, agent in enumerate(gladly.account.agents[: 4 + day % 3]):
            who = {"Agent ID": str(agent["id"]), "Agent": str(agent.get("name", ""))}
            begin = first + timedelta(days=day, hours=9, minutes=7 * number)
            lunch = begin + timedelta(hours=3)
            for kind, start, minutes in (
                ("Logged In", begin, 480.0),
                ("Away", lunch, 30.5),
            ):
                end = start + timedelta(minutes=minutes)
                durations.append(
                    {
                        **who,
                        "Start time": stamp(of(start)),
                        "End time": stamp(of(end)),
                        "Duration (mins)": str(minutes),
                        "Type": kind,
                        "Context": "Lunch" if kind == "Away" else "",
                    }
                )
            for kind, at in (("LOGGED_IN", begin), ("LOGGED_OUT", begin + timedelta(hours=8))):
                stamps.append(
                    {
                        "Timestamp": stamp(of(at)),
                        "Occurred At": stamp(of(at)),
                        **who,
                        "Type": kind,
                        "Available For": "VOICE,MAIL",
                        "Away Reason": "",
                        "Active Reason": "",
                    }
                )
    gladly.reports.set("AgentDurationsReportV2", durations)
    gladly.reports.set("AgentTimestampsReport", stamps)


def export(gladly: GladlySandbox, start: datetime, end: datetime) -> ExportJob:
    """Add the export job of a window, with the items as they are now."""
    items = [
        {name: each for name, each in item.items() if name != "sessionId"}
        for item in gladly.desk.items.values()
        if of(start) <= nanos(item["timestamp"]) < of(end)
    ]
    seen = dict.fromkeys(item["customerId"] for item in items)
    return gladly.exports.add(
        start=start,
        end=end,
        updated=end + timedelta(minutes=5),
        files={
            "agents.jsonl": gladly.account.agents,
            "conversation_items.jsonl": sorted(items, key=lambda item: nanos(item["timestamp"])),
            "customers.jsonl": [_customer(gladly.desk.customers[each]) for each in seen],
            "topics.jsonl": gladly.account.topics,
        },
    )


def _customer(profile: Record) -> Record:
    """A profile as an export file has it."""
    kept = ("id", "name", "address", "externalCustomerId", "externalCustomerIds")
    return {
        **{name: profile[name] for name in kept if name in profile},
        "emailAddresses": [each["original"] for each in profile.get("emails", ())],
        "phoneNumbers": [
            each.get("normalized", each["original"]) for each in profile.get("phones", ())
        ],
    }


def _contact(contact_id: str, contact: Contact) -> Row:
    content = contact.content
    return {
        "Queued At": contact.first["timestamp"],
        "Customer ID": content["customerId"],
        "Conversation ID": content["conversationId"],
        "Contact ID": contact_id,
        "Link": f"https://acme.gladly.com/conversation/{content['conversationId']}",
        "Channel": content["channel"],
        "Direction": "INBOUND" if contact.is_inbound else "OUTBOUND",
        "Contact Initiator": "CUSTOMER" if contact.is_inbound else "AGENT",
        "Entry Point": content.get("entryPoint", ""),
        "Final IVR Selection": content.get("finalIVRSelection", ""),
    }


def _session(contact_id: str, contact: Contact) -> Row:
    content, has_ended = contact.content, bool(contact.ended_at)
    inbox = content["context"]["assignee"].get("inboxId", "")
    replied = contact.replied_at and has_ended
    return {
        "id": slug(Random(contact_id)) if has_ended else "",
        "contact_session_id": contact_id,
        "contact_session_created_at": contact.first["timestamp"],
        "customer_id": content["customerId"],
        "conversation_id": content["conversationId"],
        "inbox_id": inbox,
        "channel": content["channel"],
        "direction": "INBOUND" if contact.is_inbound else "OUTBOUND",
        "agent_accepted_at": contact.replied_at if has_ended else "",
        "contact_session_routed_at": contact.first["timestamp"],
        "agent_id": contact.agent if replied else "",
        "sla_fulfilled_at": contact.replied_at if has_ended else "",
        "contact_session_ended_at": contact.ended_at,
        "status": ("ANSWERED" if replied else "ABANDONED") if has_ended else "ACTIVE",
        "within_sla": ("true" if contact.is_in_time else "false") if has_ended else "",
        "work_session_handle_time_sec": str(contact.handled / SECOND) if replied else "",
        "work_session_after_contact_time_sec": "4.2" if replied else "",
        "work_session_unknown_time_sec": "0" if has_ended else "",
        "accepted_inbox_id": inbox if replied else "",
    }


def _conversations(gladly: GladlySandbox, contacts: dict[str, Contact]) -> Iterable[Row]:
    desk, account = gladly.desk, gladly.account
    agents = {each["id"]: str(each.get("name", "")) for each in account.agents}
    inboxes = {each["id"]: str(each["name"]) for each in account.inboxes}
    topics = {each["id"]: each for each in account.topics}
    theirs: dict[str, dict[str, Contact]] = defaultdict(dict)
    for contact_id, contact in contacts.items():
        theirs[contact.content["conversationId"]][contact_id] = contact
    merged = {
        event["content"]["sourceConversationId"]: event["content"]["destinationCustomerId"]
        for event in gladly.events.all
        if event["type"] == "CUSTOMER/MERGED"
    }
    for life in lives_of(gladly, "CONVERSATION/CREATED", "conversationId").values():
        now = desk.conversations.get(life.id)
        if now is None and life.id not in merged:
            # It was deleted with its customer.
            continue
        now = now or {"customerId": merged[life.id], "status": "MERGED"}
        closed = life.times["CONVERSATION/CLOSED"]
        own, created = theirs[life.id], life.first
        had = created["content"]["context"]["assignee"]
        agent, inbox = now.get("agentId", ""), now.get("inboxId", "")
        by = created["initiator"]
        channels = [each.content["channel"] for each in own.values()]
        named = [topics[each] for each in now.get("topicIds", ())]
        yield {
            "Created At": created["timestamp"],
            "Conversation ID": life.id,
            "Customer ID": now["customerId"],
            "Conversation Link": f"https://acme.gladly.com/conversation/{life.id}",
            "Status": now["status"] if now["status"] != "WAITING" else "OPEN",
            "Assigned Agent ID - Current": agent,
            "Assigned Agent Name - Current": agents.get(agent, ""),
            "Inbox ID - Current": inbox,
            "Inbox Name - Current": inboxes.get(inbox, ""),
            "First Closed At": closed[0] if closed else "",
            "Last Closed At": closed[-1] if closed else "",
            "Initiator Type - Created": by["type"],
            "Initiator Agent ID - Created": by["id"] if by["type"] == "AGENT" else "",
            "Initiator Agent Name - Created": agents.get(by["id"], ""),
            "Inbox ID - Created": had.get("inboxId", ""),
            "Inbox Name - Created": inboxes.get(had.get("inboxId", ""), ""),
            "Assigned Agent ID - Created": had.get("agentId", ""),
            "Topics": ", ".join(str(each["name"]) for each in named),
            "Topics with Hierarchy": "\n".join(
                " > ".join(
                    str(one["name"])
                    for one in (topics.get(each.get("parentId", "")), each)
                    if one is not None
                )
                for each in named
            ),
            "First Contact ID": next(iter(own), ""),
            "First Channel": channels[0] if channels else "",
            "Last Channel": channels[-1] if channels else "",
            "Created-to-First Closed Time": _between(created["timestamp"], closed[:1]),
            "Created-to-Last Closed Time": _between(created["timestamp"], closed[-1:]),
            "Conversation Handle Time": _duration(sum(each.handled for each in own.values())),
            "Count of Contacts": str(len(own)),
            "Count of Agents": str(len({each.agent for each in own.values()} - {""})),
            "Count of Inboxes Assigned": "1",
            "Times Closed": str(len(closed)),
            "Times Reopened": str(len(life.times["CONVERSATION/REOPENED"])),
            "Billable Resolution (Y/N)": "Y" if closed and now["status"] == "CLOSED" else "N",
        }


def _tasks(gladly: GladlySandbox) -> Iterable[Row]:
    account = gladly.account
    agents = {each["id"]: str(each.get("name", "")) for each in account.agents}
    inboxes = {each["id"]: str(each["name"]) for each in account.inboxes}
    for life in lives_of(gladly, "TASK/CREATED", "taskId").values():
        task = gladly.desk.tasks.get(life.id)
        if task is None:
            continue
        assignee = task.get("assignee", {})
        closed = life.times["TASK/CLOSED"]
        yield {
            "Task ID": life.id,
            "Created At": life.first["timestamp"],
            "Customer ID": task["customerId"],
            "Status": task["status"],
            "Assigned Inbox ID": assignee.get("inboxId", ""),
            "Assigned Inbox Name": inboxes.get(assignee.get("inboxId", ""), ""),
            "Assigned Agent ID": assignee.get("agentId", ""),
            "Assigned Agent Name": agents.get(assignee.get("agentId", ""), ""),
            "Due At": task.get("dueAt", ""),
            "Closed At": closed[-1] if closed and task["status"] == "CLOSED" else "",
            "Body": task.get("body", ""),
            "Count of Comments": str(len(life.times["TASK/COMMENT_ADDED"])),
        }


def _ai_sessions(gladly: GladlySandbox) -> Iterable[Row]:
    """Every fourth chat was one with Gladly's own AI before."""
    for life in list(lives_of(gladly, "CONVERSATION/CREATED", "conversationId").values())[::4]:
        yield {
            "Session ID": slug(Random(f"session {life.id}")),
            "Customer ID": life.customer,
            "Conversation ID": life.id,
            "Channel": "CHAT",
            "Gladly Agent": "Sidekick",
            "Created Date": life.first["timestamp"],
        }


def _between(start: str, ends: list[str]) -> str:
    return _duration(nanos(ends[0]) - nanos(start)) if ends else ""


def _duration(length: int) -> str:
    seconds = length // SECOND
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
