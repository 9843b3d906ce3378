"""Forecasts: the tabs, and the exports of each tab and quarter."""

from __future__ import annotations

import logging
import re
import typing as t
from datetime import datetime, timezone
from functools import partial
from http import HTTPStatus

import msgspec
from singer_sdk.exceptions import FatalAPIError

from tap_clari.kit.decoding import decode_list
from tap_clari.kit.dedup import SeenIds
from tap_clari.kit.errors import PersistentServerError, RefusedError, UnauthorizedError
from tap_clari.kit.estimate import Estimate
from tap_clari.kit.times import format_time
from tap_clari.revenue.client import NO_OPT_IN
from tap_clari.revenue.combine import combine_by_key
from tap_clari.revenue.exports.requests import ExportKey, ExportRequest
from tap_clari.revenue.exports.results import LISTS
from tap_clari.revenue.exports.run import FORECASTS
from tap_clari.revenue.run import FORECAST_LIST, ExportStream, RevenueStream

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context, Record
    from singer_sdk.singerlib import Catalog

    from tap_clari.revenue.exports.active import Export
    from tap_clari.revenue.exports.jobs import Job
    from tap_clari.revenue.exports.results import ExportResult
    from tap_clari.revenue.run import RevenueRun

EXPORT = "/v4/export/forecast/{forecastId}"

ENTRY_KEY = ("forecastId", "timePeriodId", "timeFrameId", "userId", "fieldId")

NO_SUCH_ENDPOINT = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)
"""How Clari answers where it does not give a forecast without a job."""

CRM_TYPES = ("crm_total", "crm_closed")
"""The types that Clari does not export for every organization."""


