"""Stream maps that cannot work: the sentence that names stream, member and expression.

The SDK's errors name an expression at most. So the members of the maps of a stream are tried one by
one, each as the only one, until one fails as they did together.
"""

from __future__ import annotations

import copy
import logging
import typing as t
from fnmatch import fnmatch
from importlib.util import find_spec

from singer_sdk.mapper import PluginMapper

from .config import NO_FAKER
from .errors import shown

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Config = Mapping[str, t.Any]
    Schema = dict[str, t.Any]
    Record = dict[str, t.Any]

EXPRESSIONS = ("__filter__", "__alias__")
"""The options of a map that are expressions, as its columns are."""


def new_mapper(config: Config) -> PluginMapper:
    """The SDK's mapper for these settings, which it would change."""
    return PluginMapper(copy.deepcopy(dict(config)), logging.getLogger(__name__))


def map_error(
    config: Config, stream: str, schema: Schema, error: Exception, record: Record | None = None
) -> str:
    """The sentence for maps that cannot be made, or not be applied to a record.

    Args:
        config: The settings.
        stream: Whose maps they are.
        schema: Its schema, without the columns that are not selected.
        error: What the maps run into together.
        record: The record, if it is one; no value of it is shown.
    """
    setting = "stream_maps" if config.get("stream_maps") else "flattening_enabled"
    begin = f"The setting {setting} cannot be applied to the stream {stream!r}"
    for member, expression, single in _single_maps(config, stream):
        if cause := _failure({**config, "stream_maps": single}, stream, schema, record):
            lacks_faker = "fake." in expression and not find_spec("faker")
            why = f": {NO_FAKER}" if lacks_faker else ""
            return (
                f"{begin}: {member} is {shown(expression)}, which fails with {kind_of(cause)}"
                f"{why}. Correct the expression; a member may be null."
            )
    # What the SDK says without a record names no value of one.
    return f"{begin} ({kind_of(error) if record else error}): correct it."


def empty_key_error(stream: str, key: str) -> str:
    """The sentence for a map that leaves a record without its key, which no target can load."""
    return (
        f"The setting stream_maps makes the key {key!r} of the stream {stream!r} null or empty: "
        "correct its expression, or name other columns in __key_properties__."
    )


def kind_of(error: Exception) -> str:
    """The kind of an error: not its text, which may hold values."""
    return type(error.__cause__ or error).__name__


def _failure(
    config: Config, stream: str, schema: Schema, record: Record | None
) -> Exception | None:
    try:
        mapper = new_mapper(config)
        mapper.register_raw_stream_schema(stream, copy.deepcopy(schema), None)
        if record is not None:
            for each in mapper.stream_maps[stream]:
                each.transform(record)
    except Exception as error:  # noqa: BLE001 - an expression may raise anything
        return error
    return None


def _single_maps(config: Config, stream: str) -> Iterator[tuple[str, str, Record]]:
    """Each member of the maps of a stream, its expression, and maps with nothing else in them."""
    for name, members in (config.get("stream_maps") or {}).items():
        if not isinstance(members, dict) or not fnmatch(stream, members.get("__source__", name)):
            continue
        source = {"__source__": members["__source__"]} if "__source__" in members else {}
        for member, expression in members.items():
            is_column = member in EXPRESSIONS or not member.startswith("__")
            if isinstance(expression, str) and is_column:
                yield member, expression, {name: {**source, member: expression}}
