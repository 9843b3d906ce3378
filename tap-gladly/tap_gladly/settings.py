"""The settings of the tap, and what a schema cannot say of them."""

from __future__ import annotations

import re
import typing as t
from collections import Counter

from singer_sdk import typing as th

from tap_gladly.address import api_url
from tap_gladly.kit.settings import header_errors, start_date_errors, url_errors
from tap_gladly.reports.config import reports_of
from tap_gladly.reports.metric_sets import DEFAULT_REPORTS

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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

SETTINGS = th.PropertiesList(
    th.Property(
        "organization",
        th.StringType,
        title="Organization",
        description="The organization's name in the address of Gladly: acme of acme.gladly.com, "
        "or with its region acme.us-1. The whole address will do too.",
    ),
    th.Property(
        "environment",
        th.StringType(allowed_values=["production", "sandbox"]),
        default="production",
        title="Environment",
        description="production is at gladly.com, sandbox at gladly.qa; a token opens one of them.",
    ),
    th.Property(
        "api_url",
        th.StringType,
        title="API URL",
        description="Address of the API, in place of organization and environment, where it is "
        "at neither of the two. The credentials are sent to this origin only.",
    ),
    th.Property(
        "username",
        th.StringType,
        title="Username",
        description="E-mail of the agent who owns the token and has the permission API User "
        "(in Gladly: Settings > Users).",
    ),
    th.Property(
        "api_token",
        th.StringType,
        secret=True,
        title="API Token",
        description="API token. In Gladly: Settings > API tokens.",
    ),
    th.Property(
        "start_date",
        th.DateTimeType,
        title="Start Date",
        description="Read from this time on (ISO 8601). Without it, reports begin 365 days ago, "
        "and what is read by id (conversations, customers, tasks) is what changed in the last 30 "
        "days. Gladly has export files of 14 days and events of 24 hours, whatever is set here.",
    ),
    th.Property(
        "event_entities",
        th.ArrayType(th.StringType(allowed_values=list(EVENT_ENTITIES))),
        default=list(EVENT_ENTITIES),
        title="Event Entities",
        description="What events are read of.",
    ),
    th.Property(
        "reports",
        th.ArrayType(th.CustomType(REPORT)),
        default=list(DEFAULT_REPORTS),
        title="Reports",
        description="Reports to read, each a stream: the name of a metric set, or an object with "
        "metric_set, and with aggregation_level, filters, timezone (of its days; default: UTC) "
        "and name (of the stream) as needed.",
    ),
    th.Property(
        "report_lookback_days",
        th.IntegerType(minimum=0, maximum=10_000),
        default=30,
        title="Report Look-back Days",
        description="Days before the bookmark from which reports are read again whose rows "
        "change. Never reaches before start_date, or the month of it where months are read whole.",
    ),
    th.Property(
        "customer_emails",
        th.ArrayType(th.StringType),
        default=[],
        title="Customer Emails",
        description="E-mail addresses of customers whose profile is read in every run, besides "
        "those that changed: one request each.",
    ),
    th.Property(
        "customer_phone_numbers",
        th.ArrayType(th.StringType),
        default=[],
        title="Customer Phone Numbers",
        description="As customer_emails, by phone number, such as +16505551987.",
    ),
    th.Property(
        "customer_external_ids",
        th.ArrayType(th.StringType),
        default=[],
        title="Customer External IDs",
        description="As customer_emails, by the id in your own system; Gladly looks for those of "
        "Lookup Adaptors installed before 12 May 2021 only.",
    ),
    th.Property(
        "answer_languages",
        th.ArrayType(th.StringType),
        default=["en-us"],
        title="Answer Languages",
        description="Languages in which public answers are read, such as es-419: for each, one "
        "request and one for each audience.",
    ),
    th.Property(
        "requests_per_second",
        th.NumberType(exclusive_minimum=0),
        default=10,
        title="Requests per Second",
        description="The most requests that leave in any second, over all streams. Gladly allows "
        "10 to an organization, all its clients together. Reports keep to 10 a minute besides.",
    ),
    th.Property(
        "max_concurrent_requests",
        th.IntegerType(minimum=1, maximum=100),
        default=8,
        title="Max Concurrent Requests",
        description="The most requests under way at once; of reports it is 2.",
    ),
    th.Property(
        "request_timeout_seconds",
        th.NumberType(exclusive_minimum=0, maximum=3600),
        default=300,
        title="Request Timeout Seconds",
        description="Seconds to wait for an answer before the request is tried again. A report "
        "takes its time.",
    ),
    th.Property(
        "user_agent",
        th.StringType,
        title="User Agent",
        description="The User-Agent header. Default: tap-gladly and its version.",
    ),
)


def setting_errors(config: Mapping[str, t.Any]) -> Iterator[str]:
    """A sentence for each setting that has the right type and cannot work."""
    yield from start_date_errors(config.get("start_date"), ": write the day that data begins.")
    yield from _address_errors(config)
    yield from _credential_errors(config)
    yield from _report_errors(config["reports"])
    if not config["event_entities"]:
        yield "The setting event_entities is empty: leave it out to read all of them."
    for name in ("customer_emails", "customer_external_ids"):
        if not all(map(str.strip, config[name])):
            yield f"The setting {name} holds an empty text: leave it out."
    if not all(map(_PHONE_NUMBER.fullmatch, config["customer_phone_numbers"])):
        yield (
            "The setting customer_phone_numbers holds a text that is no phone number with its "
            "country: write each as +16505551987."
        )
    for language in config["answer_languages"]:
        if not _LANGUAGE.fullmatch(language):
            yield (
                f"The setting answer_languages holds {language!r}, which is no language: write it "
                "as en-us."
            )


def _address_errors(config: Mapping[str, t.Any]) -> Iterator[str]:
    if address := config.get("api_url"):
        yield from url_errors("api_url", address, "https://acme.gladly.com")
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
    yield from header_errors(config, names, not_ascii="username")
    if ":" in config.get("username", ""):
        yield "The setting username holds a colon: it is the agent's e-mail, and nothing besides."


def _report_errors(entries: list[t.Any]) -> Iterator[str]:
    reports = reports_of(entries)
    for report in reports:
        if not _METRIC_SET.fullmatch(report.metric_set):
            yield (
                f"The setting reports holds {report.metric_set!r}, which is no metric set: write "
                "it as ConversationExportReport."
            )
        try:
            _ = report.zone
        except ValueError:
            yield (
                f"The setting reports holds the timezone {report.timezone!r}, which is not known "
                "on this machine: write it as America/New_York, or install tzdata."
            )
    for name, count in Counter(report.name for report in reports).items():
        if count > 1 or name == "report_work_session_events":
            yield (
                f"The setting reports holds more than one report for the stream {name}: give each "
                "a name of its own (name)."
            )