class ForecastsStream(RevenueStream):
    """The forecast tabs (`/export/forecast/list`), where the API lists them."""

    name = "forecasts"
    path = FORECAST_LIST
    primary_keys = ("forecastId",)
    is_reference_data = True

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Read the list."""
        # Each its own: what is made of a record is not put back into the list.
        yield from (dict(tab) for tab in self.run.forecast_tabs())


class _ForecastExportStream(ExportStream):
    """One of the five lists of a forecast's export, for each forecast and quarter."""

    path = EXPORT
    job_group = FORECASTS

    section: str
    """The list."""

    tap_added_properties: tuple[str, ...] = ("forecastId",)

    def export_requests(self) -> Sequence[ExportRequest]:
        """One job for each forecast and quarter, the newest quarter first.

        Without `time_periods` these are the current one, and those that have closed since the last
        run. A run of the past, up to `end_date`, does not pay for them.
        """
        periods = sorted(set(self.config["time_periods"]), reverse=True)
        if not periods and self.window_end() < self.run_started_at:
            self.run.warn_once(
                "No forecast is read: the current quarter is not before end_date. Set time_periods."
            )
            return []
        return [
            self._request_for(forecast_id, period)
            for forecast_id in self.run.wanted_forecasts()
            for period in periods or (None, *self.run.exports.quarters.owed(forecast_id))
        ]

    def _request_for(self, forecast_id: str, period: str | None) -> ExportRequest:
        types = list(dict.fromkeys(self.config["forecast_types"]))
        options = {
            "timePeriod": period,
            "scopeId": self.config.get("forecast_scope_id"),
            "currency": self.config.get("currency"),
        }
        body = {
            **{name: value for name, value in options.items() if value},
            "typesToExport": types,
            "includeHistorical": self.config["include_historical"],
            "exportFormat": "JSON",
        }
        fewer = [each for each in types if each not in CRM_TYPES]
        has_less = 0 < len(fewer) < len(types)
        fallback = {"type_not_supported": {**body, "typesToExport": fewer}} if has_less else {}
        return ExportRequest(
            ExportKey(EXPORT, {"forecastId": forecast_id}, body),
            label=f"the forecast {forecast_id}" + (f", {period}" if period else ""),
            list_names=("entries", *LISTS),
            matches_job=partial(_is_of, forecast_id, period),
            fallback_body=fallback,
            explain_refusal=partial(_explained, forecast_id),
        )

    def read_exports(self) -> Iterable[Record]:
        """Read the list of each export, once its quarter is the right one.

        What several exports hold, such as a user, comes once, as the newest quarter has it.
        """
        seen = SeenIds()
        asked = self.export_requests()
        yield from self._read(asked, seen)
        # The current quarter shows which ones have closed that no run has read.
        keys = {request.key for request in asked}
        missed = [each for each in self.export_requests() if each.key not in keys]
        yield from self._read(missed, seen)

    def _read(self, requests: Sequence[ExportRequest], seen: SeenIds) -> Iterator[Record]:
        failed: list[str] = []
        for export in self.run.exports.results(self, requests, failed):
            forecast_id = export.request.key.ids["forecastId"]
            try:
                period = self._checked_period(export)
            except FatalAPIError as error:
                if self.config["time_periods"]:
                    failed.append(str(error))
                    continue
                # Nobody has named this quarter: the tap only wanted a second look at it.
                self.log("%s", error, level=logging.WARNING)
                self.run.exports.quarters.drop(forecast_id, export.request.key.body["timePeriod"])
                continue
            self._name_cuts(export)
            self._take_note(export, period)
            every = {
                "forecastId": forecast_id,
                "timePeriodId": period,
                "exportedAt": format_time(export.ended),
            }
            for record in self.records_of(export):
                for name in self.tap_added_properties:
                    _add(record, name, every[name])
                key = [record.get(name) for name in self.primary_keys]
                if None in key or seen.add(msgspec.json.encode(key).decode()):
                    yield record
        if failed:
            raise FatalAPIError(" ".join(failed))

    def records_of(self, export: Export) -> Iterator[Record]:
        """The records of the list."""
        section = _section_of(export.file, self.section)
        if section:
            yield from export.file.records(section)
        else:
            self.log(
                "The export of %s has no list %r",
                export.request.label,
                self.section,
                level=logging.WARNING,
            )

    def _name_cuts(self, export: Export) -> None:
        """Warn where Clari left rows out: a forecast cannot be asked for in parts."""
        if export.job.has_rows_cut:
            self.log(
                "Clari has cut the export of %s for being too large: rows are missing from this "
                "run. Set forecast_scope_id to a part of the hierarchy, or include_historical to "
                "false",
                export.request.label,
                level=logging.WARNING,
            )

    def _checked_period(self, export: Export) -> str | None:
        """The quarter that came.

        Raises:
            FatalAPIError: If it is not the one that was asked for. Of a quarter that it does not
                know, the API gives the current one instead, and says nothing.
        """
        key = export.request.key
        asked = key.body.get("timePeriod")
        found = self._periods(export)
        if asked and found and asked not in found:
            message = (
                f"Clari answers the export of the forecast {key.ids['forecastId']!r} for {asked} "
                f"with {', '.join(found)}: {asked} does not exist, or has no data. "
                "Correct time_periods, if it names it; nothing of this export was read."
            )
            self.run.exports.give_up(export.request, message)
        if asked and not found:
            self.log(
                "The export of %s does not say of which quarter it is",
                export.request.label,
                level=logging.WARNING,
            )
        return asked or next(iter(found), None)

    def _take_note(self, export: Export, period: str | None) -> None:
        """Remember which quarter was read, for the runs after its end."""
        quarters, key = self.run.exports.quarters, export.request.key
        forecast_id = key.ids["forecastId"]
        if period and "timePeriod" in key.body:
            quarters.read(forecast_id, period, export.started)
        elif period:
            rows = export.file.records("timePeriods") if export.file.has("timePeriods") else ()
            row = next((each for each in rows if each.get("timePeriodId") == period), {})
            bounds = row.get("startDate"), row.get("endDate")
            quarters.read_current(forecast_id, period, bounds, export.started)

    def _periods(self, export: Export) -> list[str]:
        """The quarters that the entries are of; where there is no entry, those that are listed."""
        for name in ("entries", "timePeriods"):
            section = _section_of(export.file, name)
            if section and (found := export.file.distinct_values(section, "timePeriodId")):
                return found
        return []


class _EntriesStream(RevenueStream):
    """Entries of forecasts: a record for each quarter, week, user and field.

    With `keep_forecast_snapshots` the time at which Clari was asked belongs to the key, since it
    restates past weeks: two answers about one quarter differ.
    """

    primary_keys: Sequence[str] = ENTRY_KEY

    told_at: str
    """The property that says when Clari was asked."""

    def __init__(self, tap: Tap, run: RevenueRun) -> None:
        if tap.config["keep_forecast_snapshots"]:
            self.primary_keys = (*ENTRY_KEY, self.told_at)
        super().__init__(tap, run)

    def apply_catalog(self, catalog: Catalog) -> None:
        """Take the selection from a catalog, but not the key: the setting says what it is."""
        if entry := catalog.get_stream(self.name):
            entry.key_properties = list(self.primary_keys)
        super().apply_catalog(catalog)


