"""The enumerations of the vendor's document.

A status is stored as its place in `STATUSES`; `FINISHED` are those of calls with a recording, and
before them stand those of calls that are yet to be finished.
"""

from __future__ import annotations

STATUSES = (
    "SCHEDULED",
    "INITIATED",
    "INPROGRESS",
    "WAITING_IN_QUEUE",
    "PROCESSING",
    "PROCESSED",
    "ERROR_IN_TRANSCRIBE",
    "ERROR_IN_PROCESSING",
    "ERROR_IN_RECORDING",
    "UNABLE_TO_JOIN",
    "CALL_DID_NOT_HAPPEN",
    "IGNORED_BY_USER",
    "BOTJOIN_DISABLED",
    "POST_PROCESSING_DONE",
    "NO_DATA_INCALL",
    "NOBODY_JOINED_CALL",
    "BOTJOIN_DENIED",
)
FINISHED = frozenset({STATUSES.index("PROCESSED"), STATUSES.index("POST_PROCESSING_DONE")})
SCHEDULED = STATUSES.index("SCHEDULED")
NOT_JOINED = frozenset(
    STATUSES.index(status)
    for status in ("UNABLE_TO_JOIN", "IGNORED_BY_USER", "BOTJOIN_DISABLED", "BOTJOIN_DENIED")
)

TYPES = (
    "ZOOM",
    "GOOGLE_MEET",
    "FRESHCALLER",
    "AIRCALL_RECORDING",
    "RINGCENTRAL",
    "GOTO_MEETING",
    "OUTREACH",
    "HUBSPOT",
    "BLUE_JEANS",
    "SALESLOFT",
    "MS_TEAMS",
    "DIALPAD",
    "FRONTSPIN",
    "TALKDESK",
)

REASONS_NOT_JOINED = [
    "IGNORED_DUE_TO_WHITELIST",
    "CONSENT_REVOKED",
    "IGNORED_BY_USER",
    "IGNORED_CALL_TYPE_IGNORED_BY_CUSTOMER",
    "IGNORED_NO_USER_HAS_ACCEPTED_INVITE",
    "RECORDING_PERMISSION_DENIED",
    "IGNORED_NON_MEETING",
    "IGNORED_NOT_CONFIRMED",
    "IGNORED_NOT_EXTERNAL_MEETING",
    "IGNORED_NOT_ORGANIZER",
    "IGNORED",
]

ROLES = ["REP", "MANAGER", "OBSERVER"]
