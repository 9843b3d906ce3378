"""Settings as a user gives them: texts become values, and what cannot work is refused."""

from __future__ import annotations

import contextlib
import json
import math
import typing as t
from difflib import get_close_matches
from importlib.util import find_spec
from itertools import islice

from jsonschema import Draft7Validator
from singer_sdk.exceptions import ConfigurationError
from singer_sdk.helpers._batch import BaseBatchFileEncoding, BatchConfig, StorageTarget

from .errors import shortened, shown

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


BATCHES = (BaseBatchFileEncoding, StorageTarget, int)
"""The types of the members of batch_config, which the SDK does not check."""

NO_FAKER = "the package faker is not installed in the tap's environment (pip install faker)"
"""Why `fake` is not known to stream maps."""

SHORTEST_KEY_LENGTH = 30
"""The least flattening_max_key_length: longer than any primary key, which keeps its name."""


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


# The SDK's own settings


def narrow(schema: Schema) -> None:
    """Correct what the SDK declares of its own settings, and refuse what loses data.

    It writes the text "null" where a schema belongs. A negative depth flattens nothing, and very
    short columns lose the keys' names, without a word.
    """
    _drop_what_is_no_schema(schema)
    properties = schema["properties"]
    properties["flattening_max_depth"]["minimum"] = 0
    properties["flattening_max_key_length"]["minimum"] = SHORTEST_KEY_LENGTH


def _drop_what_is_no_schema(schema: t.Any) -> None:  # noqa: ANN401
    for name in {"anyOf", "oneOf"} & schema.keys():
        schema[name] = [each for each in schema[name] if isinstance(each, dict)]
    for member in schema.values():
        for each in member if isinstance(member, list) else [member]:
            if isinstance(each, dict):
                _drop_what_is_no_schema(each)


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
    if isinstance(value, dict) and isinstance(schema.get("additionalProperties"), dict):
        return {name: _object_in(each) for name, each in value.items()}
    if not isinstance(value, str) or "string" in kinds or not kinds:
        return value
    text = value.strip()
    if not text:
        return None
    try:
        return _parsed(text, kinds)
    except (ValueError, RecursionError):
        return value


def _object_in(value: object) -> object:
    """The object that a text within an object may be: Meltano keeps `stream_maps.users` as text."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        with contextlib.suppress(ValueError, RecursionError):
            return json.loads(value)
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
            yield f"The setting {where} must be {' or '.join(kinds)}, not {shown(error.instance)}."
        else:
            yield f"The setting {where} is wrong: {shortened(error.message)}."


def value_errors(config: Mapping[str, t.Any], schema: Schema) -> Iterator[str]:
    """A sentence for each setting with a value that JSON or an address cannot hold."""
    for name in schema["properties"]:
        for value in _leaves(config.get(name)):
            if isinstance(value, int | float) and not _is_finite(value):
                yield f"The setting {name} must be a number that is finite."
            elif isinstance(value, str) and not _is_text(value):
                yield (
                    f"The setting {name} holds a character that is none: a NUL, or half of a "
                    "surrogate pair (its value is not shown)."
                )


def flattening_errors(config: Mapping[str, t.Any]) -> Iterator[str]:
    """Refuse flattening without a depth."""
    if config.get("flattening_enabled") and config.get("flattening_max_depth") is None:
        yield (
            "The setting flattening_enabled needs flattening_max_depth: the number of levels that "
            "become columns, such as 1."
        )


def faker_errors(config: Mapping[str, t.Any]) -> Iterator[str]:
    """Refuse the settings of a package that is not there."""
    if config.get("faker_config") and not find_spec("faker"):
        yield f"The setting faker_config cannot work: {NO_FAKER}."


def batch_errors(config: Mapping[str, t.Any]) -> Iterator[str]:
    """Refuse what the SDK passes by when it writes batches: data would leave unmasked."""
    if config.get("batch_config"):
        if not _is_batch_config(config["batch_config"]):
            yield (
                "The setting batch_config is wrong: write it as "
                '{"encoding": {"format": "jsonl", "compression": "gzip"}, '
                '"storage": {"root": "file:///tmp/batches"}}, and install what its storage needs.'
            )
        for name in ("stream_maps", "flattening_enabled"):
            if config.get(name):
                yield (
                    f"The settings batch_config and {name} do not work together: the SDK writes "
                    f"batches as if {name} were not set. Remove one of them."
                )


def _is_batch_config(value: dict[str, t.Any]) -> bool:
    try:
        batches = BatchConfig.from_dict(value)
        return (
            all(map(isinstance, (batches.encoding, batches.storage, batches.batch_size), BATCHES))
            and batches.storage.get_url("name") != ""
        )
    except (TypeError, ValueError, ImportError):
        return False


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


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        # A whole number that is larger than any other.
        return False


def _is_text(value: str) -> bool:
    return "\x00" not in value and value == value.encode("utf-8", "replace").decode()


def _listed(kinds: str | list[str]) -> list[str]:
    return [kinds] if isinstance(kinds, str) else kinds
