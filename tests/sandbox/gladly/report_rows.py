"""The rows of reports, made from what has happened at the desk."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from tests.sandbox.gladly.report_agents import agent_days, durations, each_day, timestamps
from tests.sandbox.gladly.report_history import contacts_of, in_order, lives_of
from tests.sandbox.gladly.report_sets import SESSIONS, columns_of
from tests.sandbox.gladly.timestamps import SECOND, nanos, slug, stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.sandbox.gladly.helpdesk import Desk

    Record = dict[str, Any]
    Row = dict[str, str]

TIMESTAMPS = {
    "CONTACT": "ContactTimestampsReport",
    "PAYMENT_REQUEST": "ContactTimestampsReport",
    "CONVERSATION": "ConversationTimestampsReport",
    "CONVERSATION_ASSIGNEE": "ConversationTimestampsReport",
    "CUSTOMER": "ConversationTimestampsReport",
    "TASK": "TaskTimestampsReport",
    "AGENT_STATUS": "AgentTimestampsReport",
    "AGENT_AVAILABILITY": "AgentTimestampsReport",
}
"""The report that has a row for each event, by the first part of the event's type."""
_TYPES = {
    "CONVERSATION/NOTE_CREATED": "NOTE/CREATED",
    "PAYMENT_REQUEST/STATUS_CHANGED": "PAYMENT_REQUEST/CHANGED",
}
"""Types of events that have another name in reports."""
_INITIATORS = {"API": "APPLICATION", "AUTOMATION": "APPLICATION"}
_CELLS = {
    "Conversation ID": ("conversationId", "destinationConversationId"),
    "Customer ID": ("customerId", "destinationCustomerId"),
    "Merged Customer ID": ("sourceCustomerId",),
    "Merged Conversation ID": ("sourceConversationId",),
    "Task ID": ("taskId",),
    "Contact ID": ("contactId",),
    "Channel": ("channel",),
    "Topic ID": ("topicId",),
    "Final IVR Selection": ("finalIVRSelection",),
}
"""The members of an event that a cell is taken from."""


