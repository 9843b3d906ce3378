"""The settings of the tap, and what a schema cannot say of them."""

from __future__ import annotations

import re
import typing as t
from collections import Counter

from singer_sdk import typing as th

from tap_gladly.address import api_url
from tap_gladly.kit import settings as kit
from tap_gladly.kit.errors import shown
from tap_gladly.reports.config import reports_of
from tap_gladly.reports.metric_sets import DEFAULT_REPORTS

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_gladly.reports.config import Report

EVENT_ENTITIES = (
    "AGENT_AVAILABILITY",
    "AGENT_STATUS",
    "CONTACT",
    "CONVERSATION",
    "CUSTOMER",
    "CUSTOMER_PROFILE",
    "PAYMENT_REQUEST",
    "TASK",
)
"""Every entity that has events (the vendor's document, `entities`)."""

AGGREGATION_LEVELS = ("halfHourly", "daily", "weekly", "monthly", "quarterly")
"""Every grain of a report (the vendor's document, `aggregationLevel`)."""

_METRIC_SET = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_PHONE_NUMBER = re.compile(r"\+[1-9][0-9]{1,14}")
_LANGUAGE = re.compile(r"[A-Za-z0-9-]+")

REPORT = {
    "type": ["string", "object"],
    "properties": {
        "metric_set": {"type": "string"},
        "name": {"type": "string"},
        "aggregation_level": {"type": "string", "enum": list(AGGREGATION_LEVELS)},
        "filters": {"type": "object"},
        "timezone": {"type": "string"},
    },
    "required": ["metric_set"],
    "additionalProperties": False,
}
"""An entry of `reports`: the name of a metric set, or an object that says more."""

SETTINGS = kit.declared(
    organization=kit.text(
        "The organization's name in the address of Gladly: acme of acme.gladly.com, or with its "
        "region acme.us-1. The whole address will do too."
    ),
    environment=kit.Setting(
        th.StringType(allowed_values=["production", "sandbox"]),
        "production is at gladly.com, sandbox at gladly.qa; a token opens one of them.",
        default="production",
    ),
    api_url=kit.text(
        "Address of the API, in place of organization and environment, where it is at neither of "
        "the two. The credentials are sent to this origin only."
    ),
    username=kit.text(
        "E-mail of the agent who owns the token and has the permission API User (in Gladly: "
        "Settings > Users)."
    ),
    api_token=kit.text("API token. In Gladly: Settings > API tokens.", secret=True),
    start_date=kit.start_date(
        "Read from this time on (ISO 8601). Without it, reports begin 365 days ago, and what is "
        "read by id (conversations, customers, tasks) is what changed in the last 30 days. Gladly "
        "has export files of 14 days and events of 24 hours, whatever is set here."
    ),
    end_date=kit.end_date(
        "Read what is before this time only (ISO 8601; itself not read): rows of reports by their "
        "time, export jobs by the end of their window, events, and of what is read by id what "
        "changed from start_date to it. For a backfill in pieces, each with a state of its own."
    ),
    event_entities=kit.choices(EVENT_ENTITIES, "What events are read of."),
    reports=kit.Setting(
        th.ArrayType(th.CustomType(REPORT)),
        "Reports to read, each a stream: the name of a metric set, or an object with metric_set, "
        "and with aggregation_level, filters, timezone (of its days; default: UTC) and name (of "
        "the stream) as needed.",
        default=list(DEFAULT_REPORTS),
    ),
    report_lookback_days=kit.days(
        30,
        "Days before the bookmark from which reports are read again whose rows change. Never "
        "reaches before start_date, or the month of it where months are read whole.",
    ),
    customer_emails=kit.texts(
        "E-mail addresses of customers whose profile is read in every run, besides those that "
        "changed: one request each."
    ),
    customer_phone_numbers=kit.texts("As customer_emails, by phone number, such as +16505551987."),
    customer_external_ids=kit.texts(
        "As customer_emails, by the id in your own system; Gladly looks for those of Lookup "
        "Adaptors installed before 12 May 2021 only."
    ),
    answer_languages=kit.texts(
        "Languages in which public answers are read, such as es-419: for each, one request and one "
        "for each audience.",
        ["en-us"],
    ),
    reference_data_interval_hours=kit.reference_data_interval_hours(
        "organization, agents, teams, inboxes, topics, audiences, business_hours, webhooks, "
        "export_schedules, answers, answer_contents"
    ),
    requests_per_second=kit.requests_per_second(
        "The most requests that leave in any second, over all streams. Gladly allows 10 to an "
        "organization, all its clients together. Reports keep to 10 a minute besides."
    ),
    max_concurrent_requests=kit.max_concurrent_requests(
        "The most requests under way at once; of reports it is 2. There are fewer as long as these "
        "keep up the rate."
    ),
    request_timeout_seconds=kit.seconds(
        300,
        "Seconds to wait for an answer before the request is tried again. A report takes its time.",
    ),
    user_agent=kit.user_agent("tap-gladly"),
)

