"""A stream map that cannot work ends in a sentence, which names stream, member and expression."""

from __future__ import annotations

import typing as t

import pytest

if t.TYPE_CHECKING:
    from tests.clari.conftest import Copilot
    from tests.running import Record

EXPRESSIONS = (
    *("md5(", "name +", "", " ", "x = 1", "(" * 300 + "1" + ")" * 300),
    *("nope", "nope(name)", "lambda: 1", "__import__('os')", "int(name)", "1 / 0"),
)
"""Those that cannot be read, and those that cannot be computed."""


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_that_fails_is_named(copilot: Copilot, expression: str) -> None:
    maps = {"topics": {"name": "md5("}, "u*": {"email": "name", "name": expression}}
    assert_refused(copilot, maps, "name is ", repr(expression)[:40])


@pytest.mark.parametrize("member", ["__filter__", "__alias__"])
def test_an_expression_that_is_no_column_is_named_too(copilot: Copilot, member: str) -> None:
    assert_refused(copilot, {"users": {member: "name =="}}, f"{member} is ", "'name =='")


def test_a_copy_of_a_stream_is_named_with_its_stream(copilot: Copilot) -> None:
    maps = {"copy": {"__source__": "users", "name": "md5("}}
    assert_refused(copilot, maps, "name is ", "'md5('")


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        ({"id": None}, "'id'"),
        ({"__key_properties__": ["nope"]}, "'nope'"),
        ({"__else__": None, "name": "name"}, "'id'"),
    ],
)
def test_a_key_that_a_map_drops_is_named(copilot: Copilot, definition: Record, words: str) -> None:
    assert_refused(copilot, {"users": definition}, "key", words)


@pytest.mark.parametrize("expression", ["None", "''"])
def test_a_key_that_a_map_empties_is_named(copilot: Copilot, expression: str) -> None:
    assert_refused(copilot, {"users": {"id": expression}}, "key", "'id'", "null or empty")


def test_a_key_that_a_map_leaves_out_is_none(copilot: Copilot) -> None:
    definition = {"id": None, "mail": "email", "__key_properties__": ["mail"]}
    run = copilot.tap.run("users", stream_maps={"users": definition})
    assert run.returncode == 0, run.log
    assert run.keys["users"] == ["mail"]
    assert all("id" not in each and each["mail"] for each in run.records["users"])


def test_an_option_that_does_not_exist_is_named(copilot: Copilot) -> None:
    run = copilot.tap.run("users", stream_maps={"__nope__": None})
    assert run.returncode == 1
    assert "Traceback" not in run.log
    assert "'__nope__" in run.last_word


def test_each_column_is_there_for_a_map(copilot: Copilot) -> None:
    columns = copilot.tap.run("users").schemas["users"]["properties"]
    assert "_extra" in columns
    run = copilot.tap.run("users", stream_maps={"*": {name: name for name in columns}})
    assert run.returncode == 0, run.log
    assert all(record.keys() == columns.keys() for record in run.records["users"])


def test_faker_is_named_where_it_is_not_installed(copilot: Copilot) -> None:
    assert_refused(copilot, {"users": {"name": "fake.name()"}}, "pip install faker")
    run = copilot.tap.run("users", faker_config={"seed": 1})
    assert run.returncode == 1
    assert "faker_config" in run.last_word
    assert "pip install faker" in run.last_word


def test_maps_of_streams_that_are_not_read_are_no_error(copilot: Copilot) -> None:
    maps = {"*": {"_extra": None}, "topics": {"name": "md5("}, "none": {"name": "md5("}}
    run = copilot.tap.run("users", stream_maps=maps)
    assert run.returncode == 0, run.log
    assert run.records["users"]


def assert_refused(copilot: Copilot, maps: Record, *words: str) -> None:
    """The last line names the setting, the stream and these."""
    run = copilot.tap.run("users", stream_maps=maps)
    assert run.returncode == 1
    assert "Traceback" not in run.log
    for word in ("stream_maps", "'users'", *words):
        assert word in run.last_word
    assert not run.records
