"""What is served by id."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from tests.sandbox.gladly.errors import RefusedError, invalid, moved, not_found
from tests.sandbox.gladly.query import read_query
from tests.sandbox.gladly.timestamps import nanos

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request

    from tests.sandbox.gladly.helpdesk import Desk

    Answer = Callable[[Request], Awaitable[Response]]
    Record = dict[str, Any]

_IDENTIFIERS = ("email", "externalCustomerId", "phoneNumber")
_MOST_FOUND = 50
_PHONE = re.compile(r"\+[1-9]\d{1,14}", re.ASCII)


def desk_routes(desk: Desk) -> list[tuple[str, Answer]]:
    """Return the paths below the base that are read by id, and what answers them."""
    customers, talks, tasks = _Customers(desk), _Talks(desk), _Tasks(desk)
    return [
        ("/customer-profiles", customers.find),
        ("/customer-profiles/{id}", customers.one),
        ("/customers/{id}/conversations", customers.conversations),
        ("/customers/{id}/tasks", customers.tasks),
        ("/conversations/{id}", talks.one),
        ("/conversations/{id}/items", talks.items),
        ("/conversations/{id}/notes/{note_id}", talks.note),
        ("/conversation-items/{id}", talks.item),
        ("/conversation-items/{id}/voice-transcript", talks.transcript),
        ("/tasks/{id}", tasks.one),
        ("/tasks/{id}/comments", tasks.comments),
        ("/tasks/{id}/comments/{comment_id}", tasks.comment),
        ("/custom-attributes/{id}", talks.attribute),
    ]


class _Customers:
    """Profiles, and what customers have."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def find(self, request: Request) -> Response:
        given = read_query(request, *_IDENTIFIERS)
        if len(given) != 1:
            detail = f"exactly one of {', '.join(_IDENTIFIERS)} must be present"
            raise RefusedError(400, "invalid" if given else "blank", detail)
        [(name, [value])] = given.items()
        if name == "phoneNumber" and not _PHONE.fullmatch(value):
            raise invalid(attr=name, detail="phoneNumber must be an E.164 number")
        with self._desk.lock:
            known = list(self._desk.customers.values())
        found = [one for one in known if value in _identifiers(one, name)]
        return _json(_sorted(found, "updatedAt")[::-1][:_MOST_FOUND])

    async def one(self, request: Request) -> Response:
        read_query(request)
        with self._desk.lock:
            self._check_moved(request.path_params["id"])
            return _one(self._desk.customers, request, "customer")

    async def conversations(self, request: Request) -> Response:
        read_query(request)
        customer_id = request.path_params["id"]
        with self._desk.lock:
            if self._merged_away(customer_id):
                return _listed(self._desk, "conversations", [])
            _known(self._desk.customers, customer_id, "customer")
            found = _sorted(self._desk.conversations.of(customer_id), "createdAt")
            return _listed(self._desk, "conversations", found)

    async def tasks(self, request: Request) -> Response:
        given = read_query(request, "status")
        status = given.get("status", [None])[0]
        if status not in {None, "OPEN", "CLOSED"}:
            raise invalid(attr="status", detail="status must be one of OPEN, CLOSED")
        customer_id = request.path_params["id"]
        with self._desk.lock:
            if self._merged_away(customer_id):
                return _listed(self._desk, "tasks", [])
            _known(self._desk.customers, customer_id, "customer")
            found = [
                one
                for one in self._desk.tasks.of(customer_id)
                if status in {None, one.get("status")}
            ]
            return _listed(self._desk, "tasks", _sorted(found, "timestamp"), newest_first=True)

    def _merged_away(self, customer_id: str) -> bool:
        """Return whether the lists of a customer are empty since it was merged.

        Raises:
            RefusedError: They are not there at all, or elsewhere.
        """
        if customer_id not in self._desk.merged:
            return False
        if self._desk.merged_lists == "moved":
            self._check_moved(customer_id)
        if self._desk.merged_lists == "missing":
            what = "customer"
            raise not_found(what)
        return True

    def _check_moved(self, customer_id: str) -> None:
        merged = self._desk.merged
        new = merged.get(customer_id)
        if new is None:
            return
        seen = {customer_id}
        while self._desk.merges_point_to == "last" and new in merged and new not in seen:
            seen.add(new)
            new = merged[new]
        raise moved(customer_id, new, self._desk.location)


