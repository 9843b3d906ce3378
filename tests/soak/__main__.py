"""`python -m tests.soak`: a tap and target-postgres, ended by signals while the account changes.

In each round the tap writes into target-postgres, as in a shell's `tap | target`, and begins with
the state that the target gave last. At some moment a signal ends one of the two. After the last
round comes one run without, and then PostgreSQL is compared with the account, value by value.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import signal
import subprocess
import tempfile
import time
import typing as t
from collections import Counter
from pathlib import Path

from tests.pipeline import Meltano
from tests.postgres import PostgresServer
from tests.running import Tap
from tests.soak.accounts import ACCOUNTS

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from tests.forking import Forked
    from tests.soak.accounts import Account

    Process = Forked | subprocess.Popen[bytes]

SIGNALS = (signal.SIGTERM, signal.SIGKILL, signal.SIGINT)
TARGET = ".meltano/loaders/target-postgres/venv/bin/target-postgres"

LONGEST_PAUSE = 0.6
"""Seconds between two changes at most."""


class Pipe:
    """A tap and a target. Each run begins with the state that the target gave last.

    Args:
        account: What the tap reads.
        name: The tap.
        postgres: Where the tables are.
        folder: Where the target is installed.
    """

    def __init__(self, account: Account, name: str, postgres: PostgresServer, folder: Path) -> None:
        self._account = account
        self._tap = Tap(name, account.config)
        self._target = [str(folder / TARGET), "--config", str(folder / "target.json")]
        self._state: dict[str, t.Any] | None = None
        config = {each: getattr(postgres, each) for each in ("host", "port", "user", "password")}
        config |= {"database": postgres.database, "default_target_schema": name.replace("-", "_")}
        # So that some rows are written, and states given, before a run's end.
        config["batch_size_rows"] = 100
        (folder / "target.json").write_text(json.dumps(config))

    def run(self, disturb: Callable[[Process, Process], bool]) -> bool:
        """Run it, and return whether it was ended by a signal.

        Args:
            disturb: Told of the tap and the target once the tap has made a request.

        Raises:
            RuntimeError: If a run failed that no signal ended, or if it has a stack trace.
        """
        apis = self._account.apis
        for api in apis:
            api.traffic.clear()
        with (
            tempfile.TemporaryFile() as states,
            self._tap.started(streams=self._account.streams, state=self._state) as (tap, log),
            subprocess.Popen(
                self._target, stdin=tap.stdout, stdout=states, stderr=subprocess.PIPE
            ) as target,
        ):
            # Else the tap would not notice that the target has ended.
            t.cast("t.IO[str]", tap.stdout).close()
            while tap.poll() is None and not any(api.traffic.count() for api in apis):
                time.sleep(0.02)
            was_ended = disturb(tap, target)
            said = target.communicate()[1][-2000:]
            failed = any([tap.wait(), target.returncode]) and not was_ended
            logged = log.read_text(encoding="utf-8")
            states.seek(0)
            *given, _ = states.read().decode().split("\n")
        if failed or "Traceback" in logged:
            message = f"exit codes {tap.returncode}, {target.returncode}: {logged[-4000:]} {said!r}"
            raise RuntimeError(message)
        if given:
            self._state = json.loads(given[-1])
        return was_ended


class Disturbance:
    """What happens in a round: changes, until a signal ends the tap or the target.

    Args:
        account: What changes.
        draw: Says when, and which signal.

    Attributes:
        signals: How often each came while the tap ran.
    """

    def __init__(self, account: Account, draw: random.Random) -> None:
        self._account = account
        self._draw = draw
        self._seconds = 1.0
        self.signals: Counter[str] = Counter()

    def __call__(self, tap: Process, target: Process) -> bool:
        """Let something change now and then, and send the signal; whether it came in time."""
        began = time.monotonic()
        end = began + self._draw.uniform(0, self._seconds)
        while tap.poll() is None and (left := end - time.monotonic()) > 0:
            self._account.change()
            time.sleep(min(self._draw.uniform(0, LONGEST_PAUSE), left))
        if tap.poll() is not None:
            # So long takes a whole run.
            self._seconds = time.monotonic() - began
            return False
        self._seconds *= 1.1
        # Other signals may leave target-postgres hanging in its own handler.
        victims = [("tap", tap, number) for number in SIGNALS]
        name, process, number = self._draw.choice([*victims, ("target", target, signal.SIGKILL)])
        process.send_signal(number)
        self.signals[f"{number.name} to the {name}"] += 1
        return True


def soak(name: str, rounds: int, seed: int) -> None:
    """Run a tap so many times, and compare."""
    draw = random.Random(f"{seed} {name}")
    began = time.monotonic()
    with contextlib.ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="soak-")))
        postgres = running.enter_context(PostgresServer())
        meltano = Meltano(folder, postgres)
        meltano.install("target-postgres")
        account = ACCOUNTS[name](running, postgres, meltano, draw, rounds)
        pipe, disturbance = Pipe(account, name, postgres, folder), Disturbance(account, draw)
        for number in range(rounds):
            pipe.run(disturbance)
            print(f"\r{name}: round {number + 1} of {rounds}", end="", flush=True)
        time.sleep(account.youngest.total_seconds())
        pipe.run(lambda *_: False)
        account.compare()
        tables = account.pipeline
        rows = sum(len(tables.rows(each, tables.keys(each))) for each in tables.tables())
    signals = ", ".join(f"{each} {count}" for each, count in sorted(disturbance.signals.items()))
    print(
        f"\r{name}: {rounds} rounds in {time.monotonic() - began:.0f} s, "
        f"{disturbance.signals.total()} of them ended by a signal ({signals}); {rows} rows in the "
        "tables: 0 lost, 0 stale",
        flush=True,
    )


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("taps", nargs="*", help=", ".join(ACCOUNTS))
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    for name in options.taps or ACCOUNTS:
        soak(name, options.rounds, options.seed)


if __name__ == "__main__":
    main()
