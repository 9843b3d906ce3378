"""Which reports there are, what may be asked of each, and the columns of those that are known."""

from __future__ import annotations

_SETS = {
    "a": """
        AgentAwayTimeReport AnswerUsageReport AbandonedCallsInIVRReport
        AutoThrottleMissedConversationsReport PaymentsSummaryReport ProactiveVoiceSummaryReport
        HelpCenterAnswerUsageReport QuickActionsUsageReport GladAppAnswerUsageReport
    """,
    "at": """
        AgentAvailableTimeReportV2 AgentLoginTimeReport AgentSummary AgentSummaryV2
        AgentSummaryGlanceReport AgentSummaryGlanceReportV2 AnswerUsageByAgentReport
    """,
    "t": "AgentDurationsReport AgentDurationsReportV2 AgentTimestampsReport",
    "acit": "FirstContactResolutionByAgentV2Report",
    "": """
        PaymentsByAgentReport WorkSessionEventsReportV3 WorkSessionEventsReportV4
        ContactTimestampsReport ConversationTimestampsReport TaskTimestampsReport
        AutoThrottleChangesReport ChatDisplayPctChangesReport HelpCenterAnswerSearchReport
        SelfServiceThreadsReport SidekickAssistsByClassificationTopicReport
        GladAppAnswerSearchReport GladAppContactPointsReport GladlyAISessionsDetailReport
        GladlyAISessionsDetailWithMessagesReport
    """,
    "cit": "WorkSessionsReport WorkSessionsReportV3",
    "aci": """
        ChannelMixReportV2 ContactSummaryReport ContactSummaryReportV2
        ContactSummaryCountsReport ContactSummaryDurationsReport ContactSummaryDurationsReportV2
        TopicHierarchyReport
    """,
    "ai": "ChannelWaitTimeReport ChannelWaitTimeReportV2 ConversationSummaryReport",
    "ci": "ContactExportReportV3 TopicSummaryReport",
    "i": "ConversationExportReport ConversationSidekickExportReport",
    "p": "IVRExecutiveSummaryReportV2 IvrEndStatesReportV2",
    "it": "TaskExportReport",
    "ait": "TaskSummaryReport",
}
"""The reports by what may be sent with each: an aggregation level (a), and the filters of channel
(c), inboxes (i), teams (t) and phone number (p), which must be there if it may."""

ALLOWED = {name: allowed for allowed, names in _SETS.items() for name in names.split()}
"""What may be sent with each report."""

SESSIONS = "WorkSessionEventsReportV4"
TIME_RANGES = frozenset({"ContactExportReportV3", SESSIONS})
"""Those that may be asked for by the minute; the work sessions must be."""

