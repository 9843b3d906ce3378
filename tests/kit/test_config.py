"""Settings as texts, and settings that cannot work."""

from __future__ import annotations

import typing as t

import pytest
from tap_clari.kit.config import (
    batch_errors,
    flattening_errors,
    kind_errors,
    unknown_settings,
    value_errors,
    with_values,
)

SCHEMA: dict[str, t.Any] = {
    "type": "object",
    "properties": {
        "flag": {"type": ["boolean", "null"]},
        "days": {"type": ["integer", "null"], "minimum": 0, "maximum": 10},
        "rate": {"type": ["number", "null"], "exclusiveMinimum": 0},
        "ids": {"type": ["array", "null"], "items": {"type": ["string"]}},
        "maps": {"type": ["object", "null"]},
        "maps_of_maps": {"type": ["object", "null"], "additionalProperties": {"type": "object"}},
        "name": {"type": ["string", "null"]},
        "api_key": {"type": ["string", "null"], "secret": True},
    },
}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("flag", "true", True),
        ("flag", "No", False),
        ("flag", " 1 ", True),
        ("days", "7", 7),
        ("rate", "0.5", 0.5),
        ("ids", "a, b", ["a", "b"]),
        ("ids", '["a", "b,c"]', ["a", "b,c"]),
        ("maps", '{"a": 1}', {"a": 1}),
        ("name", "true", "true"),
    ],
)
def test_a_text_becomes_the_value_that_it_says(name: str, text: str, value: object) -> None:
    values = with_values({name: text}, SCHEMA)
    assert values == {name: value}
    assert not [*kind_errors(values, SCHEMA), *value_errors(values, SCHEMA)]


def test_a_text_within_an_object_becomes_an_object_where_one_belongs() -> None:
    value = {"users": '{"a": "1"}', "wrong": "{a"}
    [found] = with_values({"maps_of_maps": value}, SCHEMA).values()
    assert found == {"users": {"a": "1"}, "wrong": "{a"}
    assert with_values({"maps": value}, SCHEMA) == {"maps": value}


@pytest.mark.parametrize("name", SCHEMA["properties"])
@pytest.mark.parametrize("empty", ["", None])
def test_what_is_empty_is_not_set(name: str, empty: object) -> None:
    assert with_values({name: empty}, SCHEMA) == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("flag", "maybe"),
        ("days", "x"),
        ("days", "7.5"),
        ("days", 7.5),
        ("days", 11),
        ("rate", "1e400"),
        ("rate", float("nan")),
        ("rate", 0),
        ("rate", True),
        ("ids", "[not json"),
        ("ids", [1]),
        ("ids", ["\ud83d"]),
        ("ids", ["a\x00"]),
        ("maps", "{"),
        ("maps", "[1]"),
        ("name", 5),
        ("api_key", 5),
    ],
    ids=repr,
)
def test_what_cannot_work_is_one_sentence_that_names_the_setting(name: str, value: object) -> None:
    values = with_values({name: value}, SCHEMA)
    [sentence] = {*kind_errors(values, SCHEMA), *value_errors(values, SCHEMA)}
    assert sentence.startswith(f"The setting {name}")
    assert sentence.endswith((".", ")."))


def test_a_secret_is_not_shown() -> None:
    [sentence] = kind_errors({"api_key": ["hush"]}, SCHEMA)
    assert "hush" not in sentence


def test_a_setting_that_does_not_exist_is_named_with_the_nearest() -> None:
    [warning] = unknown_settings({"api_keys": "hush", "days": 1}, SCHEMA)
    assert "'api_keys'" in warning
    assert "api_key is meant" in warning
    assert "hush" not in warning


BATCHES: dict[str, t.Any] = {
    "encoding": {"format": "jsonl", "compression": "gzip"},
    "storage": {"root": "file:///tmp/batches"},
}


@pytest.mark.parametrize("other", ["stream_maps", "flattening_enabled"])
def test_batches_beside_what_the_sdk_passes_by_are_refused(other: str) -> None:
    assert not list(batch_errors({"batch_config": BATCHES}))
    [sentence] = batch_errors({"batch_config": BATCHES, other: {"a": 1}})
    assert other in sentence


@pytest.mark.parametrize(
    "wrong",
    [
        {"a": 1},
        {"encoding": None},
        {"storage": None},
        {"storage": {"root": 5}},
        {"storage": {"root": "nowhere://x"}},
        {"batch_size": "x"},
    ],
    ids=repr,
)
def test_batches_that_the_sdk_cannot_write_are_refused(wrong: dict[str, t.Any]) -> None:
    [sentence] = batch_errors({"batch_config": {**BATCHES, **wrong}})
    assert sentence.startswith("The setting batch_config is wrong")


def test_flattening_without_a_depth_is_refused() -> None:
    [sentence] = flattening_errors({"flattening_enabled": True})
    assert "flattening_max_depth" in sentence
    assert not list(flattening_errors({"flattening_enabled": True, "flattening_max_depth": 0}))
    assert not list(flattening_errors({}))
