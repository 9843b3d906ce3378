"""The settings of the tap, and what a schema cannot say of them."""

from __future__ import annotations

import typing as t
from urllib.parse import urlsplit

from singer_sdk import typing as th
from singer_sdk.exceptions import ConfigValidationError

from tap_clari.times import parse_time

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

LOOPBACK = ("localhost", "127.0.0.1", "::1")

SETTINGS = th.PropertiesList(
    th.Property(
        "copilot_api_key",
        th.StringType,
        secret=True,
        title="Copilot API Key",
        description="API key of Clari Copilot (sent as X-Api-Key). In Copilot: Workspace "
        "settings > Integrations > Clari Copilot API.",
    ),
    th.Property(
        "copilot_api_password",
        th.StringType,
        secret=True,
        title="Copilot API Password",
        description="API password of Clari Copilot (sent as X-Api-Password). It is shown beside "
        "the key.",
    ),
    th.Property(
        "copilot_api_url",
        th.StringType,
        default="https://rest-api.copilot.clari.com",
        title="Copilot API URL",
        description="Address of the Clari Copilot API. The credentials are sent to this origin "
        "only.",
    ),
    th.Property(
        "start_date",
        th.DateTimeType,
        title="Start Date",
        description="Read calls modified from this time on (ISO 8601). Without it, all calls.",
    ),
    th.Property(
        "lookback_days",
        th.IntegerType(minimum=0, maximum=10_000),
        default=0,
        title="Look-back Days",
        description="Days before the bookmark from which a run reads again, for edits that do "
        "not move a call's modified time. Never reaches before start_date.",
    ),
    th.Property(
        "call_detail_statuses",
        th.ArrayType(th.StringType(allowed_values=list(CALL_STATUSES))),
        default=["PROCESSED", "POST_PROCESSING_DONE"],
        title="Call Detail Statuses",
        description="Statuses of the calls whose details are read, one request a call; an empty "
        "list: every status.",
    ),
    th.Property(
        "include_private_calls",
        th.BooleanType,
        default=False,
        title="Include Private Calls",
        description="Read private calls too.",
    ),
    th.Property(
        "include_media_urls",
        th.BooleanType,
        default=False,
        title="Include Media URLs",
        description="Fill audio_url and video_url with signed URLs. They are secrets, valid for "
        "four hours, that open the recording to anyone.",
    ),
    th.Property(
        "requests_per_second",
        th.NumberType(exclusive_minimum=0),
        default=10,
        title="Requests per Second",
        description="The most requests that leave in any second, over all streams. The API "
        "allows 10 to a key.",
    ),
    th.Property(
        "max_concurrent_requests",
        th.IntegerType(minimum=1, maximum=100),
        default=8,
        title="Max Concurrent Requests",
        description="The most requests under way at once.",
    ),
    th.Property(
        "request_timeout_seconds",
        th.NumberType(exclusive_minimum=0, maximum=3600),
        default=60,
        title="Request Timeout Seconds",
        description="Seconds to wait for an answer before the request is tried again.",
    ),
    th.Property(
        "user_agent",
        th.StringType,
        title="User Agent",
        description="The User-Agent header. Default: tap-clari and its version.",
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
    yield from _url_errors(config["copilot_api_url"])
    for name in ("copilot_api_key", "copilot_api_password", "user_agent"):
        value = config.get(name, "")
        if not (value.isascii() and value.isprintable()):
            yield (
                f"The setting {name} holds a character that cannot be sent in a header, perhaps "
                "a line break at its end (its value is not shown)."
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
            yield "The setting start_date lies before 1971. Leave it out to read all calls."


def _url_errors(api_url: str) -> Iterator[str]:
    try:
        url = urlsplit(api_url)
        is_address = url.scheme in {"http", "https"} and url.hostname and url.port != 0
    except ValueError:
        is_address = False
    if not is_address or url.username or url.password or url.query or url.fragment:
        yield (
            "The setting copilot_api_url must be an address such as "
            "https://rest-api.copilot.clari.com, with no user, password or query in it."
        )
    elif url.scheme == "http" and url.hostname not in LOOPBACK:
        yield (
            "The setting copilot_api_url must begin with https://, since credentials are sent to "
            "it; http:// is for this machine only."
        )
