"""Run a pipeline as a user does: `meltano run tap-… target-…`, in this repository's project."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import typing as t
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.postgres import PostgresServer
    from tests.sandbox.copilot import CopilotSandbox
    from tests.sandbox.gladly import GladlySandbox
    from tests.sandbox.revenue import RevenueSandbox

ROOT = Path(__file__).parent.parent
MELTANO = Path(sys.executable).parent / "meltano"


class MeltanoError(RuntimeError):
    """Meltano ended with an error.

    Args:
        arguments: Of the command.
        returncode: Its exit code.
        events: What it logged.
    """

    def __init__(
        self, arguments: Sequence[str], returncode: int, events: list[dict[str, t.Any]]
    ) -> None:
        end = "\n".join(str(event.get("event")) for event in events[-40:])
        super().__init__(f"meltano {' '.join(arguments)} ended with {returncode}:\n{end}")
        self.events = events


@dataclass
class StreamMetrics:
    """What a tap says of one stream in a run, in the SDK's own metrics."""

    records: int = 0
    requests: int = 0
    seconds: float = 0.0


class Meltano:
    """This repository's Meltano project, in the environment of the sandbox.

    It runs in a folder of its own, with a copy of `meltano.yml`: a user's `.env` and state stay
    out of it, and two may run at once.

    Args:
        folder: The folder; what Meltano installs and remembers stays in it.
        postgres: The server to load into.
        copilot: The Copilot API to read, if there is one.
        revenue: The Revenue API to read, if there is one.
        gladly: The Gladly to read, if there is one.

    Attributes:
        pid: The process of the command that runs.
        environment: The variables that its commands are started with.
    """

    def __init__(
        self,
        folder: Path,
        postgres: PostgresServer,
        *,
        copilot: CopilotSandbox | None = None,
        revenue: RevenueSandbox | None = None,
        gladly: GladlySandbox | None = None,
    ) -> None:
        folder.mkdir(exist_ok=True)
        shutil.copy(ROOT / "meltano.yml", folder)
        for tap in ROOT.glob("tap-*"):
            link = folder / tap.name
            link.unlink(missing_ok=True)
            link.symlink_to(tap)
        self.pid: int | None = None
        self._folder = folder
        self.environment = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("TAP_", "TARGET_", "MELTANO_"))
            },
            "MELTANO_ENVIRONMENT": "sandbox",
            "MELTANO_CLI_LOG_FORMAT": "json",
            "TARGET_POSTGRES_HOST": postgres.host,
            "TARGET_POSTGRES_PORT": str(postgres.port),
            "TARGET_POSTGRES_USER": postgres.user,
            "TARGET_POSTGRES_PASSWORD": postgres.password,
            "TARGET_POSTGRES_DATABASE": postgres.database,
        }
        if copilot:
            self.environment |= {
                "SANDBOX_COPILOT_URL": copilot.url,
                "SANDBOX_COPILOT_KEY": copilot.api_key,
                "SANDBOX_COPILOT_PASSWORD": copilot.api_password,
            }
        if revenue:
            self.environment |= {
                "SANDBOX_REVENUE_URL": revenue.url,
                "SANDBOX_REVENUE_KEY": revenue.api_key,
            }
        if gladly:
            self.environment |= {
                "SANDBOX_GLADLY_URL": gladly.url,
                "SANDBOX_GLADLY_USERNAME": gladly.username,
                "SANDBOX_GLADLY_TOKEN": gladly.api_token,
            }

    def install(self, *plugins: str) -> None:
        """Install plugins, each into a virtual environment of its own.

        Raises:
            MeltanoError: If that fails.
        """
        self._run("install", *plugins)

    def run(
        self,
        *plugins: str,
        settings: Mapping[str, str] | None = None,
        meanwhile: Callable[[], None] | None = None,
    ) -> dict[str, StreamMetrics]:
        """Run a pipeline and return what the tap says of each stream.

        Args:
            plugins: The tap and the target.
            settings: Environment variables of the taps' settings.
            meanwhile: Called a few times a second while it runs.

        Raises:
            MeltanoError: If it fails.
        """
        metrics: defaultdict[str, StreamMetrics] = defaultdict(StreamMetrics)
        for event in self._run("run", *plugins, settings=settings, meanwhile=meanwhile):
            if event.get("name") != plugins[0] or "metric_info" not in event:
                continue
            point = event["metric_info"]
            stream = metrics[point["tags"]["stream"]]
            if point["metric"] == "record_count":
                stream.records += point["value"]
            elif point["metric"] == "http_request_count":
                stream.requests += point["value"]
            elif point["metric"] == "sync_duration":
                stream.seconds += point["value"]
        return metrics

    def _run(
        self,
        *arguments: str,
        settings: Mapping[str, str] | None = None,
        meanwhile: Callable[[], None] | None = None,
    ) -> list[dict[str, t.Any]]:
        with subprocess.Popen(
            [MELTANO, *arguments],
            cwd=self._folder,
            env={**self.environment, **(settings or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        ) as process:
            self.pid = process.pid
            while True:
                try:
                    printed, _ = process.communicate(timeout=0.25)
                    break
                except subprocess.TimeoutExpired:
                    if meanwhile:
                        meanwhile()
        events = [_event(line) for line in printed.splitlines()]
        if process.returncode:
            raise MeltanoError(arguments, process.returncode, events)
        return events


def _event(line: str) -> dict[str, t.Any]:
    if line.startswith("{"):
        event: dict[str, t.Any] = json.loads(line)
        return event
    # Some lines do not come from its log, such as a traceback.
    return {"event": line}