class RowMaker:
    """Makes the rows of reports from the history of a desk, as it is by now."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._makers: dict[str, Callable[[], Iterable[Row]]] = {
            "AgentDurationsReportV2": partial(durations, desk),
            "AgentSummaryV2": partial(agent_days, desk),
            "ContactExportReportV3": self._contacts,
            "ConversationExportReport": self._conversations,
            "GladlyAISessionsDetailReport": self._ai_sessions,
            "TaskExportReport": self._tasks,
            SESSIONS: self._sessions,
        }

    def make(self, metric_set: str) -> list[Row]:
        """Make all rows of a report."""
        if metric_set in TIMESTAMPS.values():
            return self.events(metric_set, in_order(self._desk.history))
        return list(self._makers.get(metric_set, self._summary)())

    def events(self, metric_set: str, history: Iterable[Record]) -> list[Row]:
        """Make the rows that a report of timestamps has for events."""
        fitting = [
            event
            for event in history
            if TIMESTAMPS.get(event["type"].partition("/")[0]) == metric_set
        ]
        if metric_set == "AgentTimestampsReport":
            return timestamps(self._desk, fitting)
        return [self._event(metric_set, event) for event in fitting]

    def _event(self, metric_set: str, event: Record) -> Row:
        account, content = self._desk.account, event["content"]
        kind: str = event["type"]
        row: Row = dict.fromkeys(columns_of(metric_set), "")
        for header, names in _CELLS.items():
            if header in row:
                row[header] = str(next((content[name] for name in names if name in content), ""))
        by: str = event["initiator"]["type"]
        row["Timestamp"] = event["timestamp"]
        row["Event Type"] = _TYPES.get(kind, kind)
        row["Initiator ID"] = event["initiator"]["id"]
        row["Initiator Type"] = _INITIATORS.get(by, by)
        row["Initiator Agent Name"] = _name(account.agents, event["initiator"]["id"])
        row |= self._assigned("Assigned", content.get("context", {}).get("assignee", {}))
        if "Timezone Filter" in row:
            row["Timezone Filter"] = str(account.organization["timezone"])
            row["Topic Name"] = _name(account.topics, row["Topic ID"])
            row |= self._assigned("Newly Assigned", content.get("assignee", {}))
            row["Assignment Update Reason"] = content.get("reason", "")
        if kind == "CONTACT/TRANSFERRED":
            row["Transferred To Inbox Name"] = _name(
                account.inboxes, content["assignee"].get("inboxId", "")
            )
        if kind == "CONTACT/FULFILLED" and content["fulfilledType"] == "RESPONDED":
            row["Fulfilled by Contact ID"] = self._newest_contact(event)
        return row

    def _newest_contact(self, event: Record) -> str:
        """Return the contact that fulfilled another: the newest of the conversation by then."""
        content = event["content"]
        found = [
            each["content"]["contactId"]
            for each in self._desk.history
            if each["content"].get("conversationId") == content["conversationId"]
            and each["content"].get("contactId") not in {None, content["contactId"]}
            and nanos(each["timestamp"]) <= nanos(event["timestamp"])
        ]
        return str(found[-1]) if found else ""

    def _assigned(self, prefix: str, assignee: Record) -> Row:
        inbox, agent = (assignee.get(name, "") for name in ("inboxId", "agentId"))
        return {
            f"{prefix} Inbox ID": inbox,
            f"{prefix} Inbox Name": _name(self._desk.account.inboxes, inbox),
            f"{prefix} Agent ID": agent,
            f"{prefix} Agent Name": _name(self._desk.account.agents, agent),
        }

    def _contacts(self) -> Iterator[Row]:
        for contact in contacts_of(self._desk.history).values():
            content = contact.content
            yield {
                "Queued At": contact.first["timestamp"],
                "Customer ID": content["customerId"],
                "Conversation ID": content["conversationId"],
                "Contact ID": contact.id,
                "Link": f"https://acme.gladly.com/conversation/{content['conversationId']}?a=1,2",
                "Channel": content["channel"],
                "Direction": "INBOUND" if contact.is_inbound else "OUTBOUND",
                "Contact Initiator": "CUSTOMER" if contact.is_inbound else "AGENT",
                "Entry Point": content.get("entryPoint", ""),
                "Final IVR Selection": content.get("finalIVRSelection", ""),
            }

    def _sessions(self) -> Iterator[Row]:
        """One row for each agent who handled a contact, else one."""
        for contact in contacts_of(self._desk.history).values():
            content = contact.content
            inbox = content["context"]["assignee"].get("inboxId", "")
            begun: Row = {
                **dict.fromkeys(columns_of(SESSIONS), ""),
                "contact_session_id": contact.id,
                "contact_session_created_at": contact.first["timestamp"],
                "customer_id": content["customerId"],
                "conversation_id": content["conversationId"],
                "inbox_id": inbox,
                "channel": content["channel"],
                "direction": "INBOUND" if contact.is_inbound else "OUTBOUND",
                "contact_session_routed_at": contact.first["timestamp"],
                "status": "ACTIVE",
            }
            if not contact.ended_at:
                yield begun
                continue
            ended: Row = {
                **begun,
                "contact_session_ended_at": contact.ended_at,
                "status": "ANSWERED" if contact.handled else "ABANDONED",
                "within_sla": "true" if contact.is_in_time else "false",
                "work_session_unknown_time_sec": "0",
            }
            for agent, handled in (contact.handled or {"": 0}).items():
                row = {**ended, "id": slug(Random(contact.id + agent)), "agent_id": agent}
                if agent:
                    row |= {
                        "agent_accepted_at": contact.replied_at,
                        "sla_fulfilled_at": contact.replied_at,
                        "work_session_handle_time_sec": str(handled / SECOND),
                        "work_session_after_contact_time_sec": "4.2",
                        "accepted_inbox_id": inbox,
                    }
                yield row

    def _conversations(self) -> Iterator[Row]:
        desk = self._desk
        agents, inboxes = (_names(each) for each in (desk.account.agents, desk.account.inboxes))
        theirs = defaultdict(list)
        for contact in contacts_of(desk.history).values():
            theirs[contact.content["conversationId"]].append(contact)
        merged = {
            event["content"]["sourceConversationId"]: event["content"]["destinationCustomerId"]
            for event in desk.history
            if event["type"] == "CUSTOMER/MERGED"
        }
        for life in lives_of(desk.history, "CONVERSATION/CREATED", "conversationId").values():
            now = desk.conversations.get(life.id)
            if now is None and life.id not in merged:
                # It was deleted with its customer.
                continue
            now = now or {"customerId": merged[life.id], "status": "MERGED"}
            closed, own, created = life.times["CONVERSATION/CLOSED"], theirs[life.id], life.first
            had = created["content"]["context"]["assignee"]
            agent, inbox = now.get("agentId", ""), now.get("inboxId", "")
            by = created["initiator"]
            channels = [each.content["channel"] for each in own]
            handled = [each.handled for each in own]
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
                **self._topics(now.get("topicIds", ())),
                "First Contact ID": own[0].id if own else "",
                "First Channel": channels[0] if channels else "",
                "Last Channel": channels[-1] if channels else "",
                "Created-to-First Closed Time": _between(created["timestamp"], closed[:1]),
                "Created-to-Last Closed Time": _between(created["timestamp"], closed[-1:]),
                "Conversation Handle Time": _duration(sum(sum(each.values()) for each in handled)),
                "Count of Contacts": str(len(own)),
                "Count of Agents": str(len({agent for each in own for agent in each.agents})),
                "Count of Inboxes Assigned": str(len(life.inboxes)),
                "Times Closed": str(len(closed)),
                "Times Reopened": str(len(life.times["CONVERSATION/REOPENED"])),
                "Billable Resolution (Y/N)": "Y" if closed and now["status"] == "CLOSED" else "N",
            }

    def _topics(self, ids: Iterable[str]) -> Row:
        topics = {each["id"]: each for each in self._desk.account.topics}
        named = [topics[each] for each in ids if each in topics]
        above = {each["id"]: topics.get(each.get("parentId", "")) for each in named}
        return {
            "Topics": ", ".join(str(each["name"]) for each in named),
            "Topics with Hierarchy": "\r\n".join(
                " > ".join(str(one["name"]) for one in (above[each["id"]], each) if one)
                for each in named
            ),
        }

    def _tasks(self) -> Iterator[Row]:
        desk = self._desk
        agents, inboxes = (_names(each) for each in (desk.account.agents, desk.account.inboxes))
        for life in lives_of(desk.history, "TASK/CREATED", "taskId").values():
            task = desk.tasks.get(life.id)
            if task is None:
                continue
            assignee, closed = task.get("assignee", {}), life.times["TASK/CLOSED"]
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

    def _ai_sessions(self) -> Iterator[Row]:
        """Every fourth conversation was one with Gladly's own AI before."""
        lives = lives_of(self._desk.history, "CONVERSATION/CREATED", "conversationId").values()
        for life in lives:
            random = Random(f"session {life.id}")
            if random.randrange(4) == 0:
                yield {
                    "Session ID": slug(random),
                    "Customer ID": life.customer,
                    "Conversation ID": life.id,
                    "Channel": "CHAT",
                    "Gladly Agent": "Sidekick",
                    "Created Date": life.first["timestamp"],
                }

    def _summary(self) -> Iterator[Row]:
        """For a report of which no columns are known: the contacts of each day by inbox."""
        inboxes = _names(self._desk.account.inboxes)
        contacts = list(contacts_of(self._desk.history).values())
        for begin, end, found in each_day(self._desk, [each.first for each in contacts]):
            counts: dict[str, int] = defaultdict(int)
            for event in found:
                assignee = event["content"]["context"]["assignee"]
                counts[inboxes.get(assignee.get("inboxId", ""), "")] += 1
            for name, count in sorted(counts.items()):
                yield {
                    "Bucket Beginning": stamp(begin, 0),
                    "Bucket End": stamp(end, 3),
                    "Name": name,
                    "Count": str(count),
                }


def _names(records: Iterable[Record]) -> Row:
    return {each["id"]: str(each.get("name", "")) for each in records}


def _name(records: Iterable[Record], record_id: str) -> str:
    return next((str(each.get("name", "")) for each in [*records] if each["id"] == record_id), "")


def _between(start: str, ends: list[str]) -> str:
    return _duration(nanos(ends[0]) - nanos(start)) if ends else ""


def _duration(length: int) -> str:
    seconds = length // SECOND
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
