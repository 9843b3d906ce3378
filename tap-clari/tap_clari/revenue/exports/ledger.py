"""The export jobs that a run has started and that has not ended: kept in the state, so paid once.

They stand at `bookmarks.export_jobs.unread`, as a list: Meltano merges the states of a run that
did not end, and what is taken out of an object there would come back.
"""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone

import msgspec
from msgspec.structs import replace
from singer_sdk.exceptions import ConfigurationError

from tap_clari.kit.times import format_time, parse_time
from tap_clari.revenue.exports.requests import ExportKey

if t.TYPE_CHECKING:
    from tap_clari.kit.tap import ApiTap
    from tap_clari.revenue.exports.requests import ExportRequest

STREAM = "export_jobs"
"""The stream in whose state the jobs stand."""

NEW = timedelta(minutes=1)
"""How long Clari may not yet know a job that it has started."""

KEPT = timedelta(days=30)
"""How long a job is remembered that no run asks for any more: as long as it counts."""


class StartedJob(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An export job that was started, or is about to be, as it stands in the state.

    Args:
        path: The endpoint that starts it, with `{name}` where an id belongs.
        ids: The ids in the path.
        body: The body of the request.
        started_at: When it was started (ISO 8601, UTC).
        job_id: The id that Clari gave it; `None` until it has answered.
        known: Until then, the ids of the jobs that there were before.
        is_read: Whether all streams of the run that started it have read it.
    """

    path: str
    ids: dict[str, str]
    body: dict[str, t.Any]
    started_at: str
    job_id: str | None = None
    known: list[str] = []
    is_read: bool = False

    @classmethod
    def intent_for(cls, request: ExportRequest, known: set[str]) -> StartedJob:
        """A job that is about to be started."""
        key, now = request.key, format_time(datetime.now(timezone.utc))
        return cls(key.path, key.ids, key.body, now, known=sorted(known))

    def with_id(self, job_id: str) -> StartedJob:
        """The same job with its id."""
        return replace(self, job_id=job_id, known=[])

    def marked_read(self) -> StartedJob:
        """The same job, read to its end."""
        return replace(self, is_read=True)

    @property
    def key(self) -> ExportKey:
        """What was asked for."""
        return ExportKey(self.path, self.ids, self.body)

    def is_for(self, request: ExportRequest) -> bool:
        """Whether this is the job for a request."""
        return self.key == request.key

    @property
    def started(self) -> datetime:
        """When it was started."""
        return parse_time(self.started_at)

    @property
    def age(self) -> timedelta:
        """How long ago that was."""
        return datetime.now(timezone.utc) - self.started

    @property
    def is_new(self) -> bool:
        """Whether Clari may not yet know it."""
        return self.age < NEW


class Ledger:
    """The jobs in the state.

    Args:
        tap: The tap whose state it is.
    """

    def __init__(self, tap: ApiTap) -> None:
        self._tap = tap

    def jobs(self) -> list[StartedJob]:
        """The jobs, oldest first.

        Raises:
            ConfigurationError: If the state holds something else.
        """
        entries = self._tap.state.get("bookmarks", {}).get(STREAM, {}).get("unread", [])
        oldest = datetime.now(timezone.utc) - KEPT
        try:
            jobs = msgspec.convert(entries, type=list[StartedJob])
            kept = [job for job in jobs if job.started > oldest]
        except (msgspec.ValidationError, ValueError) as error:
            message = (
                "The list of unread export jobs in the state cannot be read: correct or remove "
                "'unread' at the stream export_jobs."
            )
            raise ConfigurationError(message) from error
        return sorted(kept, key=lambda job: job.started)

    def remember(self, job: StartedJob, *, at_once: bool = True) -> None:
        """Keep a job, in the place of an earlier one for the same key.

        Args:
            job: The job.
            at_once: Whether the state is written now, so that a run that is killed leaves the job
                to the next; otherwise it is written when a stream next writes it.
        """
        self._keep([*self._others(job.key), job], at_once=at_once)

    def forget(self, *keys: ExportKey, at_once: bool = True) -> None:
        """Drop jobs; `at_once` as in `remember`."""
        if keys:
            self._keep(self._others(*keys), at_once=at_once)

    def _others(self, *keys: ExportKey) -> list[StartedJob]:
        return [job for job in self.jobs() if job.key not in keys]

    def _keep(self, jobs: list[StartedJob], *, at_once: bool) -> None:
        self._tap.streams[STREAM].stream_state["unread"] = msgspec.to_builtins(jobs)
        if at_once:
            self._tap.state_writer.write_state(self._tap.state)
