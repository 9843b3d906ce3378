"""The settings of the tap, and what a schema cannot say of them."""

from __future__ import annotations

import re
import typing as t

from singer_sdk import typing as th

from tap_clari.kit import settings as kit

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CALL_STATUSES = (
    "SCHEDULED",
    "INITIATED",
    "INPROGRESS",
    "WAITING_IN_QUEUE",
    "PROCESSING",
    "PROCESSED",
    "ERROR_IN_TRANSCRIBE",
    "ERROR_IN_PROCESSING",
    "ERROR_IN_RECORDING",
    "UNABLE_TO_JOIN",
    "CALL_DID_NOT_HAPPEN",
    "IGNORED_BY_USER",
    "BOTJOIN_DISABLED",
    "POST_PROCESSING_DONE",
    "NO_DATA_INCALL",
    "NOBODY_JOINED_CALL",
    "BOTJOIN_DENIED",
)
"""Every status of a call (the vendor's document, `CallStatus`)."""

FORECAST_TYPES = (
    "forecast",
    "quota",
    "forecast_updated",
    "adjustment",
    "crm_total",
    "crm_closed",
)
"""Every kind of value of a forecast (the vendor's document, `typesToExport`)."""

ACTIVITY_TYPES = (
    "MEETING",
    "EMAIL_SENT",
    "EMAIL_RECEIVED",
    "ATTACHMENT_SENT",
    "ATTACHMENT_RECEIVED",
)
"""Every kind of activity (the vendor's document, `activityTypes`)."""

SECRETS = ("api_key", "partner_key", "copilot_api_key", "copilot_api_password")

_VERSION = re.compile(r"/v\d+/?$")
_QUARTER = re.compile(r"\d{4}_Q[1-4]")

REVENUE_URL = "https://api.clari.com"
COPILOT_URL = "https://rest-api.copilot.clari.com"

