"""The endpoints of the Gladly API, as its vendor documents them."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

from tests.sandbox.app import RefusedError, application, has_header, json_answer, routes, stream
from tests.sandbox.forms import NoQuery
from tests.sandbox.gladly.account import LANGUAGES, TEXT_TYPES
from tests.sandbox.gladly.errors import GladlyError, bad_request, error_body, invalid, not_found
from tests.sandbox.gladly.helpdesk.routes import desk_endpoints
from tests.sandbox.gladly.query import AnswerQuery, AnswersQuery, EventsQuery, ExportJobsQuery

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

    from tests.sandbox.app import Answer, Endpoint
    from tests.sandbox.gladly import GladlySandbox

    Record = dict[str, Any]

BASE = "/api/v1"
USERNAME = "integrations@acme.example"
API_TOKEN = "SANDBOX-GLADLY-TOKEN"
CREDENTIAL_HEADERS = frozenset({b"authorization"})
AUTHORIZATION = "Basic " + b64encode(f"{USERNAME}:{API_TOKEN}".encode()).decode()

_LISTS = {
    "organization": "organization",
    "agents": "agents",
    "teams": "teams",
    "inboxes": "inboxes",
    "audiences": "audiences",
    "business-hours": "business_hours",
    "webhooks": "webhooks",
    "export/schedules": "schedules",
}


def gladly_app(sandbox: GladlySandbox) -> Starlette:
    """Return the application that serves an organization."""
    lists = {f"/{path}": _whole_list(sandbox, name) for path, name in _LISTS.items()}
    closed: list[Endpoint] = [
        *(("GET", path, NoQuery, answer) for path, answer in lists.items()),
        ("GET", "/topics", NoQuery, _topics(sandbox)),
        *_managed_answers(sandbox),
        *_exports(sandbox),
        *_flows(sandbox),
        *desk_endpoints(sandbox.desk),
    ]

    def check_organization(_: Request) -> None:
        if sandbox.gone:
            raise not_found(what="organization")
        if sandbox.forbidden:
            raise GladlyError(403, "invalid", "the API User permission is missing")

    def check_token(request: Request) -> None:
        if not sandbox.gone and not has_header(request, "authorization", AUTHORIZATION):
            raise GladlyError(401, "invalid", "authentication is required")
        check_organization(request)

    def unknown(status: int) -> RefusedError:
        if status == 405:
            return GladlyError(405, "invalid", "method not allowed")
        return not_found("path")

    def document_of(error: RefusedError) -> object:
        if not isinstance(error, GladlyError):
            raise TypeError from error
        return error.wrapped(sandbox.error_shape)

    served = [
        *routes(check_token, bad_request, closed, BASE),
        *routes(check_organization, bad_request, _answers(sandbox), BASE),
    ]
    return application(served, unknown, error_body, document_of)


def _whole_list(sandbox: GladlySandbox, name: str) -> Answer:
    async def answer(_: Request, __: NoQuery) -> Response:
        return json_answer(getattr(sandbox.account, name))

    return answer


def _topics(sandbox: GladlySandbox) -> Answer:
    async def topics(_: Request, __: NoQuery) -> Response:
        account = sandbox.account
        if account.topics_wrapped:
            return json_answer({"summary": "All topics", "value": account.topics})
        return json_answer(account.topics)

    return topics


def _answers(sandbox: GladlySandbox) -> list[Endpoint]:
    """Return the endpoints of public answers, which anybody may read."""

    def found(request: Request, language: str, audience: str | None) -> list[Record]:
        if request.path_params["org_id"] != sandbox.account.organization["id"]:
            raise not_found(what="organization")
        return sandbox.account.list_answers(language, audience)

    async def answers(request: Request, query: AnswersQuery) -> Response:
        return json_answer(found(request, query.lng, query.audience_id))

    async def answer(request: Request, query: AnswerQuery) -> Response:
        for each in found(request, query.lng, None):
            if each["id"] == request.path_params["id"]:
                return json_answer(each)
        raise not_found(what="answer")

    return [
        ("GET", "/orgs/{org_id}/answers", AnswersQuery, answers),
        ("GET", "/orgs/{org_id}/answers/{id}", AnswerQuery, answer),
    ]


def _managed_answers(sandbox: GladlySandbox) -> list[Endpoint]:
    """Return the endpoints of answers and their texts, which need a token and have no list."""
    account = sandbox.account

    async def answer(request: Request, _: NoQuery) -> Response:
        found = account.managed_answers.get(request.path_params["id"])
        if found is None:
            raise not_found(what="answer")
        return json_answer(found)

    async def text(request: Request, _: NoQuery) -> Response:
        ids = request.path_params
        for name, allowed in (("language", LANGUAGES), ("type", TEXT_TYPES)):
            if ids[name] not in allowed:
                raise invalid(attr=name, detail=f"there is no such {name}")
        found = account.answer_texts.get((ids["id"], ids["language"], ids["type"]))
        if found is None:
            raise not_found(what="answer content")
        return json_answer(found)

    return [
        ("GET", "/answers/{id}", NoQuery, answer),
        ("GET", "/answers/{id}/languages/{language}/type/{type}", NoQuery, text),
    ]


def _exports(sandbox: GladlySandbox) -> list[Endpoint]:
    exports = sandbox.exports

    async def jobs(_: Request, query: ExportJobsQuery) -> Response:
        return json_answer([job.describe() for job in exports.listed(query)])

    async def job(request: Request, _: NoQuery) -> Response:
        return json_answer(exports.job(request.path_params["id"]).describe())

    async def delete(request: Request, _: NoQuery) -> Response:
        """Delete nothing: what reads must never ask for this."""
        exports.deleted.append(request.url.path)
        raise GladlyError(405, "invalid", "the sandbox deletes nothing", shape="bare")

    async def file(request: Request, _: NoQuery) -> Response:
        parameters = request.path_params
        return stream(exports.file(parameters["id"], parameters["name"]), "application/x-ndjson")

    return [
        ("GET", "/export/jobs", ExportJobsQuery, jobs),
        ("GET", "/export/jobs/{id}", NoQuery, job),
        ("DELETE", "/export/jobs/{id}", NoQuery, delete),
        ("GET", "/export/jobs/{id}/files/{name}", NoQuery, file),
    ]


def _flows(sandbox: GladlySandbox) -> list[Endpoint]:
    """Return the endpoints of events and reports."""

    async def events(_: Request, query: EventsQuery) -> Response:
        return stream(sandbox.events.lines(query), "application/x-jsonlines")

    async def report(request: Request, _: NoQuery) -> Response:
        made = sandbox.reports.make(
            request.url.path, request.headers.get("content-type", ""), await request.body()
        )
        # A text without a charset, which some clients take for Latin-1: the vendor names none.
        headers = {"Content-Type": made.content_type}
        if made.filename is not None:
            headers["Content-Disposition"] = f"attachment; filename={made.filename}"
        return stream(made.chunks, None, headers)

    return [
        ("GET", "/events", EventsQuery, events),
        ("POST", "/reports", NoQuery, report),
        ("POST", "/reports/work-session-events", NoQuery, report),
    ]
