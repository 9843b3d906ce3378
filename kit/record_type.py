"""What most records are: of the types that their schema has. `msgspec` sees so while it decodes.

A record that fits becomes a `Struct`, which takes less time than a dictionary, and needs no further
look.
"""

from __future__ import annotations

import typing as t
from abc import ABC

import msgspec

from .times import fixed_form

if t.TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime

    Schema = Mapping[str, t.Any]
    Decode = Callable[[bytes | msgspec.Raw], msgspec.Struct]


class _Time(ABC):  # noqa: B024 - it stands for `str`
    """A time in any form, which becomes a text in the fixed form."""


_Time.register(str)

_NOTHING = type(None)
_KEY = t.Annotated[str, msgspec.Meta(min_length=1)]
_SCALARS: dict[str, t.Any] = {
    "string": str,
    "integer": t.Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)],
    # Not `float` alone, which would make 1.0 of 1.
    "number": int | float,
    "boolean": bool,
}


def fitting_decoder(
    properties: Schema, keys: Collection[str], read_time: Callable[[object], datetime]
) -> Decode:
    """Make what decodes the JSON of a record that fits the schema as it is, but for its times.

    It raises `msgspec.DecodeError` for any other, also where an object has a member that the schema
    lacks, or may have any. It does not look for NUL characters.

    Args:
        properties: Those of the JSON Schema of the stream.
        keys: The primary key: each is there, and not empty.
        read_time: Reads a time in any form that the API sends; `ValueError` for what is none.
    """
    record = _struct(properties, keys)
    return msgspec.json.Decoder(
        record, dec_hook=lambda _, value: fixed_form(value, read_time)
    ).decode


def member(record: t.Any, name: str) -> t.Any:  # noqa: ANN401 - a dictionary or a `Struct`
    """A member of a record, decoded in either way; `None` if it has none."""
    if not isinstance(record, msgspec.Struct):
        return record.get(name)
    value = getattr(record, name, None)
    return None if value is msgspec.UNSET else value


def _struct(properties: Schema, keys: Collection[str] = ()) -> type[msgspec.Struct]:
    fields: list[t.Any] = []
    for name, member in properties.items():
        kind = _type(member)
        if not name.isidentifier():
            # No name of a field: what has such a member does not fit.
            continue
        if name in keys:
            fields.insert(0, (name, _KEY if kind is str else kind))
        else:
            fields.append((name, kind | None | msgspec.UnsetType, msgspec.UNSET))
    return msgspec.defstruct("Record", fields, forbid_unknown_fields=True, gc=False)


def _type(schema: Schema) -> t.Any:  # noqa: ANN401 - types are made here
    types = schema.get("type", ())
    kinds = [each for each in ([types] if isinstance(types, str) else types) if each != "null"]
    if len(kinds) != 1:
        return _NOTHING
    [kind] = kinds
    if schema.get("format") == "date-time":
        return _Time
    if schema.get("format") == "date":
        # No day of no calendar may pass; there are few of these.
        return _NOTHING
    if kind == "object":
        properties = schema.get("properties")
        return _struct(properties) if properties else _NOTHING
    if kind == "array":
        return list[_type(schema.get("items") or {}) | None]  # type: ignore[misc]
    return _SCALARS[kind]
