"""Conversations, and what they are made of, by id."""

from __future__ import annotations

import logging
import typing as t
from datetime import timedelta

from tap_gladly.changes.facts import CONVERSATION, CUSTOMER
from tap_gladly.changes.merges import LISTS
from tap_gladly.client import RecordUnreadableError
from tap_gladly.conversation_content import calls_of, with_list_of_recipients
from tap_gladly.kit.decoding import decode_object
from tap_gladly.kit.errors import NotFoundError
from tap_gladly.run import GladlyStream
from tap_gladly.streams.changed import ChangedStream, Found, Todo, WholeStream, found_list
from tap_gladly.streams.parts import PartsStream

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context, Record

    from tap_gladly.changes.facts import Change
    from tap_gladly.changes.index import ChangeIndex
    from tap_gladly.run import GladlyRun

ITEMS = "/conversations/{conversationId}/items"


class ConversationsStream(WholeStream):
    """The current state of conversations (`/conversations/{conversationId}`)."""

    name = "conversations"
    path = "/conversations/{conversationId}"
    place = "conversationId"
    kind = CONVERSATION

    def records_of(self, index: ChangeIndex, change: Change, found: Found) -> Iterable[Record]:
        """The record, whose custom attributes are met."""
        self.run.attributes.add(_attributes_of(found.records))
        return super().records_of(index, change, found)


class ConversationItemsStream(PartsStream):
    """Messages, calls, notes and all else that a conversation is made of."""

    name = "conversation_items"
    path = ITEMS
    place = "conversationId"
    part_path = "/conversation-items/{itemId}"
    part_place = "itemId"
    kind = CONVERSATION
    where_else = "export_conversation_items has all of them, a day later."

    def records_of(self, index: ChangeIndex, change: Change, found: Found) -> Iterable[Record]:
        """The items, whose calls are remembered for their transcripts."""
        items = super().records_of(index, change, found)
        self.run.calls.keep(change.id, calls_of(found.records))
        return items

    def post_process(self, row: Record, context: Context | None = None) -> Record | None:
        """Make one type of `to`."""
        return super().post_process(with_list_of_recipients(row), context)


class CustomerConversationsStream(ChangedStream):
    """All conversations of the customers of whom something changed.

    What `conversations` does not reach: those that did not change since the `start_date`.
    """

    name = "customer_conversations"
    path = LISTS[CONVERSATION]
    place = "customerId"
    kind = CUSTOMER
    selected_by_default = False

    def read(self, todo: Todo) -> Found:
        """List them."""
        return self.client.fetch_one(self.path, found_list, ids={self.place: todo.change.id})

    def records_of(self, index: ChangeIndex, change: Change, found: Found) -> Iterable[Record]:
        """The records, whose custom attributes are met; a list that was cut is named."""
        if found.is_limited:
            self.warn_once(
                f"{self.name}: Gladly lists {len(found.records)} conversations of the customer "
                f"{change.id} and no more. Those that change are in the stream conversations."
            )
        self.run.attributes.add(_attributes_of(found.records))
        return super().records_of(index, change, found)


class VoiceTranscriptsStream(ChangedStream):
    """What was said in calls and voicemails of the conversations that changed.

    A transcript comes some time after its call, and nothing tells of it: so calls are looked at
    for some hours.
    """

    name = "voice_transcripts"
    path = "/conversation-items/{itemId}/voice-transcript"
    place = "itemId"
    kind = CONVERSATION
    primary_keys = ("conversationItemId",)
    tap_added_properties = ("conversationItemId", "conversationId", "changedAt")
    selected_by_default = False
    lookback = timedelta(hours=6)

    def requests_of(self, index: ChangeIndex) -> int:  # noqa: ARG002
        """One for each call, and how many calls there are is not known before."""
        return 0

    def known_of(self, change: Change) -> list[str] | None:
        """The calls, if conversation_items has listed them in this run."""
        return self.run.calls.of(change.id)

    def read(self, todo: Todo) -> Found:
        """Ask for the transcript of each call."""
        conversation, calls, is_limited = todo.change.id, todo.known, False
        if calls is None:
            items = self.client.fetch_one(ITEMS, found_list, ids={"conversationId": conversation})
            calls, is_limited = calls_of(items.records), items.is_limited
        found = ((call, self._transcript_of(call)) for call in calls)
        transcripts = [
            {"conversationItemId": call, "conversationId": conversation, **transcript}
            for call, transcript in found
            if transcript is not None
        ]
        return Found(transcripts, is_limited)

    def records_of(self, index: ChangeIndex, change: Change, found: Found) -> Iterable[Record]:
        """The transcripts; where not all calls are known, that is said."""
        if found.is_limited:
            self.log(
                "%s: Gladly has more items of the conversation %s than it lists, and calls may be "
                "among them. export_conversation_items has all of them, a day later.",
                self.name,
                change.id,
                level=logging.WARNING,
            )
        return super().records_of(index, change, found)

    def _transcript_of(self, call: str) -> Record | None:
        """The transcript of a call, of which many have none."""
        return _one_or_none(self, self.place, call, "transcript of the call")


class CustomAttributesStream(GladlyStream):
    """Definitions of the custom attributes met on conversations (`/custom-attributes/{id}`)."""

    name = "custom_attributes"
    path = "/custom-attributes/{customAttributeId}"
    primary_keys = ("id",)
    full_table_is_complete = False

    def __init__(self, tap: Tap, run: GladlyRun) -> None:
        super().__init__(tap, run)
        run.attributes.register(self)

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Read those that were met and not read yet."""
        if not self.run.changes.selected:
            self.log(
                "Custom attributes are met on conversations, of which no stream is selected: "
                "select conversations as well",
                level=logging.WARNING,
            )
        for attribute, definition in self.client.map_concurrently(
            self.run.attributes.unread(), self._definition_of
        ):
            if definition is not None:
                yield {"id": attribute, **definition}
        self.run.attributes.clear()

    def _definition_of(self, attribute: str) -> Record | None:
        return _one_or_none(self, "customAttributeId", attribute, "custom attribute")


def _one_or_none(stream: GladlyStream, place: str, id_: str, what: str) -> Record | None:
    """One of many; none if it is not there, or cannot be read, which is said.

    Args:
        stream: By which it is asked for.
        place: Where the id belongs in the stream's path.
        id_: Its id.
        what: What it is called in the log.
    """
    try:
        return stream.client.fetch_one(stream.path, decode_object, ids={place: id_})
    except NotFoundError:
        return None
    except RecordUnreadableError as error:
        message = "The %s %s cannot be read, and is left out. %s"
        stream.log(message, what, id_, error.fault, level=logging.ERROR)
        return None


def _attributes_of(conversations: list[Record]) -> set[str]:
    """The ids of the custom attributes on some conversations."""
    return {
        each["id"]
        for conversation in conversations
        if isinstance(attributes := conversation.get("customAttributes"), list)
        for each in attributes
        if isinstance(each, dict) and isinstance(each.get("id"), str)
    }
