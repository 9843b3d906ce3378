"""What each tap writes of the sandbox's accounts, in each of the ways that a user may set."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from tests import impatient
from tests.clari.conftest import config as copilot_config
from tests.clari.conftest import revenue_config
from tests.gladly.conftest import config as gladly_config
from tests.running import Record, Run, Tap
from tests.sandbox.copilot import CopilotSandbox
from tests.sandbox.gladly import GladlySandbox
from tests.sandbox.revenue import RevenueSandbox

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TAPS = ("tap-clari", "tap-gladly")


@dataclass(frozen=True)
class Mode:
    """A way to run a tap.

    Attributes:
        settings: The tap's, made of the catalog that it discovers without them.
        catalog: Changes that catalog.
        again: Whether there is a later run as well, of what has changed.
    """

    settings: Callable[[Record], Record] = lambda _: {}
    catalog: Callable[[Record], None] = lambda _: None
    again: bool = False


def privacy_map(catalog: Record) -> Record:
    """Hashes each e-mail address and drops what people said, wherever a stream has them."""
    maps: Record = {}
    for entry in catalog["streams"]:
        changes = maps[entry["tap_stream_id"]] = {}
        for name, schema in entry["schema"]["properties"].items():
            if name in entry["key_properties"]:
                continue
            if "email" in name.lower() and "string" in schema["type"]:
                changes[name] = f"md5(record[{name!r}]) if record.get({name!r}) else None"
            elif name in {"transcript", "summary", "content", "body", "chunks"}:
                changes[name] = None
    return {"stream_maps": {stream: changes for stream, changes in maps.items() if changes}}


def deselect(catalog: Record) -> None:
    """Deselects every third property, at any depth, but what a stream or target cannot miss."""
    for entry in catalog["streams"]:
        kept = {*entry["key_properties"], entry.get("replication_key"), "_extra"}
        properties = [each for each in entry["metadata"] if each["breadcrumb"]]
        for metadata in properties[::3]:
            if metadata["breadcrumb"][1] not in kept:
                metadata["metadata"]["selected"] = False


MODES = {
    "first and later run": Mode(again=True),
    "flattened": Mode(lambda _: {"flattening_enabled": True, "flattening_max_depth": 3}),
    "privacy map": Mode(privacy_map),
    "selected columns": Mode(catalog=deselect),
}


@dataclass
class Messages:
    """What a tap wrote.

    Attributes:
        mode: The name of the mode that it ran in.
        files: A file for each run.
        runs: What is in it.
    """

    mode: str
    files: list[Path]
    runs: list[Run] = field(init=False)

    def __post_init__(self) -> None:
        texts = [file.read_text(encoding="utf-8") for file in self.files]
        self.runs = [Run(0, text.split("\n")[:-1], "") for text in texts]

    def last_records(self) -> dict[str, dict[tuple[t.Any, ...], Record]]:
        """What a target has to hold: of each stream and key, the last record."""
        return {
            stream: {
                tuple(record[name] for name in keys): record
                for run in self.runs
                for record in run.records[stream]
            }
            for stream, keys in self.runs[0].keys.items()
        }


def write_messages(tap_name: str, mode_name: str, folder: Path) -> None:
    """Run a tap as the mode has it, once or twice.

    Args:
        tap_name: The tap.
        mode_name: The mode.
        folder: Where the files go.
    """
    mode = MODES[mode_name]
    with _ACCOUNTS[tap_name](folder) as (tap, lives_on):
        catalog = tap.discover()
        settings = mode.settings(catalog)
        mode.catalog(catalog)
        for entry in catalog["streams"]:
            for metadata in entry["metadata"]:
                if not metadata["breadcrumb"]:
                    metadata["metadata"]["selected"] = True
        state = None
        for number in range(2 if mode.again else 1):
            if number:
                lives_on()
            run = tap.run(catalog=catalog, state=state, **settings)
            assert run.returncode == 0, run.log
            state = run.state
            text = "".join(f"{line}\n" for line in run.lines)
            (folder / f"{number}.jsonl").write_text(text, encoding="utf-8")


@contextlib.contextmanager
def _clari(_: Path) -> Iterator[tuple[Tap, Callable[[], None]]]:
    with CopilotSandbox(calls=40, requests_per_second=None) as copilot, RevenueSandbox() as revenue:
        revenue.exports.seconds = 0.1
        sales = revenue.account
        settings = {
            **copilot_config(copilot),
            **revenue_config(revenue),
            "partner_key": revenue.partner_key,
            "ingest_job_ids": [*sales.ingest_jobs],
        }

        def lives_on() -> None:
            account, now = copilot.account, datetime.now(timezone.utc)
            for call_id in account.call_ids(private=False)[:4]:
                account.touch(call_id, modified=f"{now:%Y-%m-%dT%H:%M:%SZ}", status="PROCESSED")
                account.override(call_id, title="Changed \U0001f600 \u2028 since")
            sales.restate()
            sales.add_activity(now)
            sales.add_audit_event(now)

        yield Tap("tap-clari", settings), lives_on


@contextlib.contextmanager
def _gladly(folder: Path) -> Iterator[tuple[Tap, Callable[[], None]]]:
    with GladlySandbox() as gladly:
        start = datetime.now(timezone.utc) - timedelta(days=20)
        settings = gladly_config(gladly, start_date=f"{start:%Y-%m-%d}")

        def lives_on() -> None:
            now = datetime.now(timezone.utc)
            gladly.account.agents[0]["name"] = "Somebody \U0001f600 \u2028 Else"
            [*_, last] = gladly.exports.jobs
            gladly.exports.add(
                start=now - timedelta(hours=1), end=now, updated=now, files=dict(last.files)
            )
            # What is younger than half a minute is left to the run after.
            before = now - timedelta(seconds=45)
            gladly.events.add("CONVERSATION/CREATED", timestamp=before)
            talk = gladly.desk.conversation(gladly.desk.customer(name="New", at=before), at=before)
            gladly.desk.message(talk, at=before)

        # Without the minute that Gladly's ten reports take.
        yield Tap(impatient.command(folder, "tap-gladly"), settings), lives_on


_ACCOUNTS = {"tap-clari": _clari, "tap-gladly": _gladly}
