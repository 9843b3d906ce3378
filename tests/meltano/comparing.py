"""Tables beside the records of an API, value by value."""

from __future__ import annotations

import typing as t
from datetime import date, datetime
from decimal import Decimal

from tests.expected import expected
from tests.running import discovered

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from tests.meltano.conftest import Pipeline, Record


def without_nulls(value: t.Any) -> t.Any:  # noqa: ANN401
    """A value without null members: whether they are there or not is the target's affair."""
    if isinstance(value, dict):
        return {k: without_nulls(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value


def as_column(value: t.Any, schema: Record) -> t.Any:  # noqa: ANN401
    """A value as PostgreSQL holds it: a time is a timestamp in UTC, a number is exact."""
    if isinstance(value, float):
        return Decimal(str(value))
    if value is not None and schema.get("format") == "date-time":
        return datetime.strptime(value, "%Y-%m-%dT%H:%M:%S.%fZ")  # noqa: DTZ007
    if value is not None and schema.get("format") == "date":
        return date.fromisoformat(value)
    return without_nulls(value)


def schema_of(tap: str, stream: str) -> Record:
    """The schema of a stream as the tap has it without settings."""
    [entry] = [each for each in discovered(tap)["streams"] if each["tap_stream_id"] == stream]
    schema: Record = entry["schema"]
    return schema


def as_row(record: Record, schema: Record) -> Record:
    """A record as a row of its table: what no column holds is in `_extra`."""
    wanted = expected(record, schema)
    columns = schema["properties"]
    unknown = {name: value for name, value in record.items() if name not in columns}
    row = {name: as_column(wanted.get(name), each) for name, each in columns.items()}
    return {**row, "_extra": unknown or None}


def assert_table(  # noqa: PLR0913 - the rarer ones by keyword
    pipeline: Pipeline,
    stream: str,
    key: tuple[str, ...],
    records: Iterable[Record],
    made_by_the_tap: Collection[str] = (),
    *,
    left_out: Collection[str] = (),
) -> None:
    """The table has these records, no more and no less, equal column by column.

    Args:
        pipeline: Whose table.
        stream: The table's stream.
        key: What tells the records apart, as the API has them.
        records: What there should be.
        made_by_the_tap: Columns that are not compared.
        left_out: First parts of keys whose rows and records are not compared.
    """
    found = pipeline.rows(stream, key)
    table = {each: row for each, row in found.items() if each[0] not in left_out}
    by_key = {
        tuple(each[name] for name in key): each for each in records if each[key[0]] not in left_out
    }
    assert by_key, stream
    assert set(table) == set(by_key), stream
    schema = schema_of(pipeline.tap, stream)
    for identifier, record in by_key.items():
        row = table[identifier]
        for column, value in as_row(record, schema).items():
            if column not in made_by_the_tap:
                held = row[column] if column == "_extra" else without_nulls(row[column])
                assert held == value, (stream, identifier, column)
    assert not any(row[name] is None for name in pipeline.keys(stream) for row in table.values())
