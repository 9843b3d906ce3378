"""Conversations, and what they are made of, by id."""

from __future__ import annotations

import logging
import typing as t
from datetime import timedelta
from functools import partial

from tap_gladly.changes.facts import CONVERSATION
from tap_gladly.changes.merges import LISTS
from tap_gladly.changes.pending_attributes import AttributesReader
from tap_gladly.conversation_content import calls_of, with_list_of_recipients
from tap_gladly.kit.decoding import decode_record, text_id
from tap_gladly.kit.deferred import DeferredIds
from tap_gladly.kit.errors import NotFoundError, PersistentServerError, RecordUnreadableError
from tap_gladly.kit.estimate import Estimate
from tap_gladly.kit.stream import StreamState
from tap_gladly.run import GladlyStream
from tap_gladly.streams.changed import (
    ChangedStream,
    IdRequest,
    IdResult,
    Outcome,
    SingleRecordStream,
    decode_result,
)
from tap_gladly.streams.customers import CustomerListStream
from tap_gladly.streams.parts import ChildListStream

if t.TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from singer_sdk.helpers.types import Context, Record

    from tap_gladly.changes.facts import Change
    from tap_gladly.changes.index import ChangeIndex

ITEMS = "/conversations/{conversationId}/items"


class ConversationsStream(SingleRecordStream):
    """The current state of conversations (`/conversations/{conversationId}`)."""

    name = "conversations"
    path = "/conversations/{conversationId}"
    place = "conversationId"
    kind = CONVERSATION

    def records_of(self, index: ChangeIndex, change: Change, outcome: Outcome) -> Iterable[Record]:
        """The record; the custom attributes that it names are noted."""
        self.run.attributes.add(_attributes_of(outcome))
        return super().records_of(index, change, outcome)


class ConversationItemsStream(ChildListStream):
    """Messages, calls, notes and all else that a conversation is made of."""

    name = "conversation_items"
    path = ITEMS
    place = "conversationId"
    part_path = "/conversation-items/{itemId}"
    part_place = "itemId"
    kind = CONVERSATION
    other_source = "export_conversation_items has all of them, a day later."

    def records_of(self, index: ChangeIndex, change: Change, outcome: Outcome) -> Iterable[Record]:
        """The items, whose calls are remembered for their transcripts."""
        items = super().records_of(index, change, outcome)
        if isinstance(outcome, IdResult):
            self.run.calls.keep(change.id, calls_of(outcome.records))
        return items

    def post_process(self, row: Record, context: Context | None = None) -> Record | None:
        """Make one type of `to`."""
        return super().post_process(with_list_of_recipients(row), context)


class CustomerConversationsStream(CustomerListStream):
    """All conversations of the customers of whom something changed.

    What `conversations` does not reach: those that did not change since the `start_date`.
    """

    name = "customer_conversations"
    path = LISTS[CONVERSATION]
    listed = "conversations"

    def extra_records(self, index: ChangeIndex, since: datetime) -> Iterable[Record]:
        """The conversations that were merged away: no list has them any more."""
        for conversation, at in index.merged_conversations(since):
            yield {"id": conversation, "changedAt": at, "_sdc_deleted_at": at}

    def records_of(self, index: ChangeIndex, change: Change, outcome: Outcome) -> Iterable[Record]:
        """The records; the custom attributes that they name are noted."""
        self.run.attributes.add(_attributes_of(outcome))
        return super().records_of(index, change, outcome)


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

    def known_part_ids(self, change: Change) -> list[str] | None:
        """The calls, if conversation_items has listed them in this run."""
        return self.run.calls.of(change.id)

    def read(self, request: IdRequest) -> IdResult:
        """Ask for the transcript of each call."""
        conversation, calls, is_limited = request.change.id, request.known_part_ids, False
        if calls is None:
            items = self.client.fetch_one(
                ITEMS, decode_result, ids={"conversationId": conversation}
            )
            calls, is_limited = calls_of(items.records), items.is_limited
        found = [(call, self._transcript_of(call)) for call in calls]
        transcripts = [
            self.with_added(transcript, conversationItemId=call, conversationId=conversation)
            for call, transcript in found
            if isinstance(transcript, dict)
        ]
        faulty = [(call, each) for call, each in found if isinstance(each, PersistentServerError)]
        for call, error in faulty:
            if not transcripts and not isinstance(error, RecordUnreadableError):
                # What is so of one may be so of all: it is a fault of the conversation.
                raise error
            _log_left_out(self, "transcript of the call", call, error)
        # A conversation without calls is no sign that the transcripts of others can be had.
        return IdResult(transcripts, is_limited, is_evidence=bool(transcripts))

    def records_of(self, index: ChangeIndex, change: Change, outcome: Outcome) -> Iterable[Record]:
        """The transcripts; where not all calls are known, that is said."""
        if isinstance(outcome, IdResult) and outcome.is_limited:
            self.log(
                "%s: Gladly has more items of the conversation %s than it lists, and calls may be "
                "among them. export_conversation_items has all of them, a day later.",
                self.name,
                change.id,
                level=logging.WARNING,
            )
        return super().records_of(index, change, outcome)

    def _transcript_of(self, call: str) -> Record | PersistentServerError | None:
        """The transcript of a call, of which many have none."""
        return _one_or_none(self, self.place, call)


