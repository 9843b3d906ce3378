"""The relations that a tap declares: a column, or some, and the stream whose key they hold.

They stand in `relations.yml` beside the package, by stream::

    calls:
    - columns: [users[].userId]
      to: users
      keys: [id]
      orphans: Why a value may have no record there; left out where each has one.

A column may be a member of an object (`crm_info.deal_id`), or of the elements of a list
(`users[].userId`).
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from itertools import product

import yaml

from tests.pipeline import ROOT
from tests.running import walk

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.running import Record

    Reference = tuple[t.Any, ...]

NO_REFERENCE = (None, "")
"""Values that refer to nothing."""


@dataclass(frozen=True)
class Relation:
    """What a stream's columns refer to.

    Args:
        stream: The stream.
        columns: Its columns; of several, one at most is in a list.
        to: The stream that they refer to.
        keys: The columns there, in the same order.
        orphans: Why some refer to no record, by design.
    """

    stream: str
    columns: tuple[str, ...]
    to: str
    keys: tuple[str, ...]
    orphans: str | None = None

    def __str__(self) -> str:
        """As it is read: `calls(users[].userId) -> users(id)`."""
        return f"{self.stream}({', '.join(self.columns)}) -> {self.to}({', '.join(self.keys)})"

    def ends(self) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
        """Each column with its stream, and the key that it holds with that of the key."""
        for column, key in zip(self.columns, self.keys, strict=True):
            yield (self.stream, column), (self.to, key)

    def references(self, records: Mapping[str, list[Record]]) -> set[Reference]:
        """What the records of the stream refer to."""
        return _tuples(records.get(self.stream, ()), self.columns)

    def found_orphans(self, records: Mapping[str, list[Record]]) -> set[Reference]:
        """What they refer to and is not there."""
        return self.references(records) - _tuples(records.get(self.to, ()), self.keys)


def relations(tap: str) -> list[Relation]:
    """The relations that a tap declares."""
    declared = yaml.safe_load((ROOT / tap / "relations.yml").read_text(encoding="utf-8"))
    return [
        Relation(
            stream, tuple(each["columns"]), each["to"], tuple(each["keys"]), each.get("orphans")
        )
        for stream, several in declared.items()
        for each in several
    ]


def column_types(catalog: Record) -> dict[tuple[str, str], set[str]]:
    """The types of each column of a catalog, without null, by stream and path."""
    return {
        (entry["tap_stream_id"], path.replace(".[]", "[]")): {*_types(member)} - {"null"}
        for entry in catalog["streams"]
        for path, member in walk(entry["schema"])
    }


def _tuples(records: t.Iterable[Record], columns: tuple[str, ...]) -> set[Reference]:
    return {
        values
        for record in records
        for values in product(*(_values(record, column.split(".")) for column in columns))
        if not any(value in NO_REFERENCE for value in values)
    }


def _values(value: t.Any, steps: list[str]) -> list[t.Any]:  # noqa: ANN401 - any JSON
    if not steps:
        return [value]
    name, *further = steps
    if not isinstance(value, dict):
        return []
    member = value.get(name.removesuffix("[]"))
    each_member = (member or []) if name.endswith("[]") else [member]
    return [found for each in each_member for found in _values(each, further)]


def _types(schema: Record) -> list[str]:
    types = schema["type"]
    return [types] if isinstance(types, str) else types
