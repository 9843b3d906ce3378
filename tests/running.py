"""Run a tap as Meltano does: its own command, in a process of its own, and read what it writes."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import subprocess
import sys
import tempfile
import typing as t
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from tests.forking import Forked

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

BIN = Path(sys.executable).parent
TIME_LIMIT = 300
"""Seconds after which a run of a tap is a failure."""

Record = dict[str, t.Any]


@dataclass
class Run:
    """What a run of a tap left behind."""

    returncode: int
    lines: list[str]
    log: str
    schemas: dict[str, Record] = field(default_factory=dict)
    keys: dict[str, list[str]] = field(default_factory=dict)
    records: defaultdict[str, list[Record]] = field(default_factory=lambda: defaultdict(list))
    states: list[Record] = field(default_factory=list)

    def __post_init__(self) -> None:
        for line in self.lines:
            message = json.loads(line)
            if message["type"] == "RECORD":
                self.records[message["stream"]].append(message["record"])
            elif message["type"] == "SCHEMA":
                self.schemas[message["stream"]] = message["schema"]
                self.keys[message["stream"]] = message["key_properties"]
            elif message["type"] == "STATE":
                self.states.append(message["value"])

    @property
    def state(self) -> Record:
        """The last state that the run wrote."""
        return self.states[-1]

    def kept(self, stream: str) -> list[Record]:
        """The records of a stream that came before the last state: what a target has for sure."""
        found: list[Record] = []
        pending: list[Record] = []
        for line in self.lines:
            message = json.loads(line)
            if message["type"] == "STATE":
                found += pending
                pending = []
            elif message["type"] == "RECORD" and message["stream"] == stream:
                pending.append(message["record"])
        return found

    def bookmark(self, stream: str) -> t.Any:  # noqa: ANN401
        """The stream's bookmark in the last state."""
        return self.state["bookmarks"][stream]["replication_key_value"]

    def ids(self, stream: str, key: str = "id") -> list[t.Any]:
        """The keys of a stream's records, in the order they came in."""
        return [record[key] for record in self.records[stream]]

    def by_id(self, stream: str, key: str = "id") -> dict[t.Any, Record]:
        """The stream's records by key, the last of each."""
        return {record[key]: record for record in self.records[stream]}

    @property
    def warnings(self) -> list[str]:
        """The tap's own lines of the log at WARNING or above; not Python's of its own age."""
        return [
            line
            for line in self.log.splitlines()
            if "| py.warnings " not in line
            and any(f"| {level}" in line for level in ("WARNING", "ERROR", "CRITICAL"))
        ]

    @property
    def last_word(self) -> str:
        """The last line of the log, without time, level and logger."""
        lines = self.log.splitlines() or [""]
        return lines[-1].split("|", 3)[-1].strip()

    def assert_told(self, *words: str, secrets: Iterable[str] = ()) -> None:
        """It ended in one sentence with these words, exit code 1, and gave no secret away."""
        assert self.returncode == 1
        assert "Traceback" not in self.log
        lines = self.log.splitlines()
        [error] = [line for line in lines if "| ERROR" in line or "| CRITICAL" in line]
        assert self.last_word in error
        for word in words:
            assert word in self.last_word, self.last_word
        for secret in secrets:
            assert secret not in self.log


