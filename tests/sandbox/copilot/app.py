"""The endpoints of the Copilot API, as its vendor documents them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from starlette.responses import Response

from tests.sandbox.app import RefusedError, application, has_header, json_answer, routes
from tests.sandbox.copilot.queries import CallsQuery, DetailsQuery, IdQuery, ScorecardsQuery
from tests.sandbox.forms import NoQuery

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.applications import Starlette
    from starlette.requests import Request

    from tests.sandbox.app import Answer, Endpoint
    from tests.sandbox.copilot.account import Account
    from tests.sandbox.copilot.directory import CrmKind

KEY_HEADER, PASSWORD_HEADER = "x-api-key", "x-api-password"
CREDENTIAL_HEADERS = frozenset({KEY_HEADER.encode(), PASSWORD_HEADER.encode()})

API_KEY = "SANDBOX-COPILOT-KEY"
API_PASSWORD = "SANDBOX-COPILOT-PASSWORD"
FORBIDDEN = "forbidden"
"""Key and password that are known and may do nothing: 403."""


def error_body(message: str) -> bytes:
    """Return the JSON of an error."""
    return msgspec.json.encode({"errorMessage": message})


def copilot_app(account: Account) -> Starlette:
    """Return the application that serves an account.

    Only what reads is there; every path but the documented ones is 404, every method but GET 405.
    """
    lists: dict[str, tuple[str, Callable[[], object]]] = {
        "/topics": ("topics", account.keyword_topics),
        "/v2/topics": ("topics", account.topics),
        "/users": ("users", account.users),
        "/scorecard-template": ("scoreCardTemplates", account.scorecard_templates),
    }
    endpoints: list[Endpoint] = [
        *(("GET", path, NoQuery, _whole_list(*listed)) for path, listed in lists.items()),
        *_calls(account),
        ("GET", "/scorecard", ScorecardsQuery, _scorecards(account)),
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


def _calls(account: Account) -> list[Endpoint]:
    async def calls(_: Request, query: CallsQuery) -> Response:
        records, matched = account.calls_page(query)
        parts = [b'{"calls":[', b",".join(records), b"]"]
        if query.include_pagination == "true":
            pagination = _pagination(query, len(records), matched)
            parts += [b',"pagination":', msgspec.json.encode(pagination)]
        return Response(b"".join([*parts, b"}"]), media_type="application/json")

    async def details(_: Request, query: DetailsQuery) -> Response:
        call = account.call_details(query.id, query.media)
        if call is None:
            raise _not_found()
        return json_answer({"call": call})

    return [("GET", "/calls", CallsQuery, calls), ("GET", "/call-details", DetailsQuery, details)]


def _scorecards(account: Account) -> Answer:
    async def answer(_: Request, query: ScorecardsQuery) -> Response:
        records, matched = account.scorecards_page(query)
        pagination = _pagination(query, len(records), matched)
        return json_answer({"scorecards": records, "pagination": pagination})

    return answer


def _crm_object(account: Account, kind: CrmKind) -> Answer:
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


def _pagination(
    query: CallsQuery | ScorecardsQuery, shown: int, matched: int
) -> dict[str, int | bool]:
    following = query.skip + shown
    return {"matched": matched, "hasMore": following < matched, "nextPageSkip": following}


def _error(status: int, message: str) -> RefusedError:
    return RefusedError(status, {"errorMessage": message})


def _not_found() -> RefusedError:
    return _error(404, "There is no record with this id")
