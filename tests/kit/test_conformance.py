"""Records that fit their schema, whatever shape the SDK makes of it."""

from __future__ import annotations

import logging
import typing as t

import msgspec
import pytest
from tap_clari.kit.conformance import RecordConformer

SCHEMA: dict[str, t.Any] = {
    "properties": {
        "id": {"type": "string"},
        "info": {
            "type": ["object", "null"],
            "properties": {
                "size": {"type": ["integer", "null"]},
                "inner": {
                    "type": ["object", "null"],
                    "properties": {"name": {"type": ["string", "null"]}},
                },
            },
        },
        "free": {"type": ["object", "null"]},
        "list": {
            "type": ["array", "null"],
            "items": {"type": ["object", "null"], "properties": {"a": {"type": ["string"]}}},
        },
        "day": {"type": ["string", "null"], "format": "date"},
        "any": {"type": ["string", "object", "null"]},
        "_extra": {"type": ["object", "null"]},
    }
}


def conformed(row: dict[str, t.Any], **options: t.Any) -> dict[str, t.Any]:
    """The record that comes of a row."""
    return RecordConformer(SCHEMA, ["id"], logging.getLogger("test"), **options)(row)


def test_an_unknown_member_of_an_object_stays_and_is_in_extra() -> None:
    row = {"id": "1", "info": {"size": "2", "new": 3, "inner": {"name": "x", "other": None}}}
    assert conformed(row) == {
        "id": "1",
        "info": {"size": 2, "new": 3, "inner": {"name": "x", "other": None}},
        "_extra": {"info.new": 3, "info.inner.other": None},
    }


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_what_is_flattened_has_no_member_without_a_column(depth: int) -> None:
    row = {"id": "1", "info": {"size": 2, "new": 3, "inner": {"name": "x", "other": 4}}}
    record = conformed(row, flattened_depth=depth)
    inner = {"name": "x"} if depth > 1 else {"name": "x", "other": 4}
    assert record["info"] == {"size": 2, "inner": inner}
    assert record["_extra"] == {"info.new": 3, "info.inner.other": 4}
    # Objects without a leaf: flattening makes no member of them.
    empty: dict[str, t.Any] = {} if depth == 1 else {"inner": {}}
    assert conformed({"id": "1", "info": None}, flattened_depth=depth)["info"] == empty


def test_what_lacks_is_null_for_maps() -> None:
    assert conformed({"id": "1", "info": {}}, is_complete=True) == {
        "id": "1",
        "info": {"size": None, "inner": None},
        "_extra": None,
        "free": None,
        "list": None,
        "day": None,
        "any": None,
    }


@pytest.mark.parametrize("key", [None, ""])
def test_a_key_is_never_empty(key: str | None) -> None:
    assert conformed({"id": key, "free": {}})["id"].startswith("sha256:")


def test_free_objects_lists_and_columns_of_several_types_stay_as_they_are() -> None:
    row = {"id": "1", "free": {"x": {"y": 1}}, "list": [{"a": "1", "b": 2}], "any": {"z": 1}}
    assert conformed(row) == row


def test_what_the_stream_has_put_aside_is_in_extra() -> None:
    assert conformed({"id": "1", "_extra": {"id": 7}, "new": 1})["_extra"] == {"id": 7, "new": 1}


@pytest.mark.parametrize("begin", ["", "T00:00:00Z", "T00:00", "T00:00:00.000+0900"])
def test_a_day_is_a_day_also_where_its_begin_is_sent(begin: str) -> None:
    assert conformed({"id": "1", "day": f"2024-02-29{begin}"}) == {"id": "1", "day": "2024-02-29"}


def test_an_empty_day_is_null() -> None:
    assert conformed({"id": "1", "day": ""}) == {"id": "1", "day": None}


@pytest.mark.parametrize(
    "value", ["2026-02-29", "2026-W01-1", "20260101", "2026-01-01T09:30:00Z", "soon", 1767225600000]
)
def test_what_is_no_day_is_kept_in_extra(value: object) -> None:
    assert conformed({"id": "1", "day": value}) == {
        "id": "1",
        "day": None,
        "_extra": {"day": value},
    }


def test_a_record_with_a_day_is_looked_at() -> None:
    conform = RecordConformer(SCHEMA, ["id"], logging.getLogger("test"))
    with pytest.raises(msgspec.DecodeError):
        conform.decode_fitting(b'{"id": "1", "day": "2026-02-29"}')
