"""Records wait for others to be written with, though not for long, and never for a state."""

from __future__ import annotations

import io
import sys
import time
import typing as t

import pytest
from singer_sdk.singerlib.messages import RecordMessage, StateMessage
from tap_clari.kit.shutdown import BUFFER_SIZE, AtomicWriter


class Output(io.BytesIO):
    """Remembers what came in one write; takes a part of it, if it is to be slow."""

    def __init__(self, most: int = sys.maxsize) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self._most = most

    def write(self, data: t.Any) -> int:  # noqa: ANN401 - any buffer
        """Take it."""
        self.writes.append(bytes(data[: self._most]))
        return super().write(self.writes[-1])


def captured(monkeypatch: pytest.MonkeyPatch, most: int = sys.maxsize) -> Output:
    """The output of the process from now on; no fixture, since pytest has its own output then."""
    output = Output(most)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(output))
    return output


def record(number: int) -> RecordMessage:
    """A message of a hundred bytes or so."""
    return RecordMessage(stream="s", record={"id": number, "text": "x" * 50})


def test_records_are_written_many_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    output = captured(monkeypatch)
    writer = AtomicWriter()
    for number in range(10_000):
        writer.write_message(record(number))
    writer.flush()
    written = output.getvalue()
    assert written.count(b"\n") == 10_000
    assert len(output.writes) <= len(written) // BUFFER_SIZE + 1
    assert all(each.endswith(b"\n") for each in output.writes)


def test_a_state_comes_after_its_records_and_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    output = captured(monkeypatch)
    writer = AtomicWriter()
    for number in (1, 2):
        writer.write_message(record(number))
        writer.write_message(StateMessage({"read": number}))
        kinds = [line.split(b'"')[3] for line in output.getvalue().splitlines()]
        assert kinds == [b"RECORD", b"STATE"] * number


def test_a_record_does_not_wait_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    output = captured(monkeypatch)
    writer = AtomicWriter()
    for number in (1, 2):
        writer.write_message(record(number))
        end = time.monotonic() + 10
        while output.getvalue().count(b"\n") < number and time.monotonic() < end:
            time.sleep(0.05)
        assert output.getvalue().count(b"\n") == number


def test_a_signal_acts_after_the_records_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    output = captured(monkeypatch)
    writer = AtomicWriter()
    with writer.uninterrupted():
        writer.write_message(record(1))
        writer.run_after_message(lambda: writer.write_message(StateMessage({})))
        assert output.getvalue() == b""
    assert [line[9:14] for line in output.getvalue().splitlines()] == [b"RECOR", b"STATE"]


def test_what_cannot_be_encoded_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    output = captured(monkeypatch)
    deep: list[t.Any] = []
    for _ in range(5000):
        deep = [deep]
    writer = AtomicWriter()
    writer.write_message(record(1))
    with pytest.raises(RecursionError):
        writer.write_message(RecordMessage(stream="s", record={"text": "y" * 500, "deep": deep}))
    writer.write_message(record(2))
    writer.flush()
    assert [line.count(b"yyy") for line in output.getvalue().splitlines()] == [0, 0]


def test_output_that_takes_a_part_gets_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    output = captured(monkeypatch, most=7)
    writer = AtomicWriter()
    writer.write_message(record(1))
    writer.flush()
    assert output.getvalue() == AtomicWriter().format_message(record(1))
