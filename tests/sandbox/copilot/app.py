"""The endpoints of the Copilot API, as its vendor documents them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
from starlette.responses import Response

from tests.sandbox.app import RefusedError, application, has_header, json_answer, routes
from tests.sandbox.copilot.queries import CallsQuery, DetailsQuery, IdQuery, ScorecardsQuery
from tests.sandbox.forms import NoQuery

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from starlette.applications import Starlette
    from starlette.requests import Request

    from tests.sandbox.app import Answer, Endpoint
    from tests.sandbox.copilot.account import Account
    from tests.sandbox.crm import Kind

    PagedQuery = TypeVar("PagedQuery", CallsQuery, ScorecardsQuery)

KEY_HEADER, PASSWORD_HEADER = "x-api-key", "x-api-password"
CREDENTIAL_HEADERS = frozenset({KEY_HEADER.encode(), PASSWORD_HEADER.encode()})

API_KEY = "SANDBOX-COPILOT-KEY"
API_PASSWORD = "SANDBOX-COPILOT-PASSWORD"
FORBIDDEN = "forbidden"
"""Key and password that are known and may do nothing: 403."""

_STRIDE = 100


@dataclass
class PageFaults:
    """What can be wrong with the pages of calls and scorecards; all of it can be switched on.

    Attributes:
        largest: A page that asks for more records than this fails with 502; None for no bound.
        given: A page never holds more records than this; None for as many as are asked for.
        uncounted: Pages come without ``pagination``.
        stuck: ``skip`` is ignored: every page is the first one.
        capped_count: The most that ``matched`` says; None for the truth.
        any_count: What ``matched`` says of every list; None for the truth.
        strides: ``nextPageSkip`` lies 100 records further, however few the page holds.
        unreadable: Ids of records with which a page fails with 502.
        template_list: The name of the list of templates.
    """

    largest: int | None = None
    given: int | None = None
    uncounted: bool = False
    stuck: bool = False
    capped_count: int | None = None
    any_count: int | None = None
    strides: bool = False
    unreadable: set[str] = field(default_factory=set)
    template_list: str = "scoreCardTemplates"


def error_body(message: str) -> bytes:
    """Return the JSON of an error."""
    return msgspec.json.encode({"errorMessage": message})


def copilot_app(account: Account, page_faults: PageFaults) -> Starlette:
    """Return the application that serves an account.

    Only what reads is there; every path but the documented ones is 404, every method but GET 405.
    """
    lists: dict[str, tuple[str, Callable[[], object]]] = {
        "/topics": ("topics", account.keyword_topics),
        "/v2/topics": ("topics", account.topics),
        "/users": ("users", account.users),
    }
    endpoints: list[Endpoint] = [
        *(("GET", path, NoQuery, _whole_list(*listed)) for path, listed in lists.items()),
        ("GET", "/scorecard-template", NoQuery, _templates(account, page_faults)),
        *_calls(account, page_faults),
        ("GET", "/scorecard", ScorecardsQuery, _scorecards(account, page_faults)),
        ("GET", "/get-account", IdQuery, _crm_object(account, "account")),
        ("GET", "/get-contact", IdQuery, _crm_object(account, "contact")),
        ("GET", "/get-deal", IdQuery, _crm_object(account, "deal")),
    ]
    served = routes(_check_credentials, lambda error: _error(400, error.reason), endpoints)
    return application(served, lambda status: _error(status, "No such path or method"), error_body)


def _whole_list(name: str, records: Callable[[], object]) -> Answer:
    async def answer(_: Request, __: NoQuery) -> Response:
        return json_answer({name: records()})

    return answer


def _templates(account: Account, faults: PageFaults) -> Answer:
    async def answer(_: Request, __: NoQuery) -> Response:
        return json_answer({faults.template_list: account.scorecard_templates()})

    return answer


def _calls(account: Account, faults: PageFaults) -> list[Endpoint]:
    async def calls(_: Request, query: CallsQuery) -> Response:
        query = _with_faults(query, faults)
        records, matched = account.calls_page(query)
        if faults.unreadable:
            _check_size([msgspec.json.decode(record)["id"] for record in records], faults)
        parts = [b'{"calls":[', b",".join(records), b"]"]
        if query.include_pagination == "true" and not faults.uncounted:
            pagination = _pagination(query, len(records), matched, faults)
            parts += [b',"pagination":', msgspec.json.encode(pagination)]
        return Response(b"".join([*parts, b"}"]), media_type="application/json")

    async def details(_: Request, query: DetailsQuery) -> Response:
        call = account.call_details(query.id, query.media)
        if call is None:
            raise _not_found()
        return json_answer({"call": call})

    return [("GET", "/calls", CallsQuery, calls), ("GET", "/call-details", DetailsQuery, details)]


def _scorecards(account: Account, faults: PageFaults) -> Answer:
    async def answer(_: Request, query: ScorecardsQuery) -> Response:
        query = _with_faults(query, faults)
        records, matched = account.scorecards_page(query)
        _check_size([record["id"] for record in records], faults)
        document: dict[str, object] = {"scorecards": records}
        if not faults.uncounted:
            document["pagination"] = _pagination(query, len(records), matched, faults)
        return json_answer(document)

    return answer


def _crm_object(account: Account, kind: Kind) -> Answer:
    async def answer(_: Request, query: IdQuery) -> Response:
        record = account.crm_object(kind, query.id)
        if record is None:
            raise _not_found()
        return json_answer(record)

    return answer


def _check_credentials(request: Request) -> None:
    def same(key: str, password: str) -> bool:
        right = has_header(request, KEY_HEADER, key)
        return has_header(request, PASSWORD_HEADER, password) and right

    if same(FORBIDDEN, FORBIDDEN):
        raise _error(403, "This key has no access to the API")
    if not same(API_KEY, API_PASSWORD):
        raise _error(401, "The API key or password is missing or wrong")


def _with_faults(query: PagedQuery, faults: PageFaults) -> PagedQuery:
    if faults.largest is not None and query.limit > faults.largest:
        raise _error(502, "The answer is too large")
    limit = query.limit if faults.given is None else min(query.limit, faults.given)
    skip = 0 if faults.stuck else query.skip
    return msgspec.structs.replace(query, limit=limit, skip=skip)


def _check_size(ids: list[str], faults: PageFaults) -> None:
    if not faults.unreadable.isdisjoint(ids):
        raise _error(502, "The answer is too large")


def _pagination(
    query: CallsQuery | ScorecardsQuery, shown: int, matched: int, faults: PageFaults
) -> dict[str, int | bool]:
    following = query.skip + shown
    counted = matched if faults.capped_count is None else min(matched, faults.capped_count)
    return {
        "matched": counted if faults.any_count is None else faults.any_count,
        "hasMore": following < matched,
        "nextPageSkip": query.skip + _STRIDE if faults.strides else following,
    }


def _error(status: int, message: str) -> RefusedError:
    return RefusedError(status, {"errorMessage": message})


def _not_found() -> RefusedError:
    return _error(404, "There is no record with this id")
