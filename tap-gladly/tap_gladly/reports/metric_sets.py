"""The metric sets that the tap knows: their columns, their time column and their keys.

The vendor's API document names the metric sets and no columns. These columns come from its help
pages, which mostly show a part of them. Discovery asks the account's own reports for the others.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MetricSet:
    """What is known of a metric set; without arguments, of one that is not in the table.

    Headers are written as in the CSV.

    Args:
        headers: The headers that are known.
        anchor: The header of the time by which a row belongs to a window. Without it, a row is
            told by its place in a window.
        key: The headers of the primary key; empty for rows without an id.
        volatile: Headers whose cells may differ when a row is given again, such as an agent's name.
        rows_change: Whether a row may change after it was first given.
        takes_times: Whether it is asked for by a range of times instead of days.
        has_all_columns: Whether these are all of its headers.
        is_of_sessions: Whether its rows are work sessions.
    """

    headers: tuple[str, ...] = ()
    anchor: str | None = None
    key: tuple[str, ...] = ()
    volatile: tuple[str, ...] = ()
    rows_change: bool = True
    takes_times: bool = False
    has_all_columns: bool = False
    is_of_sessions: bool = False

    @property
    def hash_columns(self) -> tuple[str, ...]:
        """The headers whose cells are hashed to a key; empty where there is another key."""
        if self.key or not self.anchor:
            return ()
        return tuple(each for each in self.headers if each not in self.volatile)


_ASSIGNED = ("Assigned Inbox ID", "Assigned Inbox Name", "Assigned Agent ID", "Assigned Agent Name")
_NAMES = ("Initiator Agent Name", "Assigned Inbox Name", "Assigned Agent Name")
_INITIATOR = ("Initiator Type", "Initiator ID", "Initiator Agent Name")

METRIC_SETS = {
    "ConversationExportReport": MetricSet(
        anchor="Created At",
        key=("Conversation ID",),
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
    "ConversationTimestampsReport": MetricSet(
        anchor="Timestamp",
        rows_change=False,
        has_all_columns=True,
        volatile=(
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
    "ContactExportReportV3": MetricSet(
        anchor="Queued At",
        key=("Contact ID",),
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
    "ContactTimestampsReport": MetricSet(
        anchor="Timestamp",
        rows_change=False,
        volatile=(*_NAMES, "Transferred To Inbox Name"),
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
    "AgentTimestampsReport": MetricSet(
        anchor="Timestamp",
        rows_change=False,
        volatile=("Agent",),
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
    # A duration that has not ended has no end yet, and its context may change.
    "AgentDurationsReportV2": MetricSet(
        anchor="Start time",
        volatile=("Agent", "End time", "Duration (mins)", "Context"),
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
    "TaskExportReport": MetricSet(
        anchor="Created At", key=("Task ID",), headers=("Created At", "Task ID")
    ),
    "TaskTimestampsReport": MetricSet(
        anchor="Timestamp",
        rows_change=False,
        headers=("Timestamp", "Event Type", "Task ID", "Customer ID"),
    ),
    "GladlyAISessionsDetailReport": MetricSet(
        anchor="Created Date",
        key=("Session ID",),
        headers=(
            "Created Date",
            "Session ID",
            "Customer ID",
            "Conversation ID",
            "Channel",
            "Gladly Agent",
        ),
    ),
    "AgentSummaryV2": MetricSet(
        headers=(
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
    ),
    "WorkSessionEventsReportV4": MetricSet(
        anchor="contact_session_ended_at",
        key=("contact_session_id", "agent_id"),
        headers=(
            "id",
            "contact_session_id",
            "contact_session_created_at",
            "customer_id",
            "conversation_id",
            "inbox_id",
            "channel",
            "direction",
            "agent_accepted_at",
            "contact_session_routed_at",
            "agent_id",
            "sla_fulfilled_at",
            "contact_session_ended_at",
            "status",
            "within_sla",
            "work_session_handle_time_sec",
            "work_session_after_contact_time_sec",
            "work_session_unknown_time_sec",
            "accepted_inbox_id",
        ),
        takes_times=True,
        is_of_sessions=True,
    ),
}
"""By the name that Gladly gives them."""

DEFAULT_REPORTS = (
    "ConversationExportReport",
    "ConversationTimestampsReport",
    "ContactExportReportV3",
    "ContactTimestampsReport",
    "AgentTimestampsReport",
    "AgentDurationsReportV2",
    "TaskExportReport",
    "TaskTimestampsReport",
    # Contacts that Gladly's own AI resolves alone are in no report of contacts.
    "GladlyAISessionsDetailReport",
)
"""The default of the setting `reports`."""
