"""What a target should get of a record that an API gave: the same, with times in one form."""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone

if t.TYPE_CHECKING:
    from collections.abc import Mapping


def expected(value: t.Any, schema: Mapping[str, t.Any]) -> t.Any:  # noqa: ANN401
    """The value as the schema has it.

    It mends only the slips that the sandbox makes on purpose: a number as text.
    """
    if value is None:
        return None
    kind = next(each for each in _types(schema) if each != "null")
    if schema.get("format") == "date-time":
        moment = datetime.fromisoformat(value.replace("+0000", "+00:00").replace("Z", "+00:00"))
        return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if kind == "object":
        properties = schema["properties"]
        return {
            name: expected(member, properties[name]) if name in properties else member
            for name, member in value.items()
        }
    if kind == "array":
        return [expected(item, schema["items"]) for item in value]
    if kind == "integer" and isinstance(value, str):
        return int(value)
    return value


def _types(schema: Mapping[str, t.Any]) -> list[str]:
    types = schema["type"]
    return [types] if isinstance(types, str) else types
