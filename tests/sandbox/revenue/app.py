"""The endpoints of the Revenue API, as its vendor documents them."""

from __future__ import annotations

from secrets import token_urlsafe
from typing import TYPE_CHECKING, Any

from tests.sandbox.app import RefusedError, application, has_header, json_answer, routes, stream
from tests.sandbox.forms import BadRequestError, NoQuery, read_body
from tests.sandbox.revenue.audit import actors_of
from tests.sandbox.revenue.errors import (
    bad_activity,
    bad_audit,
    bad_export,
    bad_forecast,
    bad_ingest,
    bad_opportunity,
    error_body,
    no_route,
    unauthenticated,
)
from tests.sandbox.revenue.objects import INGEST_STATUSES
from tests.sandbox.revenue.requests import (
    FORECAST_TYPES,
    ActivityRequest,
    AuditQuery,
    ForecastRequest,
    LiveForecastQuery,
    OpportunityQuery,
    day_in_zone,
)

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

    from tests.sandbox.revenue.account import Account
    from tests.sandbox.revenue.exports import Exports

    Record = dict[str, Any]

API_KEY = "SANDBOX-REVENUE-KEY"
PARTNER_KEY = "SANDBOX-REVENUE-PARTNER-KEY"
CREDENTIAL_HEADERS = frozenset({b"apikey", b"partnerkey", b"x-api-key", b"x-api-password"})


def revenue_app(account: Account, exports: Exports) -> Starlette:
    """Return the application that serves an organization.

    Every path and method but those that read or export is 404, as at the vendor's gateway.
    """
    answers = _Answers(account, exports)
    forecasts = [
        ("GET", "/v4/export/forecast/list", NoQuery, answers.forecast_tabs),
        ("POST", "/v4/export/forecast/{forecast_id}", NoQuery, answers.start_forecast),
    ]
    live = ("GET", "/v4/forecast/{forecast_id}", LiveForecastQuery, answers.live_forecast)
    jobs = [
        ("GET", "/v4/export/jobs", NoQuery, answers.jobs),
        ("GET", "/v4/export/jobs/{job_id}", NoQuery, answers.job),
        ("GET", "/v4/export/jobs/{job_id}/results", NoQuery, answers.results),
        ("GET", "/v4/admin/limits", NoQuery, answers.limits),
    ]
    activities = ("POST", "/v4/export/activity", NoQuery, answers.start_activity)
    audit = ("GET", "/v4/audit/events", AuditQuery, answers.audit_events)
    opportunities = ("GET", "/v4/opportunity", OpportunityQuery, answers.opportunities)
    ingest = ("GET", "/v2/ingest/job/{job_id}", NoQuery, answers.ingest_job)
    served = [
        *routes(_check_key, bad_forecast, [*forecasts, live]),
        *routes(_check_key, bad_export, jobs),
        *routes(_check_key, bad_activity, [activities]),
        *routes(_check_key, bad_audit, [audit]),
        *routes(_check_key, bad_opportunity, [opportunities]),
        *routes(_check_both_keys, bad_ingest, [ingest]),
    ]
    return application(served, lambda _: no_route(), error_body)


