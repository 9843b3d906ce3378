"""The settings of the tap, and what a schema cannot say of them."""

from __future__ import annotations

import re
import typing as t
from collections import Counter
from urllib.parse import urlsplit

from singer_sdk import typing as th
from singer_sdk.exceptions import ConfigValidationError

from tap_gladly.address import api_url
from tap_gladly.reports.config import reports_of
from tap_gladly.reports.metric_sets import DEFAULT_REPORTS
from tap_gladly.times import parse_time

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

LOOPBACK = ("localhost", "127.0.0.1", "::1")

_METRIC_SET = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_SPACE = re.compile(r"\s")
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


def check_secrets(config: Mapping[str, t.Any], schema: Mapping[str, t.Any]) -> None:
    """Refuse a secret of the wrong type without showing it, as the SDK's own message would.

    Raises:
        ConfigValidationError: Naming the settings.
    """
    errors = [
        f"The setting {name} must be a text (its value is a secret and not shown)."
        for name, value in config.items()
        if schema["properties"].get(name, {}).get("secret") and not isinstance(value, str | None)
    ]
    _refuse(errors, schema)


def with_numbers(config: Mapping[str, t.Any], schema: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The settings, with numbers where they come as text: from the environment, all do."""
    return {
        name: _number(value)
        if "number" in schema["properties"].get(name, {}).get("type", ())
        else value
        for name, value in config.items()
    }


def _number(value: object) -> object:
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def check_meaning(config: Mapping[str, t.Any], schema: Mapping[str, t.Any]) -> None:
    """Refuse what has the right type and cannot work.

    Raises:
        ConfigValidationError: With a sentence for each setting.
    """
    _refuse(list(_meaning_errors(config)), schema)


def _refuse(errors: list[str], schema: Mapping[str, t.Any]) -> None:
    if errors:
        message = "Config validation failed"
        raise ConfigValidationError(message, errors=errors, schema=dict(schema))


def _meaning_errors(config: Mapping[str, t.Any]) -> Iterator[str]:
    yield from _start_date_errors(config.get("start_date"))
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


def _start_date_errors(start_date: str | None) -> Iterator[str]:
    if not start_date:
        return
    try:
        is_past_1970 = parse_time(start_date).year > 1970  # noqa: PLR2004
    except ValueError:
        yield (
            f"The setting start_date is no ISO 8601 time: {start_date!r}. Write it as "
            "2026-01-01 or 2026-01-01T00:00:00Z."
        )
    else:
        if not is_past_1970:
            yield "The setting start_date lies before 1971: write the day that data begins."


def _address_errors(config: Mapping[str, t.Any]) -> Iterator[str]:
    if address := config.get("api_url"):
        yield from _url_errors(address)
    elif config.get("organization"):
        try:
            api_url(config)
        except ValueError:
            yield (
                "The setting organization must be the organization's name, such as acme, or "
                "acme.us-1 with its region, or its address at gladly.com or gladly.qa: the "
                "credentials are sent there only. For another host, set api_url."
            )


def _url_errors(address: str) -> Iterator[str]:
    try:
        url = urlsplit(address)
        is_address = url.scheme in {"http", "https"} and url.hostname and url.port != 0
    except ValueError:
        is_address = False
    if (
        not is_address
        or _SPACE.search(address)
        or url.username
        or url.password
        or url.query
        or url.fragment
    ):
        yield (
            "The setting api_url must be an address such as https://acme.gladly.com, with no "
            "user, password or query in it."
        )
    elif url.scheme == "http" and url.hostname not in LOOPBACK:
        yield (
            "The setting api_url must begin with https://, since credentials are sent to it; "
            "http:// is for this machine only."
        )


def _credential_errors(config: Mapping[str, t.Any]) -> Iterator[str]:
    for name in ("username", "api_token", "user_agent"):
        value = config.get(name, "")
        if not (value.isprintable() and (value.isascii() or name == "username")):
            yield (
                f"The setting {name} holds a character that cannot be sent in a header, perhaps "
                "a line break at its end (its value is not shown)."
            )
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
