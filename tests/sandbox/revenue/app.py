"""The routes of the Revenue API, as its vendor documents them."""

from __future__ import annotations

import asyncio
from secrets import compare_digest, token_urlsafe
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from tests.sandbox.revenue import requests as forms
from tests.sandbox.revenue.audit import actors_of
from tests.sandbox.revenue.errors import (
    RefusedError,
    bad_activity,
    bad_audit,
    bad_export,
    bad_forecast,
    bad_ingest,
    bad_opportunity,
    error_body,
    export_error,
    no_route,
    unauthenticated,
)
from tests.sandbox.revenue.objects import INGEST_STATUSES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from starlette.requests import Request

    from tests.sandbox.revenue.account import Account
    from tests.sandbox.revenue.exports import Exports

    Answer = Callable[[Request], Awaitable[Response]]
    Record = dict[str, Any]

API_KEY = "SANDBOX-REVENUE-KEY"
PARTNER_KEY = "SANDBOX-REVENUE-PARTNER-KEY"
CREDENTIAL_HEADERS = frozenset({b"apikey", b"partnerkey", b"x-api-key", b"x-api-password"})


def revenue_app(account: Account, exports: Exports) -> Starlette:
    """Return the application that serves an organization.

    Every path and method but those that read or export is 404, as at the vendor's gateway. Limits
    and faults are the business of the middleware around it.
    """
    starting, running, reading = _Starting(account, exports), _Running(exports), _Reading(account)
    routes: list[tuple[str, str, Answer]] = [
        ("GET", "/v4/export/forecast/list", reading.forecasts),
        ("POST", "/v4/export/forecast", starting.nameless_forecast),
        ("POST", "/v4/export/forecast/", starting.nameless_forecast),
        ("POST", "/v4/export/forecast/{forecast_id}", starting.forecast),
        ("POST", "/v4/export/activity", starting.activity),
        ("POST", "/v4/export/audit/events", starting.audit),
        ("GET", "/v4/export/jobs", running.jobs),
        ("GET", "/v4/export/jobs/{job_id}", running.job),
        ("PATCH", "/v4/export/jobs/{job_id}", running.cancel),
        ("GET", "/v4/export/jobs/{job_id}/results", running.results),
        ("GET", "/v4/admin/limits", running.limits),
        ("GET", "/v4/audit/events", reading.audit_events),
        ("GET", "/v4/opportunity", reading.opportunities),
        ("GET", "/v2/ingest/job/{job_id}", reading.ingest_job),
    ]
    app = Starlette(
        routes=[Route(path, _guarded(answer), methods=[method]) for method, path, answer in routes],
        exception_handlers={HTTPException: refuse_route, RefusedError: refuse, Exception: fail},
    )
    app.router.redirect_slashes = False
    return app


class _Starting:
    """What starts exports."""

    def __init__(self, account: Account, exports: Exports) -> None:
        self._account = account
        self._exports = exports

    async def nameless_forecast(self, _: Request) -> Response:
        message = "The forecastId query parameter is required."
        raise export_error(message, code="missing_forecast_id", namespace="fcw")

    async def forecast(self, request: Request) -> Response:
        forecast_id = request.path_params["forecast_id"]
        form = forms.ForecastRequest
        wanted, body = await forms.read_body(request, form, bad_forecast, required=False)
        result = self._account.forecast_result(forecast_id, wanted)
        job = self._exports.start("FORECAST", {**body, "forecastId": forecast_id}, result)
        return _json({"jobId": job.id})

    async def activity(self, request: Request) -> Response:
        form = forms.ActivityRequest
        wanted, body = await forms.read_body(request, form, bad_activity, required=True)
        start, end = _day("startDate", wanted.start_date), _day("endDate", wanted.end_date)
        if start is not None and end is not None and end < start:
            message = "endDate lies before startDate"
            raise bad_activity(message)
        text_dates = self._exports.dates_as_text
        result = self._account.activity_result(
            wanted.activity_types, start, end, text_dates=text_dates
        )
        return _json({"jobId": self._exports.start("ACTIVITY", body, result).id}, 202)

    async def audit(self, request: Request) -> Response:
        form = forms.AuditRequest
        wanted, body = await forms.read_body(request, form, bad_audit, required=False)
        result = self._account.audit_result(wanted)
        return _json({"jobId": self._exports.start("AUDIT", body, result).id}, 202)