class _Answers:
    """What answers the requests of each endpoint."""

    def __init__(self, account: Account, exports: Exports) -> None:
        self._account = account
        self._exports = exports
        self._cursors: dict[str, tuple[list[Record], int, int]] = {}

    async def start_forecast(self, request: Request, _: NoQuery) -> Response:
        forecast_id = request.path_params["forecast_id"]
        wanted, body = await read_body(request, ForecastRequest, required=False)
        result = self._account.forecast_result(forecast_id, wanted)
        job = self._exports.start("FORECAST", {**body, "forecastId": forecast_id}, result)
        return json_answer({"jobId": job.id})

    async def start_activity(self, request: Request, _: NoQuery) -> Response:
        wanted, body = await read_body(request, ActivityRequest, required=True)
        start, end = _day("startDate", wanted.start_date), _day("endDate", wanted.end_date)
        if start is not None and end is not None and end < start:
            raise BadRequestError(reason="endDate lies before startDate")
        result = self._account.activity_result(
            wanted.activity_types, start, end, text_dates=self._exports.dates_as_text
        )
        return json_answer({"jobId": self._exports.start("ACTIVITY", body, result).id}, 202)

    async def jobs(self, _: Request, __: NoQuery) -> Response:
        jobs = [self._exports.describe(job) for job in self._exports.jobs()]
        return json_answer({"jobs": jobs} if self._exports.list_wrapped else jobs)

    async def job(self, request: Request, _: NoQuery) -> Response:
        job = self._exports.describe(self._exports.job(request.path_params["job_id"]))
        return json_answer({"job": job} if self._exports.wrapped else job)

    async def results(self, request: Request, _: NoQuery) -> Response:
        return stream(self._exports.file(request.path_params["job_id"]), "application/json")

    async def limits(self, _: Request, __: NoQuery) -> Response:
        return json_answer({"jobs": self._exports.limits()})

    async def forecast_tabs(self, _: Request, __: NoQuery) -> Response:
        if not self._account.forecast_list_exists:
            raise no_route()
        return json_answer({"forecasts": self._account.forecasts})

    async def live_forecast(self, request: Request, wanted: LiveForecastQuery) -> Response:
        status = self._account.live_forecast_refusal
        if status is not None:
            raise RefusedError(status, {"message": "no Route matched with those values"})
        asked = ForecastRequest(
            time_period=wanted.time_period,
            scope_id=wanted.scope_id,
            types_to_export=[*FORECAST_TYPES],
        )
        found = self._account.forecast_result(request.path_params["forecast_id"], asked)
        return json_answer(found.document())

    async def audit_events(self, request: Request, wanted: AuditQuery) -> Response:
        if wanted.cursor is None:
            found, first, limit = self._account.find_audit_events(wanted), 0, wanted.limit
        elif len(request.query_params) == 1 and wanted.cursor in self._cursors:
            found, first, limit = self._cursors[wanted.cursor]
        else:
            raise BadRequestError(reason="The cursor is unknown, or does not stand alone")
        last = first + limit
        page = found[first:last]
        document: Record = {self._account.audit_key: page, "actors": actors_of(page)}
        if last < len(found):
            following = token_urlsafe(24)
            self._cursors[following] = (found, last, limit)
            base = self._account.next_link_base or f"http://{request.headers['host']}"
            document["nextLink"] = f"{base}/v4/audit/events?cursor={following}"
        return json_answer(document)

    async def opportunities(self, _: Request, wanted: OpportunityQuery) -> Response:
        there = self._account.opportunities
        if len(wanted.opp_id) > self._account.most_opportunities:
            raise RefusedError(502, {"message": "An invalid response was received"})
        return json_answer([there[one] for one in dict.fromkeys(wanted.opp_id) if one in there])

    async def ingest_job(self, request: Request, _: NoQuery) -> Response:
        job = self._account.ingest_jobs.get(request.path_params["job_id"])
        if job is None:
            raise RefusedError(404, {"error": "There is no bulk ingestion job with this jobId."})
        return json_answer({"message": job}, INGEST_STATUSES[job["status"]])


def _check_key(request: Request) -> None:
    if not has_header(request, "apikey", API_KEY):
        raise unauthenticated()


def _check_both_keys(request: Request) -> None:
    _check_key(request)
    if not has_header(request, "partnerkey", PARTNER_KEY):
        error = {"errorCode": "INVALID_PARTNER_KEY", "errorSummary": "Unauthorized PartnerKey"}
        raise RefusedError(401, [error])


def _day(name: str, text: str | None) -> int | None:
    try:
        return None if text is None else day_in_zone(text)
    except ValueError as error:
        raise BadRequestError(
            reason=f"{name} must be an ISO 8601 date-time with an offset"
        ) from error
