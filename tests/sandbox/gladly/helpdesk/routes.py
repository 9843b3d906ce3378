"""Serves what is read by id."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from tests.sandbox.forms import BadRequestError, NoQuery
from tests.sandbox.gladly.errors import invalid, moved, not_found
from tests.sandbox.gladly.query import CustomersQuery, TasksQuery
from tests.sandbox.gladly.timestamps import nanos

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from tests.sandbox.app import Answer, Endpoint
    from tests.sandbox.gladly.helpdesk import Desk

    Record = dict[str, Any]

_MOST_FOUND = 50


def desk_endpoints(desk: Desk) -> list[Endpoint]:
    """Return the endpoints of customers, conversations, items and tasks."""
    customers, records = _Customers(desk), _Records(desk)
    one = {
        "/conversations/{id}": records.one(desk.conversations, "conversation"),
        "/conversations/{id}/items": records.items,
        "/conversation-items/{id}": records.item,
        "/conversation-items/{id}/voice-transcript": records.one(desk.transcripts, "transcript"),
        "/tasks/{id}": records.one(desk.tasks, "task"),
        "/tasks/{id}/comments": records.comments,
        "/tasks/{id}/comments/{comment_id}": records.comment,
        "/custom-attributes/{id}": records.one(desk.custom_attributes, "custom attribute"),
        "/customer-profiles/{id}": customers.one,
        "/customers/{id}/conversations": customers.conversations,
    }
    return [
        *(("GET", path, NoQuery, answer) for path, answer in one.items()),
        ("GET", "/customer-profiles", CustomersQuery, customers.find),
        ("GET", "/customers/{id}/tasks", TasksQuery, customers.tasks),
    ]


class _Customers:
    """Profiles, and what customers have."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def find(self, _: Request, query: CustomersQuery) -> Response:
        identifiers = {
            "email": query.email,
            "externalCustomerId": query.external_customer_id,
            "phoneNumber": query.phone_number,
        }
        given = [(name, value) for name, value in identifiers.items() if value is not None]
        if len(given) != 1:
            reason = f"exactly one of {', '.join(identifiers)} must be present"
            raise BadRequestError(reason, code="invalid" if given else "blank")
        [(name, value)] = given
        with self._desk.lock:
            known = list(self._desk.customers.values())
        found = [one for one in known if value in _identifiers(one, name)]
        return _json(_sorted(found, "updatedAt")[::-1][:_MOST_FOUND])

    async def one(self, request: Request, _: NoQuery) -> Response:
        with self._desk.lock:
            self._check_moved(request.path_params["id"])
            return _json(_known(self._desk.customers, request.path_params["id"], "customer"))

    async def conversations(self, request: Request, _: NoQuery) -> Response:
        with self._desk.lock:
            found: list[Record] = []
            if self._has_lists(request.path_params["id"]):
                found = self._desk.conversations.of(request.path_params["id"])
            return _listed(self._desk, "conversations", _sorted(found, "createdAt"))

    async def tasks(self, request: Request, query: TasksQuery) -> Response:
        with self._desk.lock:
            found: list[Record] = []
            if self._has_lists(request.path_params["id"]):
                found = self._desk.tasks.of(request.path_params["id"])
            found = [one for one in found if query.status in {None, one.get("status")}]
            return _listed(self._desk, "tasks", _sorted(found, "timestamp"), newest_first=True)

    def _has_lists(self, customer_id: str) -> bool:
        """Tell whether a customer has lists, and has not been merged with empty lists left.

        Raises:
            RefusedError: The lists are not there at all, or elsewhere.
        """
        if customer_id in self._desk.merged:
            if self._desk.merged_lists == "moved":
                self._check_moved(customer_id)
            if self._desk.merged_lists == "missing":
                what = "customer"
                raise not_found(what)
            return False
        _known(self._desk.customers, customer_id, "customer")
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


class _Records:
    """Conversations with their items, tasks with their comments, and what they refer to."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def one(self, records: Mapping[str, Record], what: str) -> Answer:
        async def answer(request: Request, _: NoQuery) -> Response:
            with self._desk.lock:
                return _json(_known(records, request.path_params["id"], what))

        return answer

    async def item(self, request: Request, _: NoQuery) -> Response:
        with self._desk.lock:
            if request.path_params["id"] in self._desk.unsupported:
                raise invalid(attr="itemId", detail="the type of this item is not supported")
            return _json(_known(self._desk.items, request.path_params["id"], "item"))

    async def items(self, request: Request, _: NoQuery) -> Response:
        with self._desk.lock:
            conversation_id = request.path_params["id"]
            _known(self._desk.conversations, conversation_id, "conversation")
            found = _sorted(self._desk.items.of(conversation_id), "timestamp")
            return _listed(self._desk, "items", found)

    async def comments(self, request: Request, _: NoQuery) -> Response:
        with self._desk.lock:
            task_id = request.path_params["id"]
            _known(self._desk.tasks, task_id, "task")
            found = _sorted(self._desk.comments.of(task_id), "createdAt")
            return _listed(self._desk, "comments", found)

    async def comment(self, request: Request, _: NoQuery) -> Response:
        with self._desk.lock:
            task_id, comment_id = request.path_params["id"], request.path_params["comment_id"]
            _known(self._desk.tasks, task_id, "task")
            comment = _known(self._desk.comments, comment_id, "comment")
            if comment.get("taskId") != task_id:
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
