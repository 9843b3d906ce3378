"""The data of one organization: what the server serves, and what a test may change.

Everything here is safe to call from any thread while the server answers.
"""

from __future__ import annotations

import json
import math
import threading
from bisect import insort
from copy import deepcopy
from datetime import date, datetime, timezone
from random import Random
from typing import TYPE_CHECKING, Any

from tests.sandbox.forms import BadRequestError
from tests.sandbox.instants import DAY_MS, now_ms
from tests.sandbox.people import PEOPLE, within
from tests.sandbox.revenue import activities, audit, objects
from tests.sandbox.revenue.errors import export_error
from tests.sandbox.revenue.forecasts import SYMBOLS, WEEKS, ForecastTable, Quarter
from tests.sandbox.revenue.requests import FORECAST_TYPES
from tests.sandbox.revenue.results import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.sandbox.crm import Crm, Meeting
    from tests.sandbox.revenue.requests import AuditQuery, ForecastRequest

    Record = dict[str, Any]

_QUARTERS = 4


class Account:
    """One organization; every attribute may be changed while the server runs.

    Args:
        seed: Seed of all records.
        activities_count: How many activities beside the meetings.
        audit_count: How many audit events.
        crm: The CRM that opportunities are of.
        meetings: Gives the calls that Copilot knows.

    Attributes:
        periods: The quarters there are, oldest first.
        current_period: The quarter that an export is of unless it is told another.
        period_dates: The first and the last day of quarters that are not those of the calendar.
        forecasts: The forecast tabs.
        live_forecast_refusal: The status where the tenant gives no forecast without a job.
        most_opportunities: A request for more opportunities than this fails with 502.
        forecast_list_exists: Whether the tenant can list them.
        tenant_columns: Further columns of every entry and user of a forecast.
        entries_by_type: Whether every kind of value has an entry of its own.
        crm_types_supported: Whether ``crm_total`` and ``crm_closed`` can be exported.
        no_opt_in: Forecast tabs that the key's user has no opt-in for.
        activities: All activities by date, but for meetings that Copilot knows and large ones.
        end_date_inclusive: Whether the day of ``endDate`` belongs to an activity export.
        audit_events: All audit events, oldest first.
        audit_key: Name of the list of audit events.
        audit_bounds: Whether ``dateFrom`` and ``dateTo`` belong to the time.
        next_link_base: Base URL of ``nextLink``; None for the server that was asked.
        opportunities: The opportunities by their ids.
        ingest_jobs: The ingest jobs by their ids.
    """

    def __init__(
        self,
        seed: int,
        activities_count: int,
        audit_count: int,
        crm: Crm,
        meetings: Callable[[], Iterable[Meeting]],
    ) -> None:
        now = now_ms()
        self._seed = seed
        self._crm = crm
        self._meetings = meetings
        self._lock = threading.RLock()
        self._restated = 0
        self._many: activities.ManyActivities | None = None
        self._added = 0
        self._quarters = [Quarter.of(_today())]
        while len(self._quarters) < _QUARTERS:
            self._quarters.insert(0, self._quarters[0].previous)
        self.periods = [quarter.name for quarter in self._quarters]
        self.current_period = self.periods[-1]
        self.period_dates: dict[str, tuple[date, date]] = {}
        self.forecasts: list[Record] = [
            {"forecastName": name, "forecastId": forecast_id, "timePeriods": [*self.periods]}
            for name, forecast_id in (("Net ARR", "net_arr"), ("Renewals", "renewals"))
        ]
        self.live_forecast_refusal: int | None = None
        self.most_opportunities = 100
        self.forecast_list_exists = True
        self.tenant_columns: Record = {}
        self.entries_by_type = False
        self.crm_types_supported = True
        self.no_opt_in: set[str] = set()
        self.activities = activities.some_activities(seed, crm, activities_count)
        self.end_date_inclusive = True
        self.audit_events = audit.some_audit_events(seed, audit_count, now)
        self.audit_key = "items"
        self.audit_bounds: audit.Bounds = "inclusive"
        self.next_link_base: str | None = None
        self.opportunities = objects.some_opportunities(seed, crm)
        self.ingest_jobs = objects.some_ingest_jobs(now)

    # What a test may do

    def restate(self) -> None:
        """Change the forecast of all weeks that are over."""
        with self._lock:
            self._restated += 1

    def add_activity(self, date: datetime, **members: Any) -> Record:
        """Add an activity at a moment that knows its zone, with some members as given."""
        with self._lock:
            self._added += 1
            index = (1 << 31) + self._added
            made = activities.activity(self._seed, self._crm, index, _milliseconds(date))
            made.update(members)
            insort(self.activities, made, key=lambda one: int(one["date"]))
            return made

    def large_activities(self, count: int, text_bytes: int = 700) -> None:
        """Replace the activities by many of the last 300 days, which are made as they are read."""
        with self._lock:
            self.activities, self._meetings = [], list
            self._many = activities.ManyActivities(self._seed, self._crm, count, text_bytes)

    def add_audit_event(self, moment: datetime, **members: Any) -> Record:
        """Add an audit event at a moment that knows its zone, with some members as given."""
        with self._lock:
            self._added += 1
            rng = Random(f"{self._seed} added {self._added}")
            made = audit.audit_event(rng, _milliseconds(moment))
            made.update(members)
            insort(self.audit_events, made, key=audit.moment_of)
            return made

    # What the server answers with

    def meetings(self) -> list[Record]:
        """Return the activities that are calls of Copilot, as it knows them now."""
        return [activities.of_meeting(meeting) for meeting in self._meetings()]

    def forecast_result(self, forecast_id: str, request: ForecastRequest) -> Result:
        """Return the result of a forecast export, as of now.

        Raises:
            RefusedError: The request asks for what is not there.
            BadRequestError: It asks for a kind or a currency that does not exist.
        """
        types = request.types_to_export
        with self._lock:
            self._check_forecast(forecast_id, types, request.currency)
            people = within(request.scope_id)
            if people is None:
                raise _no_opt_in(forecast_id, str(request.scope_id))
            period = request.time_period
            if period not in self.periods:
                period = self.current_period
            quarter = self._quarters[self.periods.index(period)]
            latest = quarter.week_of(_today())
            table = ForecastTable(
                seed=self._seed,
                crm=self._crm,
                forecast_id=forecast_id,
                quarter=quarter,
                weeks=[*range(latest + 1)] if request.include_historical else [latest],
                past_weeks=latest if quarter == self._quarters[-1] else WEEKS,
                dates=self.period_dates.get(period, (quarter.first_day, quarter.last_day)),
                people=people,
                types=[kind for kind in FORECAST_TYPES if kind in types],
                currency=request.currency or "USD",
                restated=self._restated,
                tenant_columns=deepcopy(self.tenant_columns),
                by_type=self.entries_by_type,
            )
        return table.result()

    def activity_result(
        self, types: list[Any] | None, start: int | None, end: int | None, *, text_dates: bool
    ) -> Result:
        """Return the result of an activity export, as of now.

        The times are when the first and the last day begin, in milliseconds since 1970; None for
        any. ``text_dates`` tells whether every other date is text.
        """
        if end is not None and self.end_date_inclusive:
            end += DAY_MS
        with self._lock:
            first, last = start or 0, math.inf if end is None else end
            everything = [*self.activities, *self.meetings()]
            wanted = [one for one in everything if first <= int(one["date"]) < last]
            listed = deepcopy(wanted)
            many = self._many
        Random(f"{self._seed} order").shuffle(listed)

        def rows() -> Iterator[Record]:
            for some in (listed, () if many is None else many.between(start, end)):
                for one in some:
                    if types is None or one["activityType"] in types:
                        yield one

        made = (lambda: activities.with_text_dates(rows)) if text_dates else rows
        return Result("activities", {"activities": made})

    def find_audit_events(self, wanted: AuditQuery) -> list[Record]:
        """Return the audit events that are asked for, newest first, as of now."""
        with self._lock:
            return deepcopy(audit.find(self.audit_events, wanted, now_ms(), self.audit_bounds))

    def _check_forecast(self, forecast_id: str, types: list[str], currency: str | None) -> None:
        if forecast_id not in {tab["forecastId"] for tab in self.forecasts}:
            message = f"Forecast {forecast_id} does not exist in the ForecastTemplate."
            raise export_error(message, code="no_such_forecast_config", namespace="fcw")
        if forecast_id in self.no_opt_in:
            raise _no_opt_in(forecast_id, PEOPLE[0].scope)
        unknown = [kind for kind in types if kind not in FORECAST_TYPES]
        if unknown or not types:
            message = f"The following typesToExport values are invalid: {json.dumps(unknown)}"
            raise BadRequestError(message)
        if not self.crm_types_supported and {"crm_total", "crm_closed"} & {*types}:
            message = "CRM Totals and CRM Closed are not supported by the Export API."
            raise export_error(message, code="type_not_supported", namespace="fcw")
        if currency is not None and currency not in SYMBOLS:
            message = "The currency parameter is invalid."
            raise BadRequestError(message)


def _no_opt_in(forecast_id: str, scope: str) -> Exception:
    message = f"No optins for scope {scope} for forecast '{forecast_id}'."
    return export_error(message, code="no_optin", status=401, namespace="fcw")


def _today() -> date:
    return datetime.now(timezone.utc).date()


def _milliseconds(moment: datetime) -> int:
    if moment.tzinfo is None:
        message = "the moment must know its zone"
        raise ValueError(message)
    return round(moment.timestamp() * 1000)