class ForecastEntriesStream(_EntriesStream, _ForecastExportStream):
    """The entries of a forecast's exports."""

    name = "forecast_entries"
    section = "entries"
    told_at = "exportedAt"
    tap_added_properties = ("forecastId", "exportedAt")

    def records_of(self, export: Export) -> Iterator[Record]:
        """The entries. Several of one key, each with another kind of value, become one record."""
        is_empty = True
        for entry in combine_by_key(super().records_of(export), ENTRY_KEY[1:]):
            is_empty = False
            yield entry
        if is_empty:
            self.log(
                "The export of %s has no entries",
                export.request.label,
                level=logging.WARNING,
            )


class ForecastLiveEntriesStream(_EntriesStream):
    """The entries of the latest week, as they are now (`/forecast/{forecastId}`).

    The endpoint gives the lists of an export at once and starts no job. It is in no document of the
    vendor. (Reference: public clients of this API.)
    """

    name = "forecast_live_entries"
    path = "/v4/forecast/{forecastId}"
    told_at = "fetchedAt"
    tap_added_properties = ("forecastId", "fetchedAt")
    selected_by_default = False

    def estimate(self) -> Estimate:
        """A request for each forecast and quarter."""
        return Estimate(len(self._wanted()))

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Ask for each forecast and quarter, several at once."""
        missing: list[str] = []
        failed: list[str] = []
        for (forecast_id, period), found in self.client.map_concurrently(self._wanted(), self._ask):
            if isinstance(found, RefusedError):
                missing.append(f"{forecast_id} (HTTP {found.status})")
                continue
            if isinstance(found, FatalAPIError):
                failed.append(str(found))
                continue
            entries, fetched_at = found
            periods = dict.fromkeys(str(each.get("timePeriodId")) for each in entries)
            if period and entries and period not in periods:
                message = (
                    f"Clari answers for the forecast {forecast_id!r} and {period} with "
                    f"{', '.join(periods)}: {period} does not exist, or has no data. Correct "
                    "time_periods."
                )
                failed.append(message)
                continue
            for entry in combine_by_key(entries, ENTRY_KEY[1:]):
                yield self.with_added(entry, forecastId=forecast_id, fetchedAt=fetched_at)
        if missing:
            self.warn_once(
                "Clari does not give the latest week of these forecasts, which it does not do for "
                f"every organization: {', '.join(dict.fromkeys(missing))}. Deselect the stream "
                f"{self.name}; forecast_entries has the same from export jobs."
            )
        if failed:
            raise FatalAPIError(" ".join(dict.fromkeys(failed)))

    def _wanted(self) -> list[tuple[str, str | None]]:
        periods = sorted(set(self.config["time_periods"]), reverse=True) or [None]
        return [(each, period) for each in self.run.wanted_forecasts() for period in periods]

    def _ask(self, wanted: tuple[str, str | None]) -> tuple[list[Record], str] | FatalAPIError:
        """The entries, and when they were asked for; or why there are none, which is one's own."""
        forecast_id, period = wanted
        options = {"timePeriod": period, "scopeId": self.config.get("forecast_scope_id")}
        fetched_at = format_time(datetime.now(timezone.utc))
        try:
            entries = self.client.fetch(
                self.path,
                lambda answer: decode_list(answer, "entries", *LISTS),
                {name: value for name, value in options.items() if value},
                ids={"forecastId": forecast_id},
            )
        except UnauthorizedError:
            raise
        except RefusedError as error:
            if error.status in NO_SUCH_ENDPOINT:
                return error
            sentence = _explained(forecast_id, error.reason or str(error.status))
            return FatalAPIError(sentence or str(error))
        except PersistentServerError as error:
            return error
        return entries, fetched_at


