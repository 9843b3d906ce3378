"""Settings as a user gives them: texts become values, and what cannot work is refused."""

from __future__ import annotations

import json
import math
import typing as t
from difflib import get_close_matches
from itertools import islice

from jsonschema import Draft7Validator
from singer_sdk.exceptions import ConfigurationError

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    Config = dict[str, t.Any]
    Schema = Mapping[str, t.Any]

BOOLEANS = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}
"""The words for a boolean."""

KINDS = {
    "string": "a text",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
"""The words for the types of JSON."""

LONGEST_SHOWN = 100
"""Characters of a wrong value that a sentence shows."""


class SettingsError(ConfigurationError):
    """Settings that cannot work.

    Args:
        sentences: What is wrong with each.
    """

    def __init__(self, sentences: Sequence[str]) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = sentences


def refuse(errors: Iterable[str]) -> None:
    """Refuse the settings if there are errors.

    Raises:
        SettingsError: With a sentence for each error.
    """
    if found := list(dict.fromkeys(errors)):
        raise SettingsError(found)


# From text to values


def with_values(config: Mapping[str, t.Any], schema: Schema) -> Config:
    """The settings with values in place of texts, where the setting is none.

    Environment variables are texts, and Meltano keeps texts too. What is null or empty is not set.
    A text that cannot be read stays, and does not pass the checks.
    """
    properties = schema["properties"]
    values = {name: _value(each, properties.get(name, {})) for name, each in config.items()}
    return {name: each for name, each in values.items() if each is not None and each != ""}


def _value(value: object, schema: Schema) -> object:
    kinds = schema.get("type", ())
    if not isinstance(value, str) or "string" in kinds or not kinds:
        return value
    text = value.strip()
    if not text:
        return None
    try:
        return _parsed(text, kinds)
    except (ValueError, RecursionError):
        return value


def _parsed(text: str, kinds: Sequence[str]) -> object:
    if "boolean" in kinds:
        return BOOLEANS.get(text.lower(), text)
    if "integer" in kinds:
        return int(text)
    if "number" in kinds:
        return float(text)
    if "array" in kinds and not text.startswith("["):
        return [each.strip() for each in text.split(",")]
    return json.loads(text)


# Checks


def unknown_settings(config: Mapping[str, t.Any], schema: Schema) -> Iterator[str]:
    """A warning for each setting that does not exist."""
    for name in config:
        if name not in schema["properties"]:
            nearest = get_close_matches(name, schema["properties"], n=1)
            hint = f": perhaps {nearest[0]} is meant" if nearest else ""
            yield f"There is no setting {name!r}, and it has no effect{hint}."


def kind_errors(config: Mapping[str, t.Any], schema: Schema) -> Iterator[str]:
    """A sentence for each setting of the wrong kind, range or form; a secret is not shown."""
    for error in Draft7Validator(dict(schema)).iter_errors(dict(config)):
        name = str(error.path[0]) if error.path else ""
        where = name + "".join(f"[{step!r}]" for step in islice(error.path, 1, None))
        if schema["properties"].get(name, {}).get("secret"):
            yield f"The setting {where} must be a text (its value is a secret and not shown)."
        elif error.validator == "type":
            kinds = [KINDS[each] for each in _listed(error.validator_value) if each != "null"]
            yield f"The setting {where} must be {' or '.join(kinds)}, not {_shown(error.instance)}."
        else:
            yield f"The setting {where} is wrong: {_shortened(error.message)}."


def value_errors(config: Mapping[str, t.Any], schema: Schema) -> Iterator[str]:
    """A sentence for each setting with a value that JSON or an address cannot hold."""
    for name in schema["properties"]:
        for value in _leaves(config.get(name)):
            if isinstance(value, float) and not math.isfinite(value):
                yield f"The setting {name} must be a number that is finite."
            elif isinstance(value, str) and not _is_text(value):
                yield (
                    f"The setting {name} holds a character that is none: a NUL, or half of a "
                    "surrogate pair (its value is not shown)."
                )


def batch_errors(config: Mapping[str, t.Any]) -> Iterator[str]:
    """Refuse what the SDK passes by when it writes batches: data would leave unmasked."""
    if config.get("batch_config"):
        for name in ("stream_maps", "flattening_enabled"):
            if config.get(name):
                yield (
                    f"The settings batch_config and {name} do not work together: the SDK writes "
                    f"batches as if {name} were not set. Remove one of them."
                )


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from _leaves(each)
    elif isinstance(value, list):
        for each in value:
            yield from _leaves(each)
    else:
        yield value


def _is_text(value: str) -> bool:
    return "\x00" not in value and value == value.encode("utf-8", "replace").decode()


def _listed(kinds: str | list[str]) -> list[str]:
    return [kinds] if isinstance(kinds, str) else kinds


def _shown(value: object) -> str:
    return _shortened(ascii(value))


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
