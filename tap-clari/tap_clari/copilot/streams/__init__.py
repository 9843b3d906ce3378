"""The streams of the Copilot API, one module an area."""

from __future__ import annotations

from tap_clari.copilot.streams.call_turns import CallTurnsStream
from tap_clari.copilot.streams.calls import CallDetailsStream, CallsStream
from tap_clari.copilot.streams.crm import AccountsStream, ContactsStream, DealsStream
from tap_clari.copilot.streams.scorecards import ScorecardsStream, ScorecardTemplatesStream
from tap_clari.copilot.streams.topics import KeywordTopicsStream, TopicsStream
from tap_clari.copilot.streams.users import UsersStream

LISTS = (
    UsersStream,
    TopicsStream,
    KeywordTopicsStream,
    ScorecardTemplatesStream,
    ScorecardsStream,
    CallsStream,
    AccountsStream,
    DealsStream,
    ContactsStream,
)
"""Streams that take a request for many records, or for each linked record."""

DETAILS = (CallDetailsStream, CallTurnsStream)
"""Streams that take a request for each call: they can spend the week's requests."""
