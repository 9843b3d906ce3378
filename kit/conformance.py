"""Make a record fit its schema and lose nothing on the way.

The SDK drops a member that the schema does not know, and lets a value of another type through,
which stops the whole load in `target-postgres`. Here the unknown is kept in the record's `_extra`
object, and so is a value whose type cannot be mended with certainty; each is named once in a
warning. A member of a nested object that the schema does not know stays where it is, and stands in
`_extra` too, by its path: flattening makes columns of what the schema knows, and of nothing else.
"""

from __future__ import annotations

import hashlib
import math
import re
import typing as t
from datetime import date
from functools import partial

import msgspec

from .record_type import fitting_decoder
from .times import fixed_form, parse_time

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from .record_type import Decode

    Schema = Mapping[str, t.Any]
    ReadTime = Callable[[object], datetime]
    Record = dict[str, t.Any]
    # Where a value stands: the place of its parent, and its name or index there.
    Place = tuple["Place | None", str | int]
    # Takes a value that is not null, its place, and what to put a value into that does not fit.
    Conform = Callable[[t.Any, Place, Record], t.Any]
    # The type that needs no look, if there is one, and how to conform any other.
    Member = tuple[type | None, Conform]

EXTRA = "_extra"

_INTEGER = re.compile(r"[+-]?\d{1,19}")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")
_BIGINT = range(-(2**63), 2**63)
# A day; its begin, in whatever zone, is the same day.
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)(?:T00:00(?::00(?:\.0+)?)?(?:Z|[+-]\d\d:?\d\d)?)?", re.ASCII)
_INDEX = re.compile(r"\[\d+\]")

_MISFIT = object()

NO_KEY = (None, "")
"""What is no key."""

IN_LIST = 1 << 20
"""The level of what stands in a list: below all that is flattened."""


class RecordConformer:
    """Conforms the records of one stream.

    Args:
        schema: The JSON Schema that is written for the stream. The tap's own gives each property
            one type besides null; one of a user's catalog may give more, or none: then any value
            fits.
        key_properties: The stream's primary key.
        logger: Where a field that does not fit is named, once.
        added: What the tap adds to a record: no part of the hash that stands in for a key, since
            it may differ from run to run.
        read_time: Reads a time in any form that the API sends; `ValueError` for what is no time.
        flattened_depth: How many levels of objects the SDK makes columns of. There an object has
            no member that the schema does not know, and is empty where it is null: it has no
            column of its own.
        is_complete: Whether a member that a record lacks is there as null, as stream maps need it.
    """

    def __init__(  # noqa: PLR0913 - each is needed, and named
        self,
        schema: Schema,
        key_properties: Sequence[str],
        logger: logging.Logger,
        *,
        added: Sequence[str] = (),
        read_time: ReadTime = parse_time,
        flattened_depth: int = 0,
        is_complete: bool = False,
    ) -> None:
        self._named: set[str] = set()
        self._read_time = read_time
        self._flattened_depth = flattened_depth
        self._is_complete = is_complete
        self._properties = {
            name: each for name, each in schema["properties"].items() if name != EXTRA
        }
        self._members = {name: self._member(each) for name, each in self._properties.items()}
        self._absent = self._absent_members(schema["properties"])
        self._keys = tuple(key_properties)
        self._added = frozenset(added)
        self._logger = logger

    @property
    def decode_fitting(self) -> Decode:
        """Decodes the JSON of a record that is to stay as it is, as `fitting_decoder` makes it."""
        # What the tap adds is sent by no API: if it is, the record needs a look.
        sent = {
            name: {} if name in self._added else each for name, each in self._properties.items()
        }
        return fitting_decoder(sent, self._keys, self._read_time)

    def __call__(self, row: Record) -> Record:
        """Return the record as the schema has it, `_extra` only where there is something in it."""
        record: Record = dict(self._absent)
        unknown: Record = {}
        misfits: Record = {}
        if type(row.get(EXTRA)) is dict:
            # What the stream itself has put aside.
            unknown = row.pop(EXTRA)
        for name, value in row.items():
            if member := self._members.get(name):
                as_it_is, conform = member
                if value is None:
                    value = self._absent.get(name)  # noqa: PLW2901
                fits = value is None or type(value) is as_it_is
                record[name] = value if fits else conform(value, (None, name), misfits)
            else:
                unknown[name] = value
        for key in self._keys:
            if record.get(key) in NO_KEY:
                record[key] = self._substitute_key(row, key)
        if unknown or misfits:
            record[EXTRA] = {**unknown, **misfits}
            self._name(unknown, misfits)
        return record

    def _substitute_key(self, row: Record, key: str) -> str:
        """Stand in for a key that the API left out.

        No target can load a null key, and an empty one is null to those that load by CSV.
        """
        self._warn_once(
            f"{key} (missing)",
            "The API sent a record without its key %r; a hash of the record stands in for it",
            key,
        )
        return hash_of({name: each for name, each in row.items() if name not in self._added})

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

    def _member(self, schema: Schema, level: int = 0) -> Member:
        types = schema.get("type", ())
        kinds = [each for each in ([types] if isinstance(types, str) else types) if each != "null"]
        if len(kinds) != 1:
            return None, _as_it_is
        [kind] = kinds
        if kind == "object":
            return None, self._object_conformer(schema, level)
        if kind == "array":
            return None, self._array_conformer(schema)
        formats: dict[str, Callable[[t.Any], t.Any]] = {
            "date-time": partial(_date_time, self._read_time),
            "date": _date,
        }
        if convert_format := formats.get(schema.get("format", "")):
            return None, _scalar_conformer(convert_format)
        if schema.get("contentMediaType") == "application/json":
            return None, _scalar_conformer(_json_text)
        as_it_is, convert = _SCALARS[kind]
        return as_it_is, _scalar_conformer(convert)

    def _absent_members(self, properties: Schema, level: int = 0) -> Record:
        """What stands in for members that lack or are null, if anything has to."""
        flattened: Record = {
            name: self._absent_members(each["properties"], level + 1)
            for name, each in properties.items()
            if level < self._flattened_depth and each.get("properties")
        }
        if not self._is_complete:
            return flattened
        return {**dict.fromkeys(properties), **flattened}

    def _object_conformer(self, schema: Schema, level: int) -> Conform:
        properties = schema.get("properties") or {}
        members = {name: self._member(each, level + 1) for name, each in properties.items()}
        absent = self._absent_members(properties, level + 1)
        is_flattened = level < self._flattened_depth
        # The members of a free-form object are all its own. A list has one column in any case.
        may_be_unknown = bool(members) and level < IN_LIST

        def conform(value: t.Any, place: Place, misfits: Record) -> t.Any:  # noqa: ANN401
            if type(value) is not dict:
                misfits[_path(place)] = value
                return dict(absent) if is_flattened else None
            if may_be_unknown and (unknown := value.keys() - members.keys()):
                self._keep_unknown(value, unknown, place, misfits)
                if is_flattened:
                    value = {name: each for name, each in value.items() if name in members}
            if absent:
                value = {
                    **absent,
                    **{name: each for name, each in value.items() if each is not None},
                }
            # The object is the record's own: what fits already, most of it, stays in place.
            for name, each in value.items():
                if each is not None and (member := members.get(name)):
                    as_it_is, conform_member = member
                    if type(each) is not as_it_is:
                        value[name] = conform_member(each, (place, name), misfits)
            return value

        return conform

    def _array_conformer(self, schema: Schema) -> Conform:
        as_it_is, conform_item = self._member(schema.get("items") or {}, IN_LIST)

        def conform(value: t.Any, place: Place, misfits: Record) -> t.Any:  # noqa: ANN401
            if type(value) is not list:
                misfits[_path(place)] = value
                return None
            return [
                item
                if item is None or type(item) is as_it_is
                else conform_item(item, (place, index), misfits)
                for index, item in enumerate(value)
            ]

        return conform

    def _keep_unknown(
        self, value: Record, unknown: Iterable[str], place: Place, misfits: Record
    ) -> None:
        for name in sorted(unknown):
            path = _path((place, name))
            misfits[path] = value[name]
            self._name({path: None}, {})

    def _warn_once(self, what: str, message: str, *args: object) -> None:
        if what not in self._named:
            self._named.add(what)
            self._logger.warning(message, *args)


