"""Files of a user: catalogs and states of any shape end in a sentence."""

from __future__ import annotations

import io
import json
import typing as t

import pytest
from singer_sdk.exceptions import ConfigurationError
from tap_clari.kit.inputs import checked_catalog, checked_state, read_object, stream_state_error
from tap_clari.kit.stream import StreamState

OTHERS: list[t.Any] = [None, 5, 1.5, "x", True, [], [1], {}, {"a": 1}]


def nodes(value: t.Any, path: tuple[t.Any, ...] = ()) -> t.Iterator[tuple[t.Any, ...]]:  # noqa: ANN401
    """The paths of all nodes of a value."""
    yield path
    if isinstance(value, dict | list):
        for name, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from nodes(each, (*path, name))


def replaced(value: t.Any, path: tuple[t.Any, ...], other: t.Any) -> t.Any:  # noqa: ANN401
    """The value with another node at a path."""
    if not path:
        return other
    copied = value.copy()
    copied[path[0]] = replaced(value[path[0]], path[1:], other)
    return copied


def refusal(check: t.Callable[[], object]) -> str | None:
    """The sentence that a check ends in; `None` if it passes."""
    try:
        check()
    except ConfigurationError as error:
        return str(error)
    return None


def as_file(value: t.Any) -> io.BytesIO:  # noqa: ANN401
    """The value as a file."""
    return io.BytesIO(json.dumps(value).encode())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_utf_8_is_read_with_and_without_a_mark(encoding: str) -> None:
    assert read_object('{"ä": 1}'.encode(encoding), "--config") == {"ä": 1}


@pytest.mark.parametrize(
    "content",
    [
        '{"ä": 1}'.encode("utf-16"),
        '{"ä": 1}'.encode("latin-1"),
        b"",
        b"{",
        b"[]",
        b"null",
        b"5",
        b'{"a": 1}}',
        b"[" * 100_000,
    ],
    ids=lambda content: repr(content[:12]),
)
def test_what_is_no_object_in_utf_8_is_a_sentence(content: bytes) -> None:
    with pytest.raises(ConfigurationError, match=r"The file given with --state .*\.$"):
        read_object(content, "--state")


CATALOG = {
    "streams": [
        {
            "tap_stream_id": "calls",
            "stream": "calls",
            "schema": {"properties": {"id": {"type": ["null", "string"]}}},
            "metadata": [{"breadcrumb": ["properties", "id"], "metadata": {"selected": True}}],
            "key_properties": ["id"],
            "replication_key": None,
        }
    ]
}


def test_every_node_of_a_catalog_may_be_something_else() -> None:
    for path in nodes(CATALOG):
        for other in OTHERS:
            error = refusal(lambda: checked_catalog(as_file(replaced(CATALOG, path, other))))  # noqa: B023
            assert error is None or error.startswith("The file given with --catalog")


STATE = {"bookmarks": {"calls": {"replication_key": "x", "partitions": [{"context": {"a": 1}}]}}}


def test_every_node_of_a_state_may_be_something_else() -> None:
    for path in nodes(STATE):
        for other in OTHERS:
            file = as_file(replaced(STATE, path, other))
            error = refusal(lambda: checked_state(file))  # noqa: B023
            if error is not None:
                assert error.startswith("The file given with --state")
                continue
            file.seek(0)
            for stream_state in json.load(checked_state(file))["bookmarks"].values():
                wrong = stream_state_error("calls", stream_state, StreamState)
                assert wrong is None or wrong.startswith("The state of the stream 'calls'")


@pytest.mark.parametrize("bookmarks", [None, {}, {"calls": None}])
def test_a_stream_that_is_null_begins_anew(bookmarks: object) -> None:
    assert json.load(checked_state(as_file({"bookmarks": bookmarks}))) == {"bookmarks": {}}


@pytest.mark.parametrize("around", ["value", "singer_state"])
def test_a_state_within_something_else_is_refused(around: str) -> None:
    state = {around: {"bookmarks": {"calls": {"replication_key_value": "2026-01-01T00:00:00Z"}}}}
    sentence = refusal(lambda: checked_state(io.BytesIO(json.dumps(state).encode())))
    assert sentence
    assert "has no bookmarks" in sentence
    assert refusal(lambda: checked_state(io.BytesIO(b"{}"))) is None