SETTINGS = kit.declared(
    api_key=kit.text(
        "Token of the Clari Revenue API (sent as apikey). In Clari: Settings > API Token. It ends "
        "when its user is deactivated.",
        secret=True,
    ),
    partner_key=kit.text(
        "Partner key of the Clari Revenue API (sent as partnerkey), which only ingest_job_ids "
        "need.",
        secret=True,
    ),
    api_url=kit.text(
        "Address of the Clari Revenue API, without a version. The credentials are sent to this "
        "origin only.",
        default=REVENUE_URL,
    ),
    forecast_ids=kit.texts(
        "Forecasts to export, by the id in the address of their Forecast Tab; an empty list: all "
        "that the API lists. Each costs an export job for each period.",
        min_length=1,
    ),
    time_periods=kit.texts(
        "Fiscal quarters to export, such as 2026_Q3; an empty list: the current one."
    ),
    reread_closed_periods=kit.Setting(
        th.BooleanType,
        "With time_periods empty, export a quarter once more when it has been over for 3 days, "
        "since its values still change until then: one job for each forecast and quarter. After "
        "an outage of some quarters, each of them is exported.",
        default=True,
    ),
    forecast_types=kit.choices(
        FORECAST_TYPES,
        "Kinds of value to export of a forecast. Where Clari does not export crm_total and "
        "crm_closed, they are left out with a warning.",
    ),
    forecast_scope_id=kit.text(
        "The part of the hierarchy to export, such as 1905::MGR. Without it, all that the token's "
        "user sees."
    ),
    currency=kit.text("Currency of the forecast's amounts, such as USD. Without it, Clari's own."),
    include_historical=kit.Setting(
        th.BooleanType,
        "Export every week of a quarter; otherwise only the current one.",
        default=True,
    ),
    keep_forecast_snapshots=kit.Setting(
        th.BooleanType,
        "Add exportedAt to the key of forecast_entries, and fetchedAt to that of "
        "forecast_live_entries, so that each run adds what the forecast said then. Otherwise a run "
        "replaces what the one before it wrote.",
        default=False,
    ),
    activity_types=kit.choices(ACTIVITY_TYPES, "Kinds of activity to export."),
    activity_lookback_days=kit.days(
        7,
        "Days before the bookmark from which activities are read again, since mail is indexed "
        "late. Never reaches before start_date.",
    ),
    opportunity_ids=kit.texts(
        "Opportunities to read, by their CRM id, besides those that the activities of the run "
        "belong to. Thousands will do: one request for each hundred.",
        min_length=1,
    ),
    opportunities_of_calls=kit.Setting(
        th.BooleanType,
        "Read the opportunities too that are the deals of the calls which the stream calls lists "
        "in the run: one request for each hundred. Needs the credentials of both APIs.",
        default=False,
    ),
    opportunity_mode=kit.text(
        "The mode in which opportunities are read (the API's mode), by its id in Clari. Without "
        "it, OPPORTUNITY_MODE_ID."
    ),
    ingest_job_ids=kit.texts("Ingest jobs to read the status of. Needs partner_key.", min_length=1),
    job_poll_interval_seconds=kit.seconds(
        5, "Seconds between two looks at an export job.", maximum=600
    ),
    job_timeout_seconds=kit.seconds(
        1800, "Seconds to wait for an export job to end, or for a free slot.", maximum=86_400
    ),
    copilot_api_key=kit.text(
        "API key of Clari Copilot (sent as X-Api-Key). In Copilot: Workspace settings > "
        "Integrations > Clari Copilot API.",
        secret=True,
    ),
    copilot_api_password=kit.text(
        "API password of Clari Copilot (sent as X-Api-Password). It is shown beside the key.",
        secret=True,
    ),
    copilot_api_url=kit.text(
        "Address of the Clari Copilot API. The credentials are sent to this origin only.",
        default=COPILOT_URL,
    ),
    start_date=kit.start_date(
        "Read from this time on (ISO 8601): calls by their modified time, activities and audit "
        "events by their own. Without it, all calls, and 365 days of the others."
    ),
    end_date=kit.end_date(
        "Read what is before this time only (ISO 8601; itself not read): calls, activities, audit "
        "events, and scorecards by the time that Copilot filters them by. Forecasts are read for "
        "the quarters of time_periods, and without these not at all once it has passed. For a "
        "backfill in pieces, each with a state of its own."
    ),
    lookback_days=kit.days(
        0,
        "Days before the bookmark from which calls and audit events are read again, for edits that "
        "do not move a call's modified time. Never reaches before start_date. Details, and what "
        "calls refer to, are asked for where the list of calls has changed.",
    ),
    call_detail_statuses=kit.choices(
        CALL_STATUSES,
        "Statuses of the calls whose details are read, one request a call; an empty list: every "
        "status.",
        ["PROCESSED", "POST_PROCESSING_DONE"],
    ),
    include_private_calls=kit.Setting(th.BooleanType, "Read private calls too.", default=False),
    include_media_urls=kit.Setting(
        th.BooleanType,
        "Fill audio_url and video_url with signed URLs. They are secrets, valid for four hours, "
        "that open the recording to anyone.",
        default=False,
    ),
    reference_data_interval_hours=kit.reference_data_interval_hours(
        "users, topics, keyword_topics, scorecard_templates, forecasts"
    ),
    requests_per_second=kit.requests_per_second(
        "The most requests to each API that leave in any second, over all streams. Copilot allows "
        "10 to a key."
    ),
    max_concurrent_requests=kit.max_concurrent_requests(
        "The most requests under way at once. There are fewer as long as these keep up the rate."
    ),
    request_timeout_seconds=kit.seconds(
        60, "Seconds to wait for an answer before the request is tried again."
    ),
    user_agent=kit.user_agent("tap-clari"),
)

SUFFICIENT = {
    "api_key": [],
    "copilot_api_key": ["copilot_api_password"],
    "copilot_api_password": ["copilot_api_key"],
}
"""The settings of which one suffices, each with those that it needs besides."""


def setting_errors(config: Mapping[str, t.Any]) -> Iterator[str]:
    """A sentence for each setting that has the right type and cannot work."""
    yield from kit.start_date_errors(config.get("start_date"), ". Leave it out to read all calls.")
    yield from kit.end_date_errors(config)
    yield from _revenue_url_errors(config)
    yield from kit.url_errors("copilot_api_url", config["copilot_api_url"], COPILOT_URL)
    yield from kit.header_errors(config, (*SECRETS, "user_agent"))
    for name in ("forecast_ids", "ingest_job_ids"):
        if {".", ".."} & set(config[name]):
            yield f"The setting {name} holds dots where an id belongs: correct or remove them."
    periods = config["time_periods"]
    yield from kit.form_errors("time_periods", periods, _QUARTER, "fiscal quarter", "2026_Q3")
    yield from kit.empty_errors(config, "forecast_types", "activity_types")


def _revenue_url_errors(config: Mapping[str, t.Any]) -> Iterator[str]:
    errors = list(kit.url_errors("api_url", config["api_url"], REVENUE_URL))
    if not errors and _VERSION.search(config["api_url"]):
        yield f"The setting api_url must not end with a version: write it as {REVENUE_URL}."
    yield from errors
