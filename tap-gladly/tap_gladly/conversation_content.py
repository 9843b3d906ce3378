"""What the two streams of conversation items have in common."""

from __future__ import annotations

import typing as t

from tap_gladly.kit.decoding import text_id

if t.TYPE_CHECKING:
    from singer_sdk.helpers.types import Record

CALLS = frozenset({"PHONE_CALL", "VOICEMAIL"})
"""The types of content of which there may be a transcript."""


def with_list_of_recipients(item: Record) -> Record:
    """The item with one type of `to`, which Gladly has as a list for a mail, a text for a call."""
    content = item.get("content")
    if isinstance(content, dict) and isinstance(content.get("to"), str):
        content["to"] = [content["to"]]
    return item


def calls_of(items: list[Record]) -> list[str]:
    """The ids of calls and voicemails among some items."""
    return [
        call
        for item in items
        if isinstance(content := item.get("content"), dict)
        and content.get("type") in CALLS
        and (call := text_id(item.get("id")))
    ]
