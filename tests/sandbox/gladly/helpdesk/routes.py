"""Serves what is read by id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from tests.sandbox.forms import BadRequestError, NoQuery
from tests.sandbox.gladly.errors import invalid, moved, not_found
from tests.sandbox.gladly.query import CustomersQuery, TasksQuery
from tests.sandbox.gladly.timestamps import json_of, nanos

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

    from tests.sandbox.app import Answer, Endpoint
    from tests.sandbox.gladly.helpdesk import Desk

    Record = dict[str, Any]

_MOST_FOUND = 50


def desk_endpoints(desk: Desk) -> list[Endpoint]:
    """Return the endpoints of customers, conversations, items and tasks."""

    def locked(answer: Callable[[Desk, dict[str, str], Any], Response]) -> Answer:
        """Let a function answer, by the ids of the path and the query, while nothing changes."""

        async def answered(request: Request, query: object) -> Response:
            with desk.lock:
                return answer(desk, request.path_params, query)

        return answered

    def one(records: Mapping[str, Record], what: str) -> Answer:
        return locked(lambda _, ids, __: _json(_known(records, ids["id"], what)))

    bare = {
        "/conversations/{id}": one(desk.conversations, "conversation"),
        "/conversations/{id}/items": locked(_items),
        "/conversation-items/{id}": locked(_item),
        "/conversation-items/{id}/voice-transcript": one(desk.transcripts, "transcript"),
        "/tasks/{id}": one(desk.tasks, "task"),
        "/tasks/{id}/comments": locked(_comments),
        "/tasks/{id}/comments/{comment_id}": locked(_comment),
        "/custom-attributes/{id}": one(desk.custom_attributes, "custom attribute"),
        "/customer-profiles/{id}": locked(_customer),
        "/customers/{id}/conversations": locked(_conversations),
    }
    return [
        *(("GET", path, NoQuery, answer) for path, answer in bare.items()),
        ("GET", "/customer-profiles", CustomersQuery, locked(_find_customers)),
        ("GET", "/customers/{id}/tasks", TasksQuery, locked(_tasks)),
    ]


def _find_customers(desk: Desk, _: object, query: CustomersQuery) -> Response:
    identifiers = {
        "email": query.email,
        "externalCustomerId": query.external_customer_id,
        "phoneNumber": query.phone_number,
    }
    given = [(name, value) for name, value in identifiers.items() if value is not None]
    if len(given) != 1:
        raise BadRequestError(
            reason=f"exactly one of {', '.join(identifiers)} must be present",
            code="invalid" if given else "blank",
        )
    [(name, value)] = given
    found = [one for one in desk.customers.values() if value in _identifiers(one, name)]
    return _json(_sorted(found, "updatedAt")[::-1][:_MOST_FOUND])


def _customer(desk: Desk, ids: dict[str, str], _: NoQuery) -> Response:
    _check_moved(desk, ids["id"])
    return _json(_known(desk.customers, ids["id"], "customer"))


def _conversations(desk: Desk, ids: dict[str, str], _: NoQuery) -> Response:
    found = desk.conversations.of(ids["id"]) if _has_lists(desk, ids["id"]) else []
    return _listed(desk, "conversations", _sorted(found, "createdAt"))


def _tasks(desk: Desk, ids: dict[str, str], query: TasksQuery) -> Response:
    found = desk.tasks.of(ids["id"]) if _has_lists(desk, ids["id"]) else []
    found = [one for one in found if query.status in {None, one.get("status")}]
    return _listed(desk, "tasks", _sorted(found, "timestamp"), newest_first=True)


def _item(desk: Desk, ids: dict[str, str], _: NoQuery) -> Response:
    if ids["id"] in desk.unsupported:
        raise invalid(attr="itemId", detail="the type of this item is not supported")
    return _json(_known(desk.items, ids["id"], "item"))


def _items(desk: Desk, ids: dict[str, str], _: NoQuery) -> Response:
    _known(desk.conversations, ids["id"], "conversation")
    return _listed(desk, "items", _sorted(desk.items.of(ids["id"]), "timestamp"))


def _comments(desk: Desk, ids: dict[str, str], _: NoQuery) -> Response:
    _known(desk.tasks, ids["id"], "task")
    return _listed(desk, "comments", _sorted(desk.comments.of(ids["id"]), "createdAt"))


def _comment(desk: Desk, ids: dict[str, str], _: NoQuery) -> Response:
    _known(desk.tasks, ids["id"], "task")
    of_task = {one["id"]: one for one in desk.comments.of(ids["id"])}
    return _json(_known(of_task, ids["comment_id"], "comment"))


def _has_lists(desk: Desk, customer_id: str) -> bool:
    """Tell whether a customer has lists, and has not been merged with empty lists left.

    Raises:
        RefusedError: The lists are not there at all, or elsewhere.
    """
    if customer_id not in desk.merged:
        _known(desk.customers, customer_id, "customer")
        return True
    if desk.merged_lists == "moved":
        _check_moved(desk, customer_id)
    if desk.merged_lists == "missing":
        raise not_found(what="customer")
    return False


def _check_moved(desk: Desk, customer_id: str) -> None:
    new = desk.merged.get(customer_id)
    if new is None:
        return
    seen = {customer_id}
    while desk.merges_point_to == "last" and new in desk.merged and new not in seen:
        seen.add(new)
        new = desk.merged[new]
    raise moved(customer_id, new, desk.location)


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
    return Response(json_of(document), headers=headers, media_type="application/json")
