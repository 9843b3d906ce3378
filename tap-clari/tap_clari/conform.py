"""Make a record fit its schema and lose nothing on the way.

The SDK drops a member that the schema does not know, and lets a value of another type through,
which stops the whole load in `target-postgres`. Here the unknown is kept in the record's `_extra`
object, and so is a value whose type cannot be mended with certainty; each is named once in a
warning. Members of nested objects that the schema does not know stay where they are.
"""

from __future__ import annotations

import hashlib
import re
import typing as t

import msgspec

from tap_clari.times import format_time, parse_time

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Mapping, Sequence

    Schema = Mapping[str, t.Any]
    Record = dict[str, t.Any]
    # A conformer takes a value, its path, and where to put what does not fit.
    Conform = Callable[[t.Any, str, Record], t.Any]

EXTRA = "_extra"

_INTEGER = re.compile(r"[+-]?\d{1,19}")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")
_BIGINT = range(-(2**63), 2**63)
_INDEX = re.compile(r"\[\d+\]")

_MISFIT = object()


class RecordConformer:
    """Conforms the records of one stream.

    Args:
        schema: The stream's JSON Schema; each property has one type besides null.
        key_properties: The stream's primary key.
        logger: Where a field that does not fit is named, once.
    """

    def __init__(
        self, schema: Schema, key_properties: Sequence[str], logger: logging.Logger
    ) -> None:
        properties = schema["properties"]
        self._conformers = {
            name: _conformer(property_schema)
            for name, property_schema in properties.items()
            if name != EXTRA
        }
        self._keys = tuple(key_properties)
        self._logger = logger
        self._named: set[str] = set()

    def __call__(self, row: Record) -> Record:
        """Return the record as the schema has it, `_extra` only where there is something in it."""
        record: Record = {}
        unknown: Record = {}
        misfits: Record = {}
        for name, value in row.items():
            conform = self._conformers.get(name)
            if conform is None:
                unknown[name] = value
            else:
                record[name] = None if value is None else conform(value, name, misfits)
        for key in self._keys:
            if record.get(key) is None:
                record[key] = self._substitute_key(row, key)
        if unknown or misfits:
            record[EXTRA] = {**unknown, **misfits}
            self._name(unknown, misfits)
        return record

    def _substitute_key(self, row: Record, key: str) -> str:
        """Stand in for a key that the API left out: no target can load a null key."""
        self._warn_once(
            f"{key} (missing)",
            "The API sent a record without its key %r; a hash of the record stands in for it",
            key,
        )
        canonical = msgspec.json.encode(row, order="deterministic")
        return f"sha256:{hashlib.sha256(canonical).hexdigest()}"

    def _name(self, unknown: Record, misfits: Record) -> None:
        for name in unknown:
            self._warn_once(
                name,
                "The API sent the field %r, which this version of the tap does not know; it is "
                "kept in %s",
                name,
                EXTRA,
            )
        for path in misfits:
            field = _INDEX.sub("[]", path)
            self._warn_once(
                field,
                "The API sent %r with a value of another type than its column; such values are "
                "kept in %s",
                field,
                EXTRA,
            )

    def _warn_once(self, what: str, message: str, *args: object) -> None:
        if what not in self._named:
            self._named.add(what)
            self._logger.warning(message, *args)


def _conformer(schema: Schema) -> Conform:
    types = schema["type"]
    kind = next(each for each in ([types] if isinstance(types, str) else types) if each != "null")
    if kind == "object":
        return _object_conformer(schema)
    if kind == "array":
        return _array_conformer(schema)
    if schema.get("format") == "date-time":
        return _scalar_conformer(_date_time)
    return _scalar_conformer(_SCALARS[kind])


def _scalar_conformer(convert: Callable[[t.Any], t.Any]) -> Conform:
    def conform(value: t.Any, path: str, misfits: Record) -> t.Any:  # noqa: ANN401
        converted = convert(value)
        if converted is _MISFIT:
            misfits[path] = value
            return None
        return converted

    return conform


def _object_conformer(schema: Schema) -> Conform:
    conformers = {name: _conformer(member) for name, member in schema.get("properties", {}).items()}

    def conform(value: t.Any, path: str, misfits: Record) -> t.Any:  # noqa: ANN401
        if type(value) is not dict:
            misfits[path] = value
            return None
        # The object is the record's own: what fits already, most of it, stays in place.
        for name, member in value.items():
            if member is not None and (conform_member := conformers.get(name)):
                value[name] = conform_member(member, f"{path}.{name}", misfits)
        return value

    return conform


def _array_conformer(schema: Schema) -> Conform:
    conform_item = _conformer(schema["items"])

    def conform(value: t.Any, path: str, misfits: Record) -> t.Any:  # noqa: ANN401
        if type(value) is not list:
            misfits[path] = value
            return None
        return [
            None if item is None else conform_item(item, f"{path}[{index}]", misfits)
            for index, item in enumerate(value)
        ]

    return conform


def _string(value: t.Any) -> t.Any:  # noqa: ANN401
    if type(value) is str:
        return value
    if type(value) is int or type(value) is float:
        return msgspec.json.encode(value).decode()
    return _MISFIT


def _integer(value: t.Any) -> t.Any:  # noqa: ANN401
    if type(value) is str:
        if not value:
            return None
        value = int(value) if _INTEGER.fullmatch(value) else value
    elif type(value) is float and value.is_integer():
        value = int(value)
    # A larger number fits no column that a target makes for an integer.
    return value if type(value) is int and value in _BIGINT else _MISFIT


def _number(value: t.Any) -> t.Any:  # noqa: ANN401
    if type(value) is float or type(value) is int:
        return value
    if type(value) is str:
        if not value:
            return None
        if _NUMBER.fullmatch(value):
            return float(value)
    return _MISFIT


def _boolean(value: t.Any) -> t.Any:  # noqa: ANN401
    if type(value) is bool:
        return value
    if type(value) is str:
        return {"true": True, "false": False, "": None}.get(value.lower(), _MISFIT)
    return _MISFIT


def _date_time(value: t.Any) -> t.Any:  # noqa: ANN401
    if type(value) is str:
        if not value:
            return None
        try:
            return format_time(parse_time(value))
        except ValueError:
            return _MISFIT
    return _MISFIT


_SCALARS = {"string": _string, "integer": _integer, "number": _number, "boolean": _boolean}
