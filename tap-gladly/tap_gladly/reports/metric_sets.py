"""What is known of reports: their columns, their time anchor, and what tells their rows apart.

The vendor's API document names the metric sets and no columns; these come from its help pages,
which mostly show a part of them. What else an account's report has is read at discovery.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class KnownReport:
    """What is known of a metric set.

    Args:
        anchor: The header of the time by which rows belong to a window.
        headers: The headers that are known.
        key: The headers that tell rows apart for ever; none for rows that have no id.
        changing: Where there is no key: the headers whose cells may be others when a row is
            given again, such as the name of an agent.
        restates: Whether rows change after they were first given.
    """

    anchor: str
    headers: tuple[str, ...]
    key: tuple[str, ...] = ()
    changing: tuple[str, ...] = ()
    restates: bool = False

    @property
    def identity(self) -> tuple[str, ...]:
        """The headers that tell rows apart which have no id; none where there is one."""
        if self.key:
            return ()
        return tuple(each for each in self.headers if each not in self.changing)


_ASSIGNED = ("Assigned Inbox ID", "Assigned Inbox Name", "Assigned Agent ID", "Assigned Agent Name")
_NAMES = ("Initiator Agent Name", "Assigned Inbox Name", "Assigned Agent Name")
_INITIATOR = ("Initiator Type", "Initiator ID", "Initiator Agent Name")

KNOWN = {
    "ConversationExportReport": KnownReport(
        anchor="Created At",
        key=("Conversation ID",),
        restates=True,
        headers=(
            "Created At",
            "Conversation ID",
            "Customer ID",
            "Conversation Link",
            "Status",
            "Assigned Agent ID - Current",
            "Assigned Agent Name - Current",
            "Inbox ID - Current",
            "Inbox Name - Current",
            "First Closed At",
            "Last Closed At",
            "Initiator Type - Created",
            "Initiator Agent ID - Created",
            "Initiator Agent Name - Created",
            "Inbox ID - Created",
            "Inbox Name - Created",
            "Assigned Agent ID - Created",
            "Topics",
            "Topics with Hierarchy",
            "First Contact ID",
            "First Channel",
            "Last Channel",
            "Created-to-First Closed Time",
            "Created-to-Last Closed Time",
            "Conversation Handle Time",
            "Count of Contacts",
            "Count of Agents",
            "Count of Inboxes Assigned",
            "Times Closed",
            "Times Reopened",
            "Billable Resolution (Y/N)",
        ),
    ),
    "ConversationTimestampsReport": KnownReport(
        anchor="Timestamp",
        changing=(
            *_NAMES,
            "Timezone Filter",
            "Topic Name",
            "Newly Assigned Inbox Name",
            "Newly Assigned Agent Name",
        ),
        headers=(
            "Timezone Filter",
            "Timestamp",
            "Event Type",
            "Conversation ID",
            "Customer ID",
            *_INITIATOR,
            *_ASSIGNED,
            "Topic ID",
            "Topic Name",
            "Newly Assigned Inbox ID",
            "Newly Assigned Inbox Name",
            "Newly Assigned Agent ID",
            "Newly Assigned Agent Name",
            "Assignment Update Reason",
            "Merged Customer ID",
            "Merged Conversation ID",
        ),
    ),
    "ContactExportReportV3": KnownReport(
        anchor="Queued At",
        key=("Contact ID",),
        restates=True,
        headers=(
            "Queued At",
            "Customer ID",
            "Conversation ID",
            "Contact ID",
            "Link",
            "Channel",
            "Direction",
            "Contact Initiator",
            "Entry Point",
            "Final IVR Selection",
        ),
    ),
    "ContactTimestampsReport": KnownReport(
        anchor="Timestamp",
        changing=(*_NAMES, "Transferred To Inbox Name"),
        headers=(
            "Timestamp",
            "Event Type",
            "Contact ID",
            "Conversation ID",
            "Customer ID",
            "Channel",
            *_INITIATOR,
            *_ASSIGNED,
            "Transferred To Inbox Name",
            "Final IVR Selection",
            "Fulfilled by Contact ID",
        ),
    ),
    "AgentTimestampsReport": KnownReport(
        anchor="Timestamp",
        changing=("Agent",),
        headers=(
            "Timestamp",
            "Occurred At",
            "Agent",
            "Type",
            "Available For",
            "Away Reason",
            "Active Reason",
            "Agent ID",
        ),
    ),
    # A duration that has not ended comes without its end, and its context may yet change.
    "AgentDurationsReportV2": KnownReport(
        anchor="Start time",
        changing=("Agent", "End time", "Duration (mins)", "Context"),
        restates=True,
        headers=(
            "Agent ID",
            "Agent",
            "Start time",
            "End time",
            "Duration (mins)",
            "Type",
            "Context",
        ),
    ),
    "TaskExportReport": KnownReport(
        anchor="Created At", key=("Task ID",), restates=True, headers=("Created At", "Task ID")
    ),
    "TaskTimestampsReport": KnownReport(
        anchor="Timestamp", headers=("Timestamp", "Event Type", "Task ID", "Customer ID")
    ),
    "GladlyAISessionsDetailReport": KnownReport(
        anchor="Created Date",
        key=("Session ID",),
        restates=True,
        headers=(
            "Created Date",
            "Session ID",
            "Customer ID",
            "Conversation ID",
            "Channel",
            "Gladly Agent",
        ),
    ),
}
"""The reports whose rows can be told apart, by metric set."""

SUMMARY_HEADERS = {
    "AgentSummaryV2": (
        "Bucket Beginning",
        "Bucket End",
        "Name",
        "Email",
        "Agent ID",
        "User Status",
        "Role(s)",
        "Inbox(es)",
        "Team(s)",
        "Logged In",
        "Logged Out",
        "Logged In Time in seconds",
        "Went Away",
        "Returned from Away",
        "Changed Active Reason",
    ),
}
"""The known columns of reports whose rows have a place in their window, and no more."""

BY_TIME = frozenset({"WorkSessionEventsReportV4"})
"""Reports that take a range of times, and not of days."""

DEFAULT_REPORTS = (
    "ConversationExportReport",
    "ConversationTimestampsReport",
    "ContactExportReportV3",
    "ContactTimestampsReport",
    "AgentTimestampsReport",
    "AgentDurationsReportV2",
    "TaskExportReport",
    "TaskTimestampsReport",
)
"""What is read where the setting `reports` says nothing."""
