"""The streams, one module an area of the API."""

from __future__ import annotations

from tap_clari.streams.calls import CallDetailsStream, CallsStream
from tap_clari.streams.crm import AccountsStream, ContactsStream, DealsStream
from tap_clari.streams.scorecards import ScorecardsStream, ScorecardTemplatesStream
from tap_clari.streams.topics import KeywordTopicsStream, TopicsStream
from tap_clari.streams.users import UsersStream

COPILOT_STREAMS = (
    UsersStream,
    TopicsStream,
    KeywordTopicsStream,
    ScorecardTemplatesStream,
    ScorecardsStream,
    CallsStream,
    AccountsStream,
    DealsStream,
    ContactsStream,
    CallDetailsStream,
)
"""What `copilot_api_key` and `copilot_api_password` open, in the order of a sync: cheap ones first.

One that spends the week's quota, as details can, leaves nothing to those behind it.
"""
