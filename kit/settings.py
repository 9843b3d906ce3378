"""Declarations of settings, and checks that a JSON schema cannot express.

Each refusal is a sentence.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass
from urllib.parse import urlsplit

from singer_sdk import typing as th

from .errors import shown
from .times import time_or_none

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""The hosts to which credentials may be sent without TLS: this machine."""

TITLE_WORDS = {
    "api": "API",
    "id": "ID",
    "ids": "IDs",
    "lookback": "Look-back",
    "per": "per",
    "url": "URL",
    "urls": "URLs",
}
"""How a title writes the words of a name that are not merely capitalized."""

_SPACE = re.compile(r"\s")


@dataclass(frozen=True)
class Setting:
    """A setting; its title follows from its name.

    Args:
        kind: The type, from `singer_sdk.typing`.
        description: What `--about` shows.
        default: The default; `None` for a setting without one.
        secret: Whether the value is a secret.
    """

    kind: th.JSONTypeHelper[t.Any] | type[th.JSONTypeHelper[t.Any]]
    description: str
    default: t.Any = None
    secret: bool = False

    def declare(self, name: str) -> th.Property[t.Any]:
        """The SDK's declaration of the setting under a name."""
        return th.Property(
            name,
            self.kind,
            title=" ".join(TITLE_WORDS.get(word, word.capitalize()) for word in name.split("_")),
            description=self.description,
            default=self.default,
            secret=self.secret,
        )


def declared(**settings: Setting) -> th.PropertiesList:
    """The SDK's declaration of settings, by name and in the order of `--about`."""
    return th.PropertiesList(*(setting.declare(name) for name, setting in settings.items()))


def text(description: str, *, default: str | None = None, secret: bool = False) -> Setting:
    """A text."""
    return Setting(th.StringType, description, default, secret)


def texts(description: str, default: Sequence[str] = (), min_length: int | None = None) -> Setting:
    """A list of texts, each of at least `min_length` characters."""
    kind = th.ArrayType(th.StringType(min_length=min_length))
    return Setting(kind, description, list(default))


def choices(
    allowed: Sequence[str], description: str, default: Sequence[str] | None = None
) -> Setting:
    """A list of allowed texts; all of them by default."""
    kind = th.ArrayType(th.StringType(allowed_values=list(allowed)))
    return Setting(kind, description, list(allowed if default is None else default))


def days(default: int, description: str) -> Setting:
    """A number of days."""
    return Setting(th.IntegerType(minimum=0, maximum=10_000), description, default)


def seconds(default: int, description: str, maximum: int = 3600) -> Setting:
    """A positive number of seconds."""
    return Setting(th.NumberType(exclusive_minimum=0, maximum=maximum), description, default)


def requests_per_second(description: str) -> Setting:
    """The rate of requests."""
    return Setting(th.NumberType(exclusive_minimum=0, maximum=10_000), description, 10)


def max_concurrent_requests(description: str) -> Setting:
    """The cap of requests under way at once."""
    return Setting(th.IntegerType(minimum=1, maximum=100), description, 64)


def start_date(description: str) -> Setting:
    """The time from which records are read."""
    return Setting(th.DateTimeType, description)


def end_date(description: str) -> Setting:
    """The time before which records are read; itself not in the window."""
    return Setting(th.DateTimeType, description)


def reference_data_interval_hours(streams: str) -> Setting:
    """How often lists are read that rarely change; `streams` names them."""
    return Setting(
        th.NumberType(minimum=0, maximum=10_000),
        f"Hours for which a run does not read again what rarely changes ({streams}). 0: every run "
        "reads it.",
        0,
    )


def user_agent(tap_name: str) -> Setting:
    """The User-Agent header."""
    return text(f"The User-Agent header. Default: {tap_name} and its version.")


def start_date_errors(start_date: str | None, advice: str) -> Iterator[str]:
    """Refuse a `start_date` that is no time, or lies before 1971; `advice` says what to do then."""
    if not start_date:
        return
    if not (start := time_or_none(start_date)):
        yield _no_time("start_date", start_date)
    elif start.year <= 1970:  # noqa: PLR2004
        yield f"The setting start_date lies before 1971{advice}"


def end_date_errors(config: Mapping[str, t.Any]) -> Iterator[str]:
    """Refuse an `end_date` that is no time, or leaves nothing between it and `start_date`."""
    if not (value := config.get("end_date")):
        return
    start = time_or_none(config.get("start_date"))
    if not (end := time_or_none(value)):
        yield _no_time("end_date", value)
    elif start and end <= start:
        yield (
            "The setting end_date must be later than start_date: what is read is from start_date "
            "on and before end_date."
        )
    elif end.year <= 1970:  # noqa: PLR2004
        yield "The setting end_date lies before 1971: there is nothing before it."


def _no_time(name: str, value: str) -> str:
    return (
        f"The setting {name} is no ISO 8601 time: {shown(value)}. Write it as 2026-01-01 or "
        "2026-01-01T00:00:00Z."
    )


def form_errors(
    name: str, values: Iterable[str], form: re.Pattern[str], noun: str, example: str
) -> Iterator[str]:
    """Refuse each value of the setting `name` that is no `noun`, which has the given form."""
    for value in values:
        if not form.fullmatch(value):
            yield (
                f"The setting {name} holds {shown(value)}, which is no {noun}: write it as "
                f"{example}."
            )


def empty_errors(config: Mapping[str, t.Any], *names: str) -> Iterator[str]:
    """Refuse empty lists of choices: nothing would be read."""
    for name in names:
        if not config[name]:
            yield f"The setting {name} is empty: leave it out to read all of them."


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
