"""The records of each stream as the APIs have them, from the accounts behind the sandboxes."""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone

from tap_clari.kit.conformance import hash_of
from tap_clari.kit.times import format_time

from tests.clari.revenue_truth import changes
from tests.expected import JsonText
from tests.sandbox.revenue.audit import actors_of

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.meltano.conftest import ClariPipeline, Record
    from tests.sandbox.copilot import CopilotSandbox
    from tests.sandbox.revenue import Job, RevenueSandbox

KEYS: dict[str, tuple[str, ...]] = {
    "calls": ("id",),
    "call_details": ("id",),
    "users": ("id",),
    "topics": ("topic_id",),
    "keyword_topics": ("name",),
    "scorecards": ("id",),
    "scorecard_templates": ("id",),
    "accounts": ("id",),
    "contacts": ("id",),
    "deals": ("id",),
    "forecasts": ("forecastId",),
    "forecast_entries": ("forecastId", "timePeriodId", "timeFrameId", "userId", "fieldId"),
    "forecast_users": ("forecastId", "userId"),
    "forecast_fields": ("forecastId", "fieldId"),
    "forecast_time_periods": ("forecastId", "timePeriodId"),
    "forecast_time_frames": ("forecastId", "timePeriodId", "timeFrameId"),
    "activities": ("activityId",),
    "opportunities": ("id",),
    "opportunity_changes": ("changeId",),
    "export_jobs": ("jobId",),
    "ingest_jobs": ("jobId",),
    # These two have a key that the tap makes; here by what the API gives.
    "audit_events": ("correlationID",),
    "limits": ("availableMonthlyQuota",),
}
"""What tells the records of a stream apart."""

_SECTIONS = {
    "forecast_entries": "entries",
    "forecast_users": "users",
    "forecast_fields": "fields",
    "forecast_time_periods": "timePeriods",
    "forecast_time_frames": "timeFrames",
}


def truth(pipeline: ClariPipeline, stream: str) -> list[Record]:
    """The records of a stream as the API has them."""
    if stream == "limits":
        return pipeline.limits
    if stream in _SECTIONS:
        return list(_forecast(pipeline.revenue, stream))
    revenue = _REVENUE.get(stream)
    return revenue(pipeline.revenue) if revenue else _copilot(pipeline.copilot, stream)


def _copilot(copilot: CopilotSandbox, stream: str) -> list[Record]:
    account = copilot.account
    shown = account.call_ids(private=False)
    if stream == "calls":
        return [account.listed(call_id) for call_id in shown]
    if stream == "call_details":
        calls = [account.call(call_id) for call_id in shown]
        return [c for c in calls if c["status"] in {"PROCESSED", "POST_PROCESSING_DONE"}]
    if stream == "keyword_topics":
        return [{"name": name} for name in account.keyword_topics()]
    records: list[Record] = getattr(account, stream)()
    if stream in {"accounts", "contacts", "deals"}:
        linked = str([account.listed(call_id).get("crm_info") for call_id in shown])
        records = [record for record in records if repr(record["crm_id"]) in linked]
    return records


def _forecast(revenue: RevenueSandbox, stream: str) -> Iterator[Record]:
    """The rows of the newest job of each forecast, which replace those of older ones."""
    jobs = [job for job in revenue.exports.started if job.module == "FORECAST"]
    for job in {job.request["forecastId"]: job for job in jobs}.values():
        document = job.document()
        [period] = document["timePeriods"]
        added = {"forecastId": job.request["forecastId"]}
        if stream == "forecast_entries":
            added["exportedAt"] = _description(revenue, job)["endTime"]
        if stream == "forecast_time_frames":
            added["timePeriodId"] = period["timePeriodId"]
        for row in document[_SECTIONS[stream]]:
            if isinstance(row.get("scopeId"), dict):
                row["scopeId"] = JsonText(row["scopeId"])
            yield {**row, **added}


def _activities(revenue: RevenueSandbox) -> list[Record]:
    """All that the jobs brought; what an older one brought stays."""
    jobs = [job for job in revenue.exports.started if job.module == "ACTIVITY"]
    rows = [row for job in jobs for row in job.document()["activities"]]
    return [*{row["activityId"]: row for row in rows}.values()]


def _opportunities(revenue: RevenueSandbox) -> list[Record]:
    about = {
        opportunity["opportunityId"]
        for activity in _activities(revenue)
        for opportunity in activity["opportunities"]
    }
    # Those that are deleted in the CRM are still named.
    return [each for each in revenue.account.opportunities.values() if each["id"] in about]


def _opportunity_changes(revenue: RevenueSandbox) -> list[Record]:
    rows = changes(_opportunities(revenue))
    for row in rows:
        # What the key is said to be: a hash of opportunity, field, time, old and new value.
        when = format_time(datetime.fromtimestamp(row["date"] / 1000, timezone.utc))
        hashed = {name: value for name, value in row.items() if not name.endswith("Type")}
        row["changeId"] = hash_of({**hashed, "date": when})
    return rows


def _audit_events(revenue: RevenueSandbox) -> list[Record]:
    events = revenue.account.audit_events
    actors = {actor["actorId"]: actor for actor in actors_of(events)}
    return [
        {
            **event,
            "actor": actors.get(event["actorId"]),
            "impersonatingActor": actors.get(event.get("impersonatingActorId")),
        }
        for event in events
    ]


def _export_jobs(revenue: RevenueSandbox) -> list[Record]:
    return [_description(revenue, job) for job in revenue.exports.started]


def _description(revenue: RevenueSandbox, job: Job) -> Record:
    return revenue.exports.describe(job)


def _ingest_jobs(revenue: RevenueSandbox) -> list[Record]:
    jobs = [dict(job) for job in revenue.account.ingest_jobs.values()]
    for job in jobs:
        if isinstance(job["message"], list):
            job["validationErrors"] = job.pop("message")
    return jobs


_REVENUE = {
    "forecasts": lambda revenue: revenue.account.forecasts,
    "activities": _activities,
    "opportunities": _opportunities,
    "opportunity_changes": _opportunity_changes,
    "audit_events": _audit_events,
    "export_jobs": _export_jobs,
    "ingest_jobs": _ingest_jobs,
}