class _Talks:
    """Conversations and their items."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def one(self, request: Request) -> Response:
        read_query(request)
        with self._desk.lock:
            return _one(self._desk.conversations, request, "conversation")

    async def items(self, request: Request) -> Response:
        session = read_query(request, "sessionId").get("sessionId", [None])[0]
        with self._desk.lock:
            conversation_id = request.path_params["id"]
            _known(self._desk.conversations, conversation_id, "conversation")
            found = [
                one
                for one in self._desk.items.of(conversation_id)
                if session in {None, one.get("sessionId")}
            ]
            return _listed(self._desk, "items", _sorted(found, "timestamp"))

    async def note(self, request: Request) -> Response:
        read_query(request)
        parameters = request.path_params
        with self._desk.lock:
            _known(self._desk.conversations, parameters["id"], "conversation")
            note = self._desk.items.get(parameters["note_id"], {})
            if (
                note.get("conversationId") != parameters["id"]
                or note["content"]["type"] != "CONVERSATION_NOTE"
            ):
                what = "note"
                raise not_found(what)
            return _json(note)

    async def item(self, request: Request) -> Response:
        read_query(request)
        with self._desk.lock:
            if request.path_params["id"] in self._desk.unsupported:
                raise invalid(attr="itemId", detail="the type of this item is not supported")
            return _one(self._desk.items, request, "item")

    async def transcript(self, request: Request) -> Response:
        read_query(request)
        with self._desk.lock:
            return _one(self._desk.transcripts, request, "transcript")

    async def attribute(self, request: Request) -> Response:
        read_query(request)
        with self._desk.lock:
            return _one(self._desk.custom_attributes, request, "custom attribute")


class _Tasks:
    """Tasks and their comments."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def one(self, request: Request) -> Response:
        read_query(request)
        with self._desk.lock:
            return _one(self._desk.tasks, request, "task")

    async def comments(self, request: Request) -> Response:
        read_query(request)
        with self._desk.lock:
            task_id = request.path_params["id"]
            _known(self._desk.tasks, task_id, "task")
            found = _sorted(self._desk.comments.of(task_id), "createdAt")
            return _listed(self._desk, "comments", found)

    async def comment(self, request: Request) -> Response:
        read_query(request)
        parameters = request.path_params
        with self._desk.lock:
            _known(self._desk.tasks, parameters["id"], "task")
            comment = _known(self._desk.comments, parameters["comment_id"], "comment")
            if comment.get("taskId") != parameters["id"]:
                what = "comment"
                raise not_found(what)
            return _json(comment)


def _identifiers(customer: Record, name: str) -> list[str | None]:
    """Return what a customer is found by."""
    if name == "externalCustomerId":
        return [customer.get(name)]
    entries = customer.get("emails" if name == "email" else "phones", ())
    return [entry.get("normalized") for entry in entries]


def _known(records: Mapping[str, Record], record_id: str, what: str) -> Record:
    record = records.get(record_id)
    if record is None:
        raise not_found(what)
    return record


def _one(records: Mapping[str, Record], request: Request, what: str) -> Response:
    return _json(_known(records, request.path_params["id"], what))


def _sorted(records: list[Record], member: str) -> list[Record]:
    """Return records by their time, the oldest first; those without one come before."""
    return sorted(records, key=lambda one: nanos(one[member]) if member in one else 0)


def _listed(
    desk: Desk, what: str, records: list[Record], *, newest_first: bool = False
) -> Response:
    """Answer with records, the oldest first, as many as there may be."""
    cap = desk.caps[what]
    limited = len(records) > cap
    if limited:
        records = records[:cap] if desk.capped_keeps == "oldest" else records[-cap:]
    headers = {"Gladly-Limited-Data": "true" if limited else "false"}
    return _json(records[::-1] if newest_first else records, headers)


def _json(document: Record | list[Record], headers: dict[str, str] | None = None) -> Response:
    # Not msgspec, which does not write half a surrogate pair.
    text = json.dumps(document, ensure_ascii=False)
    body = text.encode("utf-8", "backslashreplace")
    return Response(body, headers=headers, media_type="application/json")
