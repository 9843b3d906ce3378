"""Combines records that share a key, in a memory that does not grow with their number."""

from __future__ import annotations

import typing as t
from itertools import groupby
from operator import itemgetter

import msgspec

from tap_clari.kit.database import TemporaryDatabase

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    Record = dict[str, t.Any]


def combine_by_key(records: Iterable[Record], keys: Sequence[str]) -> Iterator[Record]:
    """Yield one record for each key, with the members of all records that have it.

    Where two of them differ in a member, one keeps its name, and the other gets a number:
    `value`, `value (2)`; the same one each time, in whatever order they come. A record without the
    key stays alone.
    """
    database = TemporaryDatabase("CREATE TABLE parts (key TEXT, body BLOB)")
    database.insert_many([("INSERT INTO parts VALUES (?, ?)", _parts(records, keys))])
    ordered = database.rows("SELECT key, body FROM parts ORDER BY key, body")
    for _, parts in groupby(ordered, key=itemgetter(0)):
        whole: Record = {}
        for _, body in parts:
            _add(whole, msgspec.json.decode(body))
        yield whole


def _parts(records: Iterable[Record], keys: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    for number, record in enumerate(records):
        values = [record.get(key) for key in keys]
        is_keyed = None not in values
        key = msgspec.json.encode(values if is_keyed else number).decode()
        yield key, msgspec.json.encode(record)


def _add(whole: Record, part: Record) -> None:
    for name, value in part.items():
        free, count = name, 1
        while whole.get(free) is not None and whole[free] != value:
            count += 1
            free = f"{name} ({count})"
        if value is not None or name not in whole:
            whole[free] = value