class _Running:
    """What is asked about exports."""

    def __init__(self, exports: Exports) -> None:
        self._exports = exports

    async def jobs(self, request: Request) -> Response:
        _no_query(request)
        jobs = [self._exports.describe(job) for job in self._exports.jobs()]
        return _json({"jobs": jobs} if self._exports.list_wrapped else jobs)

    async def job(self, request: Request) -> Response:
        _no_query(request)
        job = self._exports.describe(self._exports.job(request.path_params["job_id"]))
        return _json({"job": job} if self._exports.wrapped else job)

    async def cancel(self, request: Request) -> Response:
        await forms.read_body(request, forms.CancelRequest, bad_export, required=True)
        job = self._exports.cancel(request.path_params["job_id"])
        return _json({"status": job.status, "successful": True})

    async def results(self, request: Request) -> Response:
        _no_query(request)
        return stream(self._exports.file(request.path_params["job_id"]))

    async def limits(self, request: Request) -> Response:
        _no_query(request)
        return _json({"jobs": self._exports.limits()})


class _Reading:
    """What is read without an export."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._cursors: dict[str, tuple[list[Record], int, int]] = {}

    async def forecasts(self, request: Request) -> Response:
        if not self._account.forecast_list_exists:
            raise no_route()
        forms.read_query(request, forms.NoQuery, bad_forecast)
        return _json({"forecasts": self._account.forecasts})

    async def audit_events(self, request: Request) -> Response:
        pairs = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if any(name == "cursor" for name, _ in pairs):
            ((_, cursor), *others) = sorted(pairs, key=lambda pair: pair[0] != "cursor")
            if others or cursor not in self._cursors:
                message = "The cursor is unknown, or does not stand alone"
                raise bad_audit(message)
            found, first, limit = self._cursors[cursor]
        else:
            wanted = forms.read_query(request, forms.AuditQuery, bad_audit)
            found, first, limit = self._account.find_audit_events(wanted), 0, wanted.limit
        last = first + limit
        page = found[first:last]
        document: Record = {self._account.audit_key: page, "actors": actors_of(page)}
        if last < len(found):
            following = token_urlsafe(24)
            self._cursors[following] = (found, last, limit)
            base = self._account.next_link_base or f"http://{request.headers['host']}"
            document["nextLink"] = f"{base}/v4/audit/events?cursor={following}"
        return _json(document)

    async def opportunities(self, request: Request) -> Response:
        if not request.query_params.getlist("oppId"):
            message = "oppId is required"
            raise bad_opportunity(message)
        wanted = forms.read_query(request, forms.OpportunityQuery, bad_opportunity)
        there = self._account.opportunities
        return _json([there[one] for one in dict.fromkeys(wanted.opp_id) if one in there])

    async def ingest_job(self, request: Request) -> Response:
        if not _has_key(request, b"partnerkey", PARTNER_KEY):
            error = {"errorCode": "INVALID_PARTNER_KEY", "errorSummary": "Unauthorized PartnerKey"}
            raise RefusedError(401, [error])
        forms.read_query(request, forms.NoQuery, bad_ingest)
        job = self._account.ingest_jobs.get(request.path_params["job_id"])
        if job is None:
            raise RefusedError(404, {"error": "There is no bulk ingestion job with this jobId."})
        return _json({"message": job}, INGEST_STATUSES[job["status"]])


def stream(chunks: Iterator[bytes]) -> Response:
    """Return an answer that is made while it is sent."""

    async def sent() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk
            await asyncio.sleep(0)  # others want to be answered too

    return StreamingResponse(sent(), media_type="application/json")


async def refuse(_: Request, error: Exception) -> Response:
    """Answer with a refusal."""
    if not isinstance(error, RefusedError):
        raise TypeError from error
    return Response(error.body, error.status, media_type="application/json")


async def refuse_route(request: Request, _: Exception) -> Response:
    """Answer that there is no such path, or no such method."""
    return await refuse(request, no_route())


async def fail(_: Request, error: Exception) -> Response:
    """Answer that the sandbox is broken."""
    message = f"The sandbox itself failed: {type(error).__name__}"
    return Response(error_body(message), 500, media_type="application/json")


def _guarded(answer: Answer) -> Answer:
    async def endpoint(request: Request) -> Response:
        if not _has_key(request, b"apikey", API_KEY):
            raise unauthenticated()
        return await answer(request)

    return endpoint


def _has_key(request: Request, header: bytes, key: str) -> bool:
    given = [value for name, value in request.scope["headers"] if name == header]
    return len(given) == 1 and compare_digest(given[0], key.encode())


def _no_query(request: Request) -> None:
    forms.read_query(request, forms.NoQuery, bad_export)


def _day(name: str, text: str | None) -> int | None:
    try:
        return None if text is None else forms.day_in_zone(text)
    except ValueError as error:
        message = f"{name} must be an ISO 8601 date-time with an offset"
        raise bad_activity(message) from error


def _json(document: Record | list[Record], status: int = 200) -> Response:
    return Response(msgspec.json.encode(document), status, media_type="application/json")