class ForecastUsersStream(_ForecastExportStream):
    """The users of a forecast, with their place in the hierarchy."""

    name = "forecast_users"
    section = "users"
    primary_keys = ("forecastId", "userId")

    def records_of(self, export: Export) -> Iterator[Record]:
        """The users; a scope that is an object as JSON text, as it would not fit a text."""
        for user in super().records_of(export):
            if isinstance(user.get("scopeId"), dict):
                user["scopeId"] = msgspec.json.encode(user["scopeId"]).decode()
            yield user


class ForecastFieldsStream(_ForecastExportStream):
    """The fields of a forecast."""

    name = "forecast_fields"
    section = "fields"
    primary_keys = ("forecastId", "fieldId")


class ForecastTimePeriodsStream(_ForecastExportStream):
    """The quarters of a forecast."""

    name = "forecast_time_periods"
    section = "timePeriods"
    primary_keys = ("forecastId", "timePeriodId")


class ForecastTimeFramesStream(_ForecastExportStream):
    """The weeks of a quarter; their ids come again in other quarters."""

    name = "forecast_time_frames"
    section = "timeFrames"
    primary_keys = ("forecastId", "timePeriodId", "timeFrameId")
    tap_added_properties = ("forecastId", "timePeriodId")


def _add(record: Record, name: str, value: str | None) -> None:
    """Add a value that the tap knows, and keep the one that the API itself has by that name."""
    sent = record.get(name)
    if sent is None or sent == value:
        record[name] = value
    elif name != "timePeriodId":
        record[f"{name} (as sent)"] = sent
        record[name] = value


def _section_of(file: ExportResult, name: str) -> str | None:
    """Where one of the five lists stands in an export, `None` if it is not there.

    An export can also come as rows alone; these are its entries.

    Raises:
        UnexpectedResponseError: If it is neither.
    """
    if name == "entries":
        return file.find_list(name, *LISTS)
    if file.has(name):
        return file.find_list(name)
    file.find_list("entries", *LISTS)
    return None


def _is_of(forecast_id: str, period: str | None, job: Job) -> bool:
    """Whether a job is the export of a forecast and a quarter.

    It shows neither, but its file is named after them: `clari_export_net_arr_2026_Q3101_…`, with
    the number of the account behind the quarter. (Reference: the vendor's document, `fileName`.)
    The name of a job for the current quarter may have it or not. Which one it is depends on the
    organization's year, so that any will do that can be the current one.
    """
    quarter = rf"_{period}\d*" if period else r"(?:_(\d{4})_Q([1-4]))?\d*"
    name = rf"clari_export_{re.escape(forecast_id)}{quarter}_\d{{8}}_\d{{6}}\.json"
    found = re.fullmatch(name, str(job.file_name))
    if not found or str(job.module).upper() != "FORECAST":
        return False
    return period is not None or not found[1] or _may_be_current(int(found[1]), int(found[2]))


def _may_be_current(year: int, quarter: int) -> bool:
    """Whether a fiscal quarter can be the current one of an organization.

    Its year may begin up to a year before that of the calendar, after which it is called, or a
    month after it.
    """
    now = datetime.now(timezone.utc)
    ahead = 4 * (year - now.year) + quarter - (now.month + 2) // 3
    return -1 <= ahead <= 4  # noqa: PLR2004 - the quarters of a year


def _explained(forecast_id: str, code: str) -> str | None:
    """The sentence for the refusal of a forecast's export; `None` for an unknown code."""
    forecast = repr(forecast_id)
    return {
        NO_OPT_IN: (
            f"The user of api_key may not see the forecast {forecast} (no_optin): have this user "
            "opted in for it in Clari, best at the top of the hierarchy, or set "
            "forecast_scope_id to a scope that the user is opted in for."
        ),
        "no_such_forecast_config": (
            f"Clari has no forecast {forecast} (no_such_forecast_config): correct forecast_ids. "
            "The id of a forecast stands in the address of its Forecast Tab."
        ),
        "type_not_supported": (
            f"Clari does not export one of the forecast_types for the forecast {forecast} "
            "(type_not_supported): leave crm_total and crm_closed out."
        ),
        "bad_request": (
            f"Clari does not accept the export of the forecast {forecast} (bad_request): check "
            "currency, forecast_types and forecast_scope_id."
        ),
        "404": (
            f"Clari has no export for the forecast {forecast} (HTTP 404): check forecast_ids, and "
            "api_url if it is set."
        ),
    }.get(code)
