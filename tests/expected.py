"""What a target should get of a record that an API gave: the same, with times in one form."""

from __future__ import annotations

import json
import typing as t
from datetime import datetime, timedelta, timezone

if t.TYPE_CHECKING:
    from collections.abc import Mapping


class JsonText:
    """Equals every text that is the JSON of a value: how it is spelled is nobody's affair.

    Args:
        value: The value.
    """

    def __init__(self, value: t.Any) -> None:  # noqa: ANN401
        self._value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and _canonical(json.loads(other)) == _canonical(self._value)

    def __hash__(self) -> int:
        return hash(_canonical(self._value))

    def __repr__(self) -> str:
        return f"JsonText({self._value!r})"


def expected(value: t.Any, schema: Mapping[str, t.Any]) -> t.Any:  # noqa: ANN401, PLR0911
    """The value as the schema has it.

    It mends only the slips that the sandbox makes on purpose, such as a number as text.
    """
    if value is None:
        return None
    kind = next(each for each in _types(schema) if each != "null")
    if schema.get("format") == "date-time":
        return _moment(value).astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if schema.get("contentMediaType") == "application/json":
        return value if isinstance(value, str) else JsonText(value)
    if kind == "object":
        properties = schema.get("properties", {})
        found = {
            name: expected(member, properties[name]) if name in properties else member
            for name, member in value.items()
        }
        if "valueType" in properties and not isinstance(value.get("value"), str | None):
            found["valueType"] = _type_of(value["value"])
        return found
    if kind == "array":
        return [expected(item, schema["items"]) for item in value]
    if kind == "integer" and isinstance(value, str):
        return int(value)
    if kind == "string" and isinstance(value, int):
        return str(value)
    return value


def _type_of(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    return {int: "number", float: "number", list: "array", dict: "object"}[type(value)]


def _canonical(value: t.Any) -> str:  # noqa: ANN401
    # As text, since to Python 1 is True.
    return json.dumps(value, sort_keys=True)


def _moment(value: str | int) -> datetime:
    """A time, which one API gives as text and the other as milliseconds, these as text too."""
    if isinstance(value, int) or value.isdigit():
        return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=int(value))
    return datetime.fromisoformat(value.replace("+0000", "+00:00").replace("Z", "+00:00"))


def _types(schema: Mapping[str, t.Any]) -> list[str]:
    types = schema["type"]
    return [types] if isinstance(types, str) else types