SUFFICIENT = {name: ["username", "api_token"] for name in ("organization", "api_url")}
"""The settings of which one suffices, each with those that it needs besides."""


def setting_errors(config: Mapping[str, t.Any]) -> Iterator[str]:
    """A sentence for each setting that has the right type and cannot work."""
    yield from kit.start_date_errors(config.get("start_date"), ": write the day that data begins.")
    yield from kit.end_date_errors(config)
    yield from _address_errors(config)
    yield from _credential_errors(config)
    yield from _report_errors(config["reports"])
    yield from kit.empty_errors(config, "event_entities")
    for name in ("customer_emails", "customer_external_ids"):
        if not all(map(str.strip, config[name])):
            yield f"The setting {name} holds an empty text: leave it out."
    if not all(map(_PHONE_NUMBER.fullmatch, config["customer_phone_numbers"])):
        yield (
            "The setting customer_phone_numbers holds a text that is no phone number with its "
            "country: write each as +16505551987."
        )
    languages = config["answer_languages"]
    yield from kit.form_errors("answer_languages", languages, _LANGUAGE, "language", "en-us")


def _address_errors(config: Mapping[str, t.Any]) -> Iterator[str]:
    if address := config.get("api_url"):
        yield from kit.url_errors("api_url", address, "https://acme.gladly.com")
    elif config.get("organization"):
        try:
            api_url(config)
        except ValueError:
            yield (
                "The setting organization must be the organization's name, such as acme, or "
                "acme.us-1 with its region, or its address at gladly.com or gladly.qa: the "
                "credentials are sent there only. For another host, set api_url."
            )


def _credential_errors(config: Mapping[str, t.Any]) -> Iterator[str]:
    names = ("username", "api_token", "user_agent")
    yield from kit.header_errors(config, names, not_ascii="username")
    if ":" in config.get("username", ""):
        yield "The setting username holds a colon: it is the agent's e-mail, and nothing besides."


def _report_errors(entries: list[t.Any]) -> Iterator[str]:
    reports = reports_of(entries)
    names = (report.metric_set for report in reports)
    yield from kit.form_errors(
        "reports", names, _METRIC_SET, "metric set", "ConversationExportReport"
    )
    for report in reports:
        yield from _zone_errors(report)
    for name, count in Counter(report.name for report in reports).items():
        if count > 1 or name == "report_work_session_events":
            yield (
                f"The setting reports holds more than one report for the stream {name}: give each "
                "a name of its own (name)."
            )


def _zone_errors(report: Report) -> Iterator[str]:
    try:
        _ = report.zone
    except ValueError:
        yield (
            f"The setting reports holds the timezone {shown(report.timezone)}, which is not known "
            "on this machine: write it as America/New_York, or install tzdata."
        )
