"""What a tap writes arrives in each target, row by row and value by value."""

from __future__ import annotations

import json
import re
import typing as t

import pytest

from tests.targets.table import PAGE, rows
from tests.targets.targets import TARGETS, Place, Target
from tests.targets.translators import TRANSLATORS

if t.TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.postgres import PostgresServer
    from tests.targets.messages import Messages


@pytest.fixture
def place(postgres: PostgresServer, tmp_path: Path) -> Place:
    """Where the target of a test loads to."""
    return Place(postgres, re.sub(r"\W+", "_", tmp_path.name).lower(), tmp_path)


def test_the_readme_names_each_target_and_what_to_know() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    for begin, end in rows().values():
        assert [x for x in lines if x.startswith(f"| {begin} | ") and x.endswith(f" | {end} |")]


def test_no_key_is_null_or_empty(messages: Messages) -> None:
    for run in messages.runs:
        for stream, keys in run.keys.items():
            assert keys, stream
            for record in run.records[stream]:
                assert all(record[key] not in {None, ""} for key in keys), (stream, record)
    assert all(messages.runs[0].records[stream] for stream in messages.runs[0].keys)


def test_what_a_schema_does_not_know_has_a_column(messages: Messages) -> None:
    for stream, schema in messages.runs[0].schemas.items():
        assert "_extra" in schema["properties"], stream


@pytest.mark.targets
@pytest.mark.parametrize("name", TARGETS)
def test_every_value_arrives(
    messages: Messages, name: str, place: Place, record_property: Callable[[str, str], None]
) -> None:
    record_property("target", name)
    record_property("mode", messages.mode)
    target = TARGETS[name]
    for file in messages.files:
        returncode, log = target.load(file, place)
        assert returncode == 0, log[-5000:]
    assert_loaded(target, place, messages)


def assert_loaded(target: Target, place: Place, messages: Messages) -> None:
    """The target has the last record of each key, value by value, and no other row."""
    found = target.rows(place, target.programs)
    for stream, wanted in messages.last_records().items():
        schema = messages.runs[-1].schemas[stream]["properties"]
        keys = messages.runs[-1].keys[stream]
        loaded = [
            {
                name: target.comparable(row[name.lower() if target.lower else name], each)
                for name, each in schema.items()
            }
            for row in found[stream]
        ]
        table = {tuple(row[key] for key in keys): row for row in loaded}
        assert target.appends or len(table) == len(loaded), f"{stream}: a key comes twice"
        assert len(table) == len(wanted), stream
        for record in wanted.values():
            row = {name: target.comparable(record.get(name), each) for name, each in schema.items()}
            there = table[tuple(row[key] for key in keys)]
            changed = {name: (there[name], row[name]) for name in row if there[name] != row[name]}
            assert changed == {}, stream


@pytest.mark.targets
@pytest.mark.parametrize("name", TRANSLATORS)
def test_every_schema_translates(
    messages: Messages, name: str, record_property: Callable[[str, str], None]
) -> None:
    record_property("target", name)
    record_property("mode", messages.mode)
    translator = TRANSLATORS[name]
    for file, run in zip(messages.files, messages.runs, strict=True):
        made = translator.translate(file)
        assert made.problems == []
        assert {stream: [*columns] for stream, columns in made.columns.items()} == {
            stream: [*schema["properties"]] for stream, schema in run.schemas.items()
        }
        for stream, schema in run.schemas.items():
            for column, each in schema["properties"].items():
                for kind, types in translator.types.items():
                    if kind in each["type"] or kind == each.get("format"):
                        assert made.columns[stream][column] in types, (stream, column)
        # Known of BigQuery's Storage Write API: an object is no text. A flattened one is.
        assert not (made.refused and messages.mode == "flattened")


@pytest.mark.targets
@pytest.mark.parametrize(("columns", "loaded"), [(["k", "x"], 1), (["k"], None)])
def test_target_duckdb_still_has_its_known_faults(
    columns: list[str], loaded: int | None, place: Place
) -> None:
    schema = {"properties": {name: {"type": "string"} for name in columns}}
    lines = [{"type": "SCHEMA", "stream": "s", "schema": schema, "key_properties": ["k"]}] + [
        {"type": "RECORD", "stream": "s", "record": dict.fromkeys(columns, value)}
        for value in ("one", "two")
    ]
    file = place.folder / "messages"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    target = TARGETS["target-duckdb"]
    returncode, _ = target.load(file, place)
    # Where one of them is mended, it is no longer to be told.
    assert bool(returncode) == (loaded is None)
    if loaded is not None:
        assert len(target.rows(place, target.programs)["s"]) == loaded
