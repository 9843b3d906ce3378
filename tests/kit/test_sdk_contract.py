"""The private and final parts of the SDK that the kit stands in for.

Each test fails when the SDK changes such a part, before a user loses a row by it.
"""

from __future__ import annotations

import inspect
import typing as t

import pytest
from singer_sdk import Stream, Tap
from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.helpers._util import utc_now
from singer_sdk.plugin_base import PluginBase
from singer_sdk.singerlib.messages import RecordMessage
from tap_clari.kit.cli import UNHANDLED
from tap_clari.kit.shutdown import AtomicWriter
from tap_clari.kit.stream import ApiStream
from tap_clari.kit.tap import ApiTap

if t.TYPE_CHECKING:
    import types


@pytest.mark.parametrize(
    ("base", "ours", "name"),
    [
        (Stream, ApiStream, "_increment_stream_state"),
        (Stream, ApiStream, "compare_start_date"),
        (PluginBase, ApiTap, "_validate_config"),
        (PluginBase, ApiTap, "_handle_termination"),
        (Tap, ApiTap, "sync_all"),
        (Tap, ApiTap, "setup_mapper"),
    ],
)
def test_what_is_overridden_is_there(base: type, ours: type, name: str) -> None:
    theirs, mine = (inspect.signature(getattr(each, name)) for each in (base, ours))
    assert list(mine.parameters) == list(theirs.parameters)
    assert name in vars(ours)


def test_the_sdk_moves_bookmarks_by_the_method_that_is_switched_off() -> None:
    source = inspect.getsource(Stream._sync_records)  # noqa: SLF001
    assert source.count("self._increment_stream_state(") == 1
    assert "increment_state(" not in source.replace("self._increment_stream_state(", "")


def test_the_loop_of_a_run_does_what_the_sdk_s_does() -> None:
    """Whatever the SDK adds to its loop has to be looked at, and added to ours."""
    called = [
        name
        for name in Tap.sync_all.__code__.co_names
        if not name.startswith("__") and name not in {"logger", "debug", "info", "type"}
    ]
    assert called == [
        "_reset_state_progress_markers",
        "_set_compatible_replication_methods",
        "state",
        "_state_writer",
        "write_state",
        "streams",
        "values",
        "selected",
        "has_selected_descendents",
        "name",
        "parent_stream_type",
        "sync",
        "finalize_state_progress_markers",
        "log_sync_costs",
    ]


def test_the_configuration_is_checked_when_a_tap_is_made() -> None:
    source = inspect.getsource(PluginBase.__init__)
    assert "self._validate_config(" in source
    assert "self._config = " in source


def test_a_message_is_written_as_the_sdk_formats_it(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    writer = AtomicWriter()
    for number in (1, 2):
        writer.write_message(RecordMessage(stream="s", record={"id": number}))
    writer.flush()
    lines = capfdbinary.readouterr().out.splitlines()
    assert [line.count(b'"record":{"id":') for line in lines] == [1, 1]


def test_the_line_that_the_command_leaves_out_is_the_sdk_s() -> None:
    assert UNHANDLED in inspect.getsource(Stream.sync)


@pytest.mark.parametrize(
    ("method", "called"),
    [
        (
            Stream._write_record_message,  # noqa: SLF001
            ["_generate_record_messages", "_tap", "write_message", "state_manager", "is_flushed"],
        ),
        (
            Stream._generate_record_messages,  # noqa: SLF001
            [
                "effective_schema",
                "pop_deselected_record_properties",
                "schema",
                "mask",
                "conform_record_data_types",
                "name",
                "TYPE_CONFORMANCE_LEVEL",
                "logger",
                "stream_maps",
                "transform",
                "singer",
                "RecordMessage",
                "stream_alias",
                "_stream_version",
                "utc_now",
            ],
        ),
        (
            Stream._process_record,  # noqa: SLF001
            [
                "items",
                "generate_child_contexts",
                "stream_maps",
                "get_filter_result",
                "_sync_children",
                "copy",
            ],
        ),
    ],
)
def test_what_is_left_out_for_a_record_is_what_the_sdk_does(
    method: types.FunctionType, called: list[str]
) -> None:
    """Whatever the SDK adds to the path of a record has to be looked at."""
    assert list(method.__code__.co_names) == called


def test_a_record_is_written_as_the_sdk_writes_it(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    message = RecordMessage(stream="s", record={"id": 1}, version=3, time_extracted=utc_now())
    writer = AtomicWriter()
    writer.write_message(message)
    writer.flush()
    MsgSpecWriter().write_message(message)
    ours, theirs = capfdbinary.readouterr().out.splitlines()
    assert ours == theirs
