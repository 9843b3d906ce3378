"""From bytes to sound JSON, and to the records in it."""

from __future__ import annotations

import json

import pytest
from tap_clari.kit.decoding import (
    Answer,
    check_record,
    decode_list,
    decode_object,
    raw_errors,
    sanitize_json,
)
from tap_clari.kit.errors import MalformedBodyError, UnexpectedResponseError


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": "\\u0000"}', {"a": "\ufffd"}),
        (b'{"a\\u0000": 1}', {"a\ufffd": 1}),
        (b'["\\ud83d", "\\ud83d\\ude00"]', ["\ufffd", "\U0001f600"]),
        (b'"\xff"', "\ufffd"),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'"a\x01b"', "a\x01b"),
        (b"[1, 1.5, true, null]", [1, 1.5, True, None]),
    ],
)
def test_what_no_target_can_hold_is_replaced(body: bytes, value: object) -> None:
    assert json.loads(sanitize_json(body)) == value


@pytest.mark.parametrize("body", [b"", b"{", b'{"a": 1', b"<html></html>", b"[" * 100_000])
def test_what_is_no_json(body: bytes) -> None:
    with pytest.raises(MalformedBodyError) as error:
        sanitize_json(body)
    assert error.value.wanted == "JSON"


def answer(value: object) -> Answer:
    return Answer("/things", json.dumps(value).encode(), {})


@pytest.mark.parametrize(
    "body",
    [
        [{"id": 1}],
        {"things": [{"id": 1}]},
        {"others": [{"id": 1}]},
        {"things": None, "others": [{"id": 1}]},
        {"things": [{"id": 1}], "others": [{"id": 2}]},
    ],
)
def test_a_list_comes_bare_or_under_one_of_its_names(body: object) -> None:
    assert decode_list(answer(body), "things", "others") == [{"id": 1}]


@pytest.mark.parametrize("body", [{}, 5, None, "x", {"things": None}, {"things": {}}, [5], [None]])
def test_what_is_no_list_of_records(body: object) -> None:
    with pytest.raises(UnexpectedResponseError) as error:
        decode_list(answer(body), "things", "others")
    assert error.value.path == "/things"


@pytest.mark.parametrize("body", [[], 5, None, "x"])
def test_what_is_no_object(body: object) -> None:
    with pytest.raises(UnexpectedResponseError):
        decode_object(answer(body))
    with pytest.raises(UnexpectedResponseError):
        decode_object(answer({"thing": body}), "thing")


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ({"code": "x"}, ["x"]),
        ([{"code": "x"}, {"code": "y"}, 5], ["x", "y"]),
        ({"errors": [{"code": "x"}]}, ["x"]),
        ({"errors": {"code": "x"}}, ["x"]),
        ({"errors": None}, []),
        ("x", []),
    ],
)
def test_errors_come_in_any_shape(body: object, codes: list[str]) -> None:
    assert [each["code"] for each in raw_errors(json.dumps(body).encode())] == codes


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"[" * 100_000])
def test_no_errors(body: bytes) -> None:
    assert raw_errors(body) == []


@pytest.mark.parametrize(
    "found",
    [
        {"id": "1"},
        {"id": 1, "name": "n"},
        {"id": "1", "new": 1},
        {"id": "1", "name": "n", "errors": []},
        {"name": "n"},
    ],
)
def test_what_is_a_record(found: dict[str, object]) -> None:
    check_record("/x", found, {"id", "name", "status"})


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"new": 1},
        {"id": None, "message": "m"},
        {"id": "1", "errors": []},
        {"status": "error", "message": "m"},
    ],
)
def test_what_is_no_record(found: dict[str, object]) -> None:
    with pytest.raises(UnexpectedResponseError):
        check_record("/x", found, {"id", "name", "status"})