_CONVERSATION = (
    "Created At|Conversation ID|Customer ID|Conversation Link|Status|Assigned Agent ID - Current|"
    "Assigned Agent Name - Current|Inbox ID - Current|Inbox Name - Current|First Closed At|"
    "Last Closed At|Initiator Type - Created|Initiator Agent ID - Created|"
    "Initiator Agent Name - Created|Inbox ID - Created|Inbox Name - Created|"
    "Assigned Agent ID - Created|Topics|Topics with Hierarchy|First Contact ID|First Channel|"
    "Last Channel|Created-to-First Closed Time|Created-to-Last Closed Time|"
    "Conversation Handle Time|Count of Contacts|Count of Agents|Count of Inboxes Assigned|"
    "Times Closed|Times Reopened|Billable Resolution (Y/N)"
)
_CONVERSATION_EVENTS = (
    "Timezone Filter|Timestamp|Event Type|Conversation ID|Customer ID|Initiator Type|Initiator ID|"
    "Initiator Agent Name|Assigned Inbox ID|Assigned Inbox Name|Assigned Agent ID|"
    "Assigned Agent Name|Topic ID|Topic Name|Newly Assigned Inbox ID|Newly Assigned Inbox Name|"
    "Newly Assigned Agent ID|Newly Assigned Agent Name|Assignment Update Reason|"
    "Merged Customer ID|Merged Conversation ID"
)
_CONTACT_EVENTS = (
    "Timestamp|Event Type|Contact ID|Conversation ID|Customer ID|Channel|Initiator Type|"
    "Initiator ID|Initiator Agent Name|Assigned Inbox ID|Assigned Inbox Name|Assigned Agent ID|"
    "Assigned Agent Name|Transferred To Inbox Name|Final IVR Selection|Fulfilled by Contact ID"
)
_SESSION = (
    "id|contact_session_id|contact_session_created_at|customer_id|conversation_id|inbox_id|channel|"
    "direction|agent_accepted_at|contact_session_routed_at|agent_id|sla_fulfilled_at|"
    "contact_session_ended_at|status|within_sla|work_session_handle_time_sec|"
    "work_session_after_contact_time_sec|work_session_unknown_time_sec|accepted_inbox_id"
)
_COLUMNS = {
    "ConversationExportReport": _CONVERSATION,
    "ConversationTimestampsReport": _CONVERSATION_EVENTS,
    "ContactExportReportV3": (
        "Queued At|Customer ID|Conversation ID|Contact ID|Link|Channel|Direction|"
        "Contact Initiator|Entry Point|Final IVR Selection"
    ),
    "ContactTimestampsReport": _CONTACT_EVENTS,
    "AgentTimestampsReport": (
        "Timestamp|Occurred At|Agent|Type|Available For|Away Reason|Active Reason|Agent ID"
    ),
    "AgentDurationsReportV2": ("Agent ID|Agent|Start time|End time|Duration (mins)|Type|Context"),
    "AgentSummaryV2": (
        "Bucket Beginning|Bucket End|Name|Email|Agent ID|User Status|Role(s)|Inbox(es)|Team(s)|"
        "Logged In|Logged Out|Logged In Time in seconds|Went Away|Returned from Away|"
        "Changed Active Reason"
    ),
    "GladlyAISessionsDetailReport": (
        "Session ID|Customer ID|Conversation ID|Channel|Gladly Agent|Created Date"
    ),
    "TaskExportReport": (
        "Task ID|Created At|Customer ID|Status|Assigned Inbox ID|Assigned Inbox Name|"
        "Assigned Agent ID|Assigned Agent Name|Due At|Closed At|Body|Count of Comments"
    ),
    "TaskTimestampsReport": (
        "Timestamp|Event Type|Task ID|Customer ID|Initiator Type|Initiator ID|"
        "Assigned Inbox ID|Assigned Inbox Name|Assigned Agent ID|Assigned Agent Name"
    ),
    SESSIONS: _SESSION,
}
_SUMMARY = "Bucket Beginning|Bucket End|Name|Count"

_ANCHORS = {
    "ConversationExportReport": "Created At",
    "ContactExportReportV3": "Queued At",
    "AgentDurationsReportV2": "Start time",
    "GladlyAISessionsDetailReport": "Created Date",
    "TaskExportReport": "Created At",
    SESSIONS: "contact_session_created_at",
}
_KEYS = {
    "ConversationExportReport": "Conversation ID",
    "ContactExportReportV3": "Contact ID",
    "GladlyAISessionsDetailReport": "Session ID",
    "TaskExportReport": "Task ID",
    SESSIONS: "contact_session_id",
}
EVENT_GRAIN = frozenset(
    {
        "ConversationTimestampsReport",
        "ContactTimestampsReport",
        "AgentTimestampsReport",
        "AgentDurationsReportV2",
        "TaskTimestampsReport",
    }
)
"""Those whose rows have no key: two equal events of one instant are two equal rows."""


def columns_of(metric_set: str) -> list[str]:
    """Return the headers of a report; the vendor documents hardly any."""
    return _COLUMNS.get(metric_set, _SUMMARY).split("|")


def anchor_of(metric_set: str) -> str:
    """Return the column whose instant decides which window a row is in.

    A work session that has ended goes by its end instead.
    """
    if metric_set in _ANCHORS:
        return _ANCHORS[metric_set]
    return "Timestamp" if metric_set in EVENT_GRAIN else "Bucket Beginning"


def key_of(metric_set: str) -> str | None:
    """Return the column that names a row, if there is one."""
    return _KEYS.get(metric_set)