def hash_of(row: Record) -> str:
    """A key for a record that has none: the same for the same record, in whatever order."""
    canonical = msgspec.json.encode(row, order="deterministic")
    return f"sha256:{hashlib.sha256(canonical).hexdigest()}"


def _as_it_is(value: t.Any, place: Place, misfits: Record) -> t.Any:  # noqa: ANN401, ARG001
    return value


def _scalar_conformer(convert: Callable[[t.Any], t.Any]) -> Conform:
    def conform(value: t.Any, place: Place, misfits: Record) -> t.Any:  # noqa: ANN401
        converted = convert(value)
        if converted is _MISFIT:
            misfits[_path(place)] = value
            return None
        return converted

    return conform


def _path(place: Place) -> str:
    parent, step = place
    if parent is None:
        return str(step)
    return f"{_path(parent)}[{step}]" if isinstance(step, int) else f"{_path(parent)}.{step}"


def _string(value: t.Any) -> t.Any:  # noqa: ANN401
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
    if type(value) is int:
        return value
    if type(value) is str:
        if not value:
            return None
        # Larger than any number: JSON has no word for what it would become.
        if _NUMBER.fullmatch(value) and math.isfinite(number := float(value)):
            return number
    return _MISFIT


def _boolean(value: t.Any) -> t.Any:  # noqa: ANN401
    if type(value) is str:
        return {"true": True, "false": False, "": None}.get(value.lower(), _MISFIT)
    return _MISFIT


def _date_time(read_time: ReadTime, value: t.Any) -> t.Any:  # noqa: ANN401
    try:
        return fixed_form(value, read_time)
    except ValueError:
        return None if value == "" else _MISFIT


def _date(value: t.Any) -> t.Any:  # noqa: ANN401
    if value == "":
        return None
    found = _DATE.fullmatch(value) if type(value) is str else None
    try:
        return date.fromisoformat(found[1]).isoformat() if found else _MISFIT
    except ValueError:
        return _MISFIT


def _json_text(value: t.Any) -> str:  # noqa: ANN401
    # Also `Raw`, which is text already, and stays as exact as it is.
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


_SCALARS: dict[str, tuple[type | None, Callable[[t.Any], t.Any]]] = {
    "string": (str, _string),
    # An integer may be too large.
    "integer": (None, _integer),
    "number": (float, _number),
    "boolean": (bool, _boolean),
}