@dataclass
class Tap:
    """A tap's command.

    Args:
        name: The command.
        config: Its settings.
    """

    name: str
    config: Mapping[str, t.Any]

    def run(
        self,
        *streams: str,
        state: Record | None = None,
        catalog: Record | None = None,
        **settings: t.Any,
    ) -> Run:
        """Sync to the end: all streams that are selected by default, or only those named."""
        returncode, out, log = self.output(
            streams=streams, state=state, catalog=catalog, **settings
        )
        return Run(returncode, out.split("\n")[:-1], log)

    def discover(self, **settings: t.Any) -> Record:
        """The catalog that the tap discovers with its settings."""
        returncode, out, log = self.output("--discover", **settings)
        assert returncode == 0, log
        catalog: Record = json.loads(out)
        return catalog

    def output(
        self,
        *args: str,
        streams: Sequence[str] = (),
        state: Record | None = None,
        catalog: Record | None = None,
        **settings: t.Any,
    ) -> tuple[int, str, str]:
        """Run with any options, and return exit code, output and log."""
        with self.started(*args, streams=streams, state=state, catalog=catalog, **settings) as (
            process,
            log,
        ):
            try:
                out, _ = process.communicate(timeout=TIME_LIMIT)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
            return process.returncode, out, log.read_text(encoding="utf-8")

    def run_until(
        self,
        stop: t.Callable[[str], bool],
        *streams: str,
        signal_number: int = signal.SIGKILL,
        is_all_read: bool = False,
        state: Record | None = None,
        **settings: t.Any,
    ) -> Run:
        """Sync, and end the tap by a signal at the line of its output that is looked for.

        What a tap wrote up to its end counts, as it would for a target at the other end. Of one
        that is killed, only what it wrote up to that line: its target is taken to be killed with
        it. On a busy machine the tap would be further, or done, before the signal comes. With
        `is_all_read` its target reads what it wrote after that line too, such as a job it started.
        """
        is_killed = signal_number == signal.SIGKILL and not is_all_read
        lines: list[str] = []
        with self.started(streams=streams, state=state, **settings) as (process, log):
            try:
                is_reached = False
                for line in t.cast("t.IO[str]", process.stdout):
                    if is_reached and is_killed:
                        continue
                    lines.append(line)
                    if not is_reached and stop(line):
                        is_reached = True
                        process.send_signal(signal_number)
                process.wait(timeout=TIME_LIMIT)
            except BaseException:
                # Else it would be waited for, and it for its reader.
                process.kill()
                raise
            # A tap may leave half a line, which no target takes for a message.
            whole = "".join(lines).split("\n")[:-1]
            returncode = -signal_number if is_reached and is_killed else process.returncode
            return Run(returncode, whole, log.read_text(encoding="utf-8"))

    @contextlib.contextmanager
    def started(
        self,
        *args: str,
        streams: Sequence[str] = (),
        state: Record | None = None,
        catalog: Record | None = None,
        **settings: t.Any,
    ) -> Iterator[tuple[Forked, Path]]:
        """Start the process; its log goes to a file.

        Without a catalog, one that was discovered without settings has the streams.
        """
        with tempfile.TemporaryDirectory(prefix="tap-run-") as name:
            folder = Path(name)
            options = {"config": {**self.config, **settings}}
            if state is not None:
                options["state"] = state
            if streams:
                options["catalog"] = selected(catalog or discovered(self.name), streams)
            elif catalog:
                options["catalog"] = catalog
            command = [str(BIN / self.name), *args]
            for option, content in options.items():
                file = folder / f"{option}.json"
                file.write_text(json.dumps(content), encoding="utf-8")
                command += [f"--{option}", str(file)]
            with (
                (folder / "log").open("w") as log,
                Forked(command, log.fileno(), environment()) as process,
            ):
                yield process, folder / "log"


def environment() -> dict[str, str]:
    """The variables that a tap is started with."""
    # A tap reads no setting from the surroundings here, nor a proxy of theirs for plain HTTP.
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TAP_", "TARGET_"))
        and name.lower() not in {"http_proxy", "all_proxy"}
    }


@functools.cache
def _discovered(name: str) -> str:
    return subprocess.run(
        [BIN / name, "--discover"], check=True, capture_output=True, text=True
    ).stdout


def discovered(name: str) -> Record:
    """The catalog that a tap discovers without settings."""
    catalog: Record = json.loads(_discovered(name))
    return catalog


def selected_by_default(name: str) -> dict[str, bool]:
    """The streams of a tap without settings, and whether it selects each by itself."""
    return {
        entry["tap_stream_id"]: metadata["metadata"]["selected-by-default"]
        for entry in discovered(name)["streams"]
        for metadata in entry["metadata"]
        if not metadata["breadcrumb"]
    }


def select(name: str, streams: Iterable[str]) -> Record:
    """The tap's catalog with only these streams selected."""
    return selected(discovered(name), streams)


def selected(catalog: Record, streams: Iterable[str]) -> Record:
    """The catalog with only these streams selected."""
    wanted = set(streams)
    assert wanted <= {entry["tap_stream_id"] for entry in catalog["streams"]}
    for entry in catalog["streams"]:
        for metadata in entry["metadata"]:
            if not metadata["breadcrumb"]:
                metadata["metadata"]["selected"] = entry["tap_stream_id"] in wanted
    return catalog


def carefully(name: str, stream: str) -> Record:
    """The tap's catalog with a column deselected that there is not: so the quick way is closed."""
    catalog = discovered(name)
    [entry] = [each for each in catalog["streams"] if each["tap_stream_id"] == stream]
    entry["metadata"].append(
        {"breadcrumb": ["properties", "none"], "metadata": {"selected": False}}
    )
    return catalog


def lines_of(run: Run, stream: str) -> list[str]:
    """The records of a stream as JSON, whatever the order of their members."""
    return [json.dumps(each, sort_keys=True) for each in run.records[stream]]


def walk(schema: Record, path: str = "") -> Iterator[tuple[str, Record]]:
    """Every property of a schema at every depth, with its path."""
    for name, member in schema.get("properties", {}).items():
        yield f"{path}{name}", member
        yield from walk(member, f"{path}{name}.")
    if "items" in schema:
        yield f"{path}[]", schema["items"]
        yield from walk(schema["items"], f"{path}[].")