class CustomAttributesState(StreamState, total=False):
    """What the stream keeps in its part of the state."""

    unread: list[str] | None


class CustomAttributesStream(GladlyStream, AttributesReader):
    """Definitions of the custom attributes met on conversations (`/custom-attributes/{id}`)."""

    name = "custom_attributes"
    path = "/custom-attributes/{customAttributeId}"
    primary_keys = ("id",)
    state_form = CustomAttributesState

    def needed(self) -> Estimate:
        """Those that earlier runs have met, and could not read."""
        return Estimate(len(self.run.attributes.unread()))

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Read the custom attributes that were noted and not read yet."""
        if not self.run.reads_changes:
            self.log(
                "Custom attributes are met on conversations, of which no stream is selected: "
                "select conversations as well",
                level=logging.WARNING,
            )
        faulty: DeferredIds[str] = DeferredIds()
        left: list[str] = []
        for attribute, definition in self.client.map_concurrently(
            self.run.attributes.unread(), self._definition_of
        ):
            if isinstance(definition, dict):
                faulty.after_success()
                yield {**definition, "id": attribute}
            elif isinstance(definition, PersistentServerError):
                _log_left_out(self, "custom attribute", attribute, definition)
                if not isinstance(definition, RecordUnreadableError):
                    left.append(attribute)
                    faulty.add(attribute, str(definition))
        # What is faulty is asked for again by the next run.
        self.run.attributes.keep(left)
        faulty.at_the_end()

    def _definition_of(self, attribute: str) -> Record | PersistentServerError | None:
        return _one_or_none(self, "customAttributeId", attribute)


def _one_or_none(
    stream: GladlyStream, place: str, id_: str
) -> Record | PersistentServerError | None:
    """One of many; none if it is not there, or what keeps it from being read.

    Args:
        stream: By which it is asked for.
        place: Where the id belongs in the stream's path.
        id_: Its id.
    """
    try:
        decode = partial(decode_record, identifier=id_, known=stream.schema["properties"])
        return stream.client.fetch_one(stream.path, decode, ids={place: id_})
    except NotFoundError:
        return None
    except PersistentServerError as error:
        return error


def _log_left_out(stream: GladlyStream, what: str, id_: str, error: PersistentServerError) -> None:
    message = "The %s %s cannot be read, and is left out. %s"
    stream.log(message, what, id_, error, level=logging.ERROR)


def _attributes_of(outcome: Outcome) -> set[str]:
    """The ids of the custom attributes on some conversations."""
    return {
        attribute
        for conversation in (outcome.records if isinstance(outcome, IdResult) else ())
        if isinstance(attributes := conversation.get("customAttributes"), list)
        for each in attributes
        if isinstance(each, dict) and (attribute := text_id(each.get("id")))
    }
