"""Many accounts and long backfills in Dagster: assets around `meltano run`, by account and month.

`MELTANO_PROJECT_ROOT` is the folder of a Meltano project that has the taps and target-postgres. In
it, `accounts/tap-clari/acme.env` holds the settings of an account, as a `.env` does; the names of
the files are the partitions, and each account gets a schema of its own.
"""

import os
import subprocess
import typing as t
from pathlib import Path

import dagster as dg

PROJECT = Path(os.environ.get("MELTANO_PROJECT_ROOT", "."))
MELTANO = os.environ.get("MELTANO_COMMAND", "meltano")
FIRST_MONTH = os.environ.get("BACKFILL_FROM", "2025-01-01")

BY_TIME = {
    "tap-clari": ("calls", "call_details", "scorecards", "audit_events", "activities"),
    "tap-gladly": (
        "report_*",
        "conversations",
        "conversation_items",
        "customer_profiles",
        "tasks",
        "task_comments",
    ),
}
"""The streams of which a run can read a month."""

RETRIES = dg.RetryPolicy(max_retries=3, delay=60, backoff=dg.Backoff.EXPONENTIAL)


def accounts(tap: str) -> list[str]:
    """The accounts that there are settings for."""
    return sorted(path.stem for path in (PROJECT / "accounts" / tap).glob("*.env"))


def settings(tap: str, account: str) -> dict[str, str]:
    """The settings of an account: a line for each, NAME=value."""
    text = (PROJECT / "accounts" / tap / f"{account}.env").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def meltano_run(tap: str, account: str, state: str, **environment: str) -> None:
    """Run the pipeline of an account, with a state of its own.

    `--force`: a run that was killed leaves a mark with which Meltano would refuse the next one for
    five minutes. Dagster already sees to it that no partition runs twice at once.

    Raises:
        Failure: With the last sentence of the tap.
    """
    last_word = f"{tap} was not run to its end"
    command = [MELTANO, "run", "--force", "--state-id-suffix", state, tap, "target-postgres"]
    schema = f"{tap}_{account}".replace("-", "_")
    with subprocess.Popen(  # noqa: S603 - the names are those of our own files
        command,
        cwd=PROJECT,
        env={
            **os.environ,
            **settings(tap, account),
            "TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA": schema,
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            for line in process.stdout or ():
                print(line, end="", flush=True)  # noqa: T201 - Dagster keeps it as the run's log
                if "critical" in line:
                    last_word = line.strip()
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        raise dg.Failure(last_word)


def months_of(tap: str) -> dg.AssetsDefinition:
    """A month of an account: what lies in it, and nothing else."""
    by_account_and_month = dg.MultiPartitionsDefinition(
        {
            "account": dg.StaticPartitionsDefinition(accounts(tap)),
            "month": dg.MonthlyPartitionsDefinition(start_date=FIRST_MONTH),
        }
    )
    prefix = tap.upper().replace("-", "_")

    @dg.asset(
        name=f"{tap}_months".replace("-", "_"),
        partitions_def=by_account_and_month,
        retry_policy=RETRIES,
    )
    def months(context: dg.AssetExecutionContext) -> None:
        key = t.cast("dg.MultiPartitionKey", context.partition_key).keys_by_dimension
        window = context.partition_time_window
        streams = ",".join(f'"{stream}.*"' for stream in BY_TIME[tap])
        meltano_run(
            tap,
            key["account"],
            f"{key['account']}-{key['month']}",
            **{
                f"{prefix}__SELECT": f"[{streams}]",
                f"{prefix}_START_DATE": f"{window.start:%Y-%m-%d}",
                f"{prefix}_END_DATE": f"{window.end:%Y-%m-%d}",
            },
        )

    return months


def nights_of(tap: str) -> tuple[dg.AssetsDefinition, dg.ScheduleDefinition]:
    """What changed at an account since the last run, and when that is read.

    The first run begins with the month that the months do not have yet.
    """

    @dg.asset(
        name=tap.replace("-", "_"),
        partitions_def=dg.StaticPartitionsDefinition(accounts(tap)),
        retry_policy=RETRIES,
    )
    def changes(context: dg.AssetExecutionContext) -> None:
        meltano_run(tap, context.partition_key, context.partition_key)

    job = dg.define_asset_job(f"{tap}-nightly".replace("-", "_"), [changes])

    @dg.schedule(name=f"{job.name}_schedule", job=job, cron_schedule="0 3 * * *")
    def every_night(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest]:
        night = context.scheduled_execution_time.date()
        return [
            dg.RunRequest(run_key=f"{account}-{night}", partition_key=account)
            for account in accounts(tap)
        ]

    return changes, every_night


TAPS = [tap for tap in BY_TIME if accounts(tap)]
MONTHS = [months_of(tap) for tap in TAPS]
NIGHTS = [nights_of(tap) for tap in TAPS]

defs = dg.Definitions(
    assets=[*MONTHS, *(changes for changes, _ in NIGHTS)],
    schedules=[schedule for _, schedule in NIGHTS],
)
