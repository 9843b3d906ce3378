"""A run that is stopped while the target takes its time: no message is cut, the state is last."""

from __future__ import annotations

import fcntl
import json
import signal
import struct
import subprocess
import termios
import time
import typing as t
from pathlib import Path

import pytest

from tests.gladly.truth import ago
from tests.running import BIN

if t.TYPE_CHECKING:
    from tests.gladly.conftest import Start

SIZE = 6_000_000
"""Characters of a record: a pipe holds a hundredth of it."""


def waiting_to_be_read(pipe: t.IO[str]) -> int:
    """How many bytes a pipe holds."""
    found = fcntl.ioctl(pipe.fileno(), termios.FIONREAD, b"\0" * 4)
    size: int = struct.unpack("i", found)[0]
    return size


@pytest.mark.parametrize("unbuffered", ["1", ""])
def test_a_signal_cuts_no_message_that_is_being_written(
    start: Start, monkeypatch: pytest.MonkeyPatch, unbuffered: str
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    gladly = start(history_days=0)
    gladly.sandbox.exports.add(
        start=ago(days=1),
        end=ago(hours=2),
        updated=ago(hours=1),
        files={"topics.jsonl": [{"id": str(n), "name": "x" * SIZE} for n in range(2)]},
    )
    with gladly.tap.started(streams=("export_topics",)) as (process, log):
        assert process.stdout
        # The pipe is full as soon as the first record is being written.
        end = time.monotonic() + 60
        while waiting_to_be_read(process.stdout) < 60_000:
            assert time.monotonic() < end, log.read_text(encoding="utf-8")
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        time.sleep(1)
        assert process.poll() is None
        out, _ = process.communicate(timeout=60)
        text = log.read_text(encoding="utf-8")
    assert process.returncode == 143, text
    assert out.endswith("\n")
    messages = [json.loads(line) for line in out.split("\n")[:-1]]
    names = [len(each["record"]["name"]) for each in messages if each["type"] == "RECORD"]
    assert names == [SIZE]
    assert messages[-1]["type"] == "STATE"
    assert "Traceback" not in text


def test_an_output_without_room_ends_in_a_sentence(start: Start, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(start(history_days=0).tap.config), encoding="utf-8")
    command = [str(BIN / "tap-gladly"), "--config", str(config)]
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        run = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    log = run.stderr.decode()
    assert run.returncode == 1
    assert "Traceback" not in log
    assert "make room there" in log.splitlines()[-1]
