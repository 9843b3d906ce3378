"""The routes of the Copilot API, as its vendor documents them."""

from __future__ import annotations

from secrets import compare_digest
from typing import TYPE_CHECKING

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from tests.sandbox.copilot.parameters import (
    BadRequestError,
    Query,
    read_calls,
    read_details,
    read_id,
    read_scorecards,
    read_topics,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.types import Scope

    from tests.sandbox.copilot.account import Account
    from tests.sandbox.copilot.directory import CrmKind
    from tests.sandbox.copilot.parameters import Page

    Answer = Callable[[Query], bytes]

KEY_HEADER = b"x-api-key"
PASSWORD_HEADER = b"x-api-password"
CREDENTIAL_HEADERS = frozenset({KEY_HEADER, PASSWORD_HEADER})

API_KEY = "SANDBOX-COPILOT-KEY"
API_PASSWORD = "SANDBOX-COPILOT-PASSWORD"
FORBIDDEN = "forbidden"
"""Key and password that are known and may do nothing: 403."""


class NotFoundError(LookupError):
    """What was asked for is not there."""


def error_body(message: str) -> bytes:
    """Return the JSON of an error."""
    return msgspec.json.encode({"errorMessage": message})


def copilot_app(account: Account) -> Starlette:
    """Return the application that serves an account.

    Only what reads is there; every path but the documented ones is 404, every method but GET 405.
    Limits and faults are the business of the middleware around it.
    """
    answers = {**_lists(account), **_single_records(account)}
    app = Starlette(
        routes=[Route(path, _endpoint(answer)) for path, answer in answers.items()],
        exception_handlers={HTTPException: _refuse, Exception: _fail},
    )
    app.router.redirect_slashes = False
    return app


def _lists(account: Account) -> dict[str, Answer]:
    def topics(query: Query) -> bytes:
        query.finish()
        return msgspec.json.encode({"topics": account.keyword_topics()})

    def topics_v2(query: Query) -> bytes:
        return msgspec.json.encode({"topics": account.topics_page(read_topics(query))})

    def users(query: Query) -> bytes:
        query.finish()
        return msgspec.json.encode({"users": account.users()})

    def templates(query: Query) -> bytes:
        query.finish()
        return msgspec.json.encode({"scoreCardTemplates": account.scorecard_templates()})

    def scorecards(query: Query) -> bytes:
        wanted, page = read_scorecards(query)
        records, matched = account.scorecards_page(wanted, page)
        return msgspec.json.encode(
            {"scorecards": records, "pagination": _pagination(page, len(records), matched)}
        )

    def calls(query: Query) -> bytes:
        wanted = read_calls(query)
        records, matched = account.calls_page(wanted)
        parts = [b'{"calls":[', b",".join(records), b"]"]
        if wanted.pagination:
            pagination = _pagination(wanted.page, len(records), matched)
            parts += [b',"pagination":', msgspec.json.encode(pagination)]
        return b"".join([*parts, b"}"])

    return {
        "/calls": calls,
        "/scorecard": scorecards,
        "/scorecard-template": templates,
        "/topics": topics,
        "/users": users,
        "/v2/topics": topics_v2,
    }


def _single_records(account: Account) -> dict[str, Answer]:
    def details(query: Query) -> bytes:
        call_id, media = read_details(query)
        return b'{"call":%b}' % _found(account.call_details(call_id, media))

    def crm_object(kind: CrmKind) -> Answer:
        return lambda query: _found(account.crm_object(kind, read_id(query)))

    return {
        "/call-details": details,
        "/get-account": crm_object("account"),
        "/get-contact": crm_object("contact"),
        "/get-deal": crm_object("deal"),
    }


def _endpoint(answer: Answer) -> Callable[[Request], object]:
    async def endpoint(request: Request) -> Response:
        if request.method != "GET":
            raise HTTPException(405, "Method not allowed", headers={"Allow": "GET"})
        _check_credentials(request.scope)
        try:
            body = answer(Query(request.scope["query_string"]))
        except BadRequestError as error:
            raise HTTPException(400, str(error)) from error
        except NotFoundError as error:
            raise HTTPException(404, str(error)) from error
        return Response(body, media_type="application/json")

    return endpoint


def _check_credentials(scope: Scope) -> None:
    given: dict[bytes, list[bytes]] = {KEY_HEADER: [], PASSWORD_HEADER: []}
    for name, value in scope["headers"]:
        if name in given:
            given[name].append(value)
    if _same(given, FORBIDDEN, FORBIDDEN):
        raise HTTPException(403, "This key has no access to the API")
    if not _same(given, API_KEY, API_PASSWORD):
        raise HTTPException(401, "The API key or password is missing or wrong")


def _same(given: dict[bytes, list[bytes]], key: str, password: str) -> bool:
    wanted = ((KEY_HEADER, key), (PASSWORD_HEADER, password))
    return all(
        len(given[header]) == 1 and compare_digest(given[header][0], value.encode())
        for header, value in wanted
    )


def _pagination(page: Page, shown: int, matched: int) -> dict[str, int | bool]:
    following = page.skip + shown
    return {"matched": matched, "hasMore": following < matched, "nextPageSkip": following}


def _found(body: bytes | None) -> bytes:
    if body is None:
        message = "There is no record with this id"
        raise NotFoundError(message)
    return body


async def _refuse(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise TypeError from error
    return Response(
        error_body(error.detail),
        error.status_code,
        dict(error.headers or {}),
        media_type="application/json",
    )


async def _fail(_: Request, error: Exception) -> Response:
    message = f"The sandbox itself failed: {type(error).__name__}"
    return Response(error_body(message), 500, media_type="application/json")
