"""The routes of the Gladly API, as its vendor documents them."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from secrets import compare_digest
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from tests.sandbox.gladly.errors import RefusedError, not_found
from tests.sandbox.gladly.helpdesk.routes import desk_routes
from tests.sandbox.gladly.query import read_query

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from starlette.requests import Request

    from tests.sandbox.gladly import GladlySandbox

    Answer = Callable[[Request], Awaitable[Response]]
    Record = dict[str, Any]

BASE = "/api/v1"
USERNAME = "integrations@acme.example"
API_TOKEN = "SANDBOX-GLADLY-TOKEN"
CREDENTIAL_HEADERS = frozenset({b"authorization"})
AUTHORIZATION = "Basic " + b64encode(f"{USERNAME}:{API_TOKEN}".encode()).decode()

_LISTS = {
    "agents": "agents",
    "teams": "teams",
    "inboxes": "inboxes",
    "audiences": "audiences",
    "business-hours": "business_hours",
    "webhooks": "webhooks",
    "export/schedules": "schedules",
}
_CHUNK = 1 << 16
_BY_ID = ("agents", "teams", "inboxes", "topics", "business-hours", "webhooks")


def gladly_app(sandbox: GladlySandbox) -> Starlette:
    """Return the application that serves an organization.

    Limits and faults are the business of the middleware around it.
    """
    directory, public = _Directory(sandbox), _Public(sandbox)
    exports, flows = _Exports(sandbox), _Flows(sandbox)
    routes: list[tuple[str, str, Answer]] = [
        ("GET", "/organization", directory.organization),
        ("GET", "/topics", directory.topics),
        *(("GET", f"/{path}", directory.listing(name)) for path, name in _LISTS.items()),
        *(("GET", f"/{path}/{{id}}", directory.one(path)) for path in _BY_ID),
        ("GET", "/export/jobs", exports.jobs),
        ("GET", "/export/jobs/{job_id}", exports.job),
        ("DELETE", "/export/jobs/{job_id}", exports.delete),
        ("GET", "/export/jobs/{job_id}/files/{filename}", exports.file),
        ("GET", "/events", flows.events),
        ("POST", "/reports", flows.report),
        ("POST", "/reports/work-session-events", flows.work_sessions),
        *(("GET", path, answer) for path, answer in desk_routes(sandbox.desk)),
    ]
    guard = _Guard(sandbox)
    app = Starlette(
        routes=[
            *(_route(method, path, guard.closed(answer)) for method, path, answer in routes),
            _route("GET", "/orgs/{org_id}/answers", guard.open(public.answers)),
            _route("GET", "/orgs/{org_id}/answers/{id}", guard.open(public.answer)),
        ],
        exception_handlers={HTTPException: guard.no_route, RefusedError: guard.refuse},
    )
    app.router.redirect_slashes = False
    return app


class _Guard:
    """Decides who is let in, and how those who are not are told."""

    def __init__(self, sandbox: GladlySandbox) -> None:
        self._sandbox = sandbox

    def open(self, answer: Answer) -> Answer:
        """Let everybody in."""

        async def endpoint(request: Request) -> Response:
            self._check_organization()
            return await answer(request)

        return endpoint

    def closed(self, answer: Answer) -> Answer:
        """Let those in who have the token."""

        async def endpoint(request: Request) -> Response:
            headers = request.scope["headers"]
            given = [value for name, value in headers if name == b"authorization"]
            right = AUTHORIZATION.encode()
            if not self._sandbox.gone and not (len(given) == 1 and compare_digest(given[0], right)):
                raise RefusedError(401, "invalid", "authentication is required", shape="list")
            self._check_organization()
            return await answer(request)

        return endpoint

    def _check_organization(self) -> None:
        if self._sandbox.gone:
            what = "organization"
            raise not_found(what)
        if self._sandbox.forbidden:
            raise RefusedError(403, "invalid", "the API User permission is missing", shape="list")

    async def refuse(self, _: Request, error: Exception) -> Response:
        if not isinstance(error, RefusedError):
            raise TypeError from error
        # Only a 400 comes in each shape.
        shape = self._sandbox.error_shape if error.status == 400 else "list"
        return Response(
            error.body(shape), error.status, headers=error.headers, media_type="application/json"
        )

    async def no_route(self, request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException) and error.status_code == 405:
            return await self.refuse(request, RefusedError(405, "invalid", "method not allowed"))
        return await self.refuse(request, not_found("path"))


class _Directory:
    """The lists that are read whole."""

    def __init__(self, sandbox: GladlySandbox) -> None:
        self._account = sandbox.account

    async def organization(self, request: Request) -> Response:
        read_query(request)
        return _json(self._account.organization)

    async def topics(self, request: Request) -> Response:
        read_query(request)
        topics = self._account.topics
        if self._account.topics_wrapped:
            return _json({"summary": "All topics", "value": topics})
        return _json(topics)

    def listing(self, name: str) -> Answer:
        async def endpoint(request: Request) -> Response:
            read_query(request)
            return _json(getattr(self._account, name))

        return endpoint

    def one(self, path: str) -> Answer:
        async def endpoint(request: Request) -> Response:
            read_query(request)
            for record in list(getattr(self._account, path.replace("-", "_"))):
                if record["id"] == request.path_params["id"]:
                    return _json(record)
            what = "id"
            raise not_found(what)

        return endpoint


class _Public:
    """The answers that anybody may read."""

    def __init__(self, sandbox: GladlySandbox) -> None:
        self._account = sandbox.account

    async def answers(self, request: Request) -> Response:
        given = read_query(request, "lng", "audienceId")
        return _json(self._found(request, given, given.get("audienceId", [None])[0]))

    async def answer(self, request: Request) -> Response:
        given = read_query(request, "lng")
        for answer in self._found(request, given, None):
            if answer["id"] == request.path_params["id"]:
                return _json(answer)
        what = "answer"
        raise not_found(what)

    def _found(
        self, request: Request, given: dict[str, list[str]], audience: str | None
    ) -> list[Record]:
        if request.path_params["org_id"] != self._account.organization["id"]:
            what = "organization"
            raise not_found(what)
        return self._account.list_answers(given.get("lng", ["en-us"])[0], audience)


class _Exports:
    """Export jobs and their files."""

    def __init__(self, sandbox: GladlySandbox) -> None:
        self._exports = sandbox.exports

    async def jobs(self, request: Request) -> Response:
        given = read_query(request, "status", "startAt", "endAt")
        return _json([job.describe() for job in self._exports.listed(given)])

    async def job(self, request: Request) -> Response:
        read_query(request)
        return _json(self._exports.job(request.path_params["job_id"]).describe())

    async def delete(self, request: Request) -> Response:
        """Delete nothing: what reads must never ask for this."""
        self._exports.deleted.append(request.url.path)
        raise RefusedError(405, "invalid", "the sandbox deletes nothing", shape="bare")

    async def file(self, request: Request) -> Response:
        read_query(request)
        parameters = request.path_params
        chunks = self._exports.file(parameters["job_id"], parameters["filename"])
        return stream(chunks, "application/x-ndjson")


class _Flows:
    """Events and reports."""

    def __init__(self, sandbox: GladlySandbox) -> None:
        self._events = sandbox.events
        self._reports = sandbox.reports

    async def events(self, request: Request) -> Response:
        repeated = frozenset({"entities"})
        given = read_query(request, "startAt", "endAt", "entities", repeated=repeated)
        return stream(self._events.lines(given), "application/x-jsonlines")

    async def report(self, request: Request) -> Response:
        return await self._make(request)

    async def work_sessions(self, request: Request) -> Response:
        return await self._make(request)

    async def _make(self, request: Request) -> Response:
        read_query(request)
        report = self._reports.make(
            request.url.path, request.headers.get("content-type", ""), await request.body()
        )
        # A text without a charset, which some clients take for Latin-1: the vendor names none.
        headers = {"Content-Type": report.content_type}
        if report.filename is not None:
            headers["Content-Disposition"] = f"attachment; filename={report.filename}"
        return stream(report.chunks, None, headers)


def stream(
    chunks: Iterator[bytes], media_type: str | None, headers: dict[str, str] | None = None
) -> Response:
    """Return an answer that is made while it is sent."""

    async def sent() -> AsyncIterator[bytes]:
        held = bytearray()
        for chunk in chunks:
            held += chunk
            if len(held) >= _CHUNK:
                yield bytes(held)
                held.clear()
                await asyncio.sleep(0)  # others want to be answered too
        yield bytes(held)

    return StreamingResponse(sent(), headers=headers, media_type=media_type)


def _route(method: str, path: str, answer: Answer) -> Route:
    route = Route(BASE + path, answer, methods=[method])
    route.methods = {method}  # starlette lets HEAD in wherever it lets GET in
    return route


def _json(document: Record | list[Record]) -> Response:
    return Response(msgspec.json.encode(document), media_type="application/json")
