"""Turns of the transcripts, each with its speaker."""

from __future__ import annotations

import typing as t

from tap_clari.copilot.client import CopilotStream
from tap_clari.copilot.streams.calls import CallDetailsStream
from tap_clari.kit.children import ChildStream

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from singer_sdk.helpers.types import Record

SPEAKERS = (
    ("externalParticipants", "external"),
    ("joinedParticipants", None),
    ("users", "internal"),
)
"""The lists of a call's persons, each with the side that they are on. What a later one says of a
person counts more."""


class CallTurnsStream(ChildStream, CopilotStream):
    """What was said in calls, a row a turn; made of the transcripts in `/call-details`."""

    name = "call_turns"
    path = CallDetailsStream.path
    parent_stream_type = CallDetailsStream
    primary_keys = ("call_id", "turn_index")
    replication_key = "last_modified_time"
    selected_by_default = False
    tap_added_properties = (
        "call_id",
        "turn_index",
        "last_modified_time",
        "side",
        "name",
        "email",
        "userId",
    )

    def rows_of(self, record: Record) -> Iterable[Record]:
        """The turns in their order; a transcript that is one text is one turn."""
        transcript = record.get("transcript")
        speakers = _speakers(record)
        for index, turn in enumerate(transcript if isinstance(transcript, list) else [transcript]):
            if turn is None:
                continue
            said: Record = turn if isinstance(turn, dict) else {"text": turn}
            yield self.with_added(
                said,
                call_id=record["id"],
                turn_index=index,
                last_modified_time=record.get("last_modified_time"),
                **{**NOBODY, **speakers.get(str(said.get("personId")), {})},
            )


NOBODY: Record = dict.fromkeys(("side", "name", "email", "userId"))
"""What is said of a speaker who is in none of the lists."""


def _speakers(call: Record) -> dict[str, Record]:
    """Who has which number in a call: it is a number in most lists, and a text in some."""
    speakers: dict[str, Record] = {}
    for name, side in SPEAKERS:
        persons = call.get(name)
        for person in persons if isinstance(persons, list) else ():
            if not isinstance(person, dict) or person.get("personId") is None:
                continue
            known = {
                "side": side,
                "name": person.get("name"),
                "email": person.get("userEmail") or person.get("email"),
                "userId": person.get("userId"),
            }
            speaker = speakers.setdefault(str(person["personId"]), {})
            speaker |= {member: value for member, value in known.items() if value is not None}
    return speakers
