"""Checks of settings that a JSON schema cannot express. Each refusal is a sentence."""

from __future__ import annotations

import re
import typing as t
from urllib.parse import urlsplit

from singer_sdk.exceptions import ConfigValidationError

from .times import parse_time

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""The hosts to which credentials may be sent without TLS: this machine."""

_SPACE = re.compile(r"\s")


def secret_errors(config: Mapping[str, t.Any], schema: Mapping[str, t.Any]) -> Iterator[str]:
    """Refuse a secret of the wrong type without showing it, as the SDK's own message would."""
    for name, value in config.items():
        if schema["properties"].get(name, {}).get("secret") and not isinstance(value, str):
            yield f"The setting {name} must be a text (its value is a secret and not shown)."


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


def refuse(errors: Iterable[str], schema: Mapping[str, t.Any]) -> None:
    """Refuse the settings if there are errors.

    Raises:
        ConfigValidationError: With a sentence for each error.
    """
    if found := list(errors):
        message = "Config validation failed"
        raise ConfigValidationError(message, errors=found, schema=dict(schema))


def start_date_errors(start_date: str | None, advice: str) -> Iterator[str]:
    """Refuse a `start_date` that is no time, or lies before 1971; `advice` says what to do then."""
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
            yield f"The setting start_date lies before 1971{advice}"


def url_errors(name: str, address: str, example: str) -> Iterator[str]:
    """Refuse what is no address of an API, or would carry credentials in the open."""
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
            f"The setting {name} must be an address such as {example}, with no user, password or "
            "query in it."
        )
    elif url.scheme == "http" and url.hostname not in LOOPBACK:
        yield (
            f"The setting {name} must begin with https://, since credentials are sent to it; "
            "http:// is for this machine only."
        )


def header_errors(
    config: Mapping[str, t.Any], names: Iterable[str], *, not_ascii: str | None = None
) -> Iterator[str]:
    """Refuse values that no header can hold; the setting `not_ascii` may hold any language."""
    for name in names:
        value = config.get(name, "")
        if not (value.isprintable() and (value.isascii() or name == not_ascii)):
            yield (
                f"The setting {name} holds a character that cannot be sent in a header, perhaps "
                "a line break at its end (its value is not shown)."
            )
