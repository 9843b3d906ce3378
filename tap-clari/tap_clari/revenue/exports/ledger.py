"""Which export jobs a run has started that has not ended: kept in the state, and so paid once.

They stand at `bookmarks.export_jobs.unread`, as a list: Meltano merges the states of a run that
did not end, and what is taken out of an object there would come back.
"""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone

import msgspec
from msgspec.structs import replace
from singer_sdk.exceptions import ConfigurationError
from singer_sdk.helpers._state import get_writeable_state_dict

from tap_clari.kit.times import format_time, parse_time

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from singer_sdk.helpers.types import TapState

    from tap_clari.revenue.exports.requests import ExportRequest

KEPT = timedelta(days=30)
"""How long a job is remembered that no run asks for any more: as long as it counts."""


class StartedJob(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An export job that was started, or is about to be.

    Args:
        path: Where it is asked for, with `{name}` where an id belongs.
        ids: The ids in the path.
        body: What is asked for.
        started_at: When.
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
    def about_to_start(cls, request: ExportRequest, known: set[str]) -> StartedJob:
        """A job that is asked for now."""
        now = format_time(datetime.now(timezone.utc))
        return cls(request.path, dict(request.ids), dict(request.body), now, known=sorted(known))

    def answered(self, job_id: str) -> StartedJob:
        """The same job with its id."""
        return replace(self, job_id=job_id, known=[])

    def read(self) -> StartedJob:
        """The same job, read to its end."""
        return replace(self, is_read=True)

    def answers(self, request: ExportRequest) -> bool:
        """Whether this is the job for a request."""
        return (self.path, self.ids, self.body) == (request.path, request.ids, request.body)

    @property
    def started(self) -> datetime:
        """When it was started."""
        return parse_time(self.started_at)

    @property
    def age(self) -> timedelta:
        """How long ago that was."""
        return datetime.now(timezone.utc) - self.started


class Ledger:
    """The jobs in the state.

    Args:
        state: Gives the tap's state.
        write: Writes the state as a message, at once.
    """

    def __init__(self, state: Callable[[], TapState], write: Callable[[], None]) -> None:
        self._state = state
        self._write = write

    def unread(self) -> list[StartedJob]:
        """The jobs, oldest first.

        Raises:
            ConfigurationError: If the state holds something else.
        """
        entries = self._state().get("bookmarks", {}).get("export_jobs", {}).get("unread", [])
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

    @property
    def job_ids(self) -> set[str]:
        """The ids of the jobs that have one."""
        return {job.job_id for job in self.unread() if job.job_id}

    def note(self, job: StartedJob, *, at_once: bool = True) -> None:
        """Remember a job, in the place of an earlier one for the same.

        The state is written now, so that a run that is killed leaves the job behind, or when the
        stream next does.
        """
        others = [each for each in self.unread() if not _same(each, job)]
        self._keep([*others, job])
        if at_once:
            self._write()

    def strike(self, job: StartedJob, *, at_once: bool = False) -> None:
        """Forget a job; the state is written now, or when the stream next does."""
        self._keep([each for each in self.unread() if not _same(each, job)])
        if at_once:
            self._write()

    def _keep(self, jobs: list[StartedJob]) -> None:
        place = get_writeable_state_dict(self._state(), "export_jobs")
        place["unread"] = msgspec.to_builtins(jobs)


def _same(one: StartedJob, other: StartedJob) -> bool:
    return (one.path, one.ids, one.body) == (other.path, other.ids, other.body)
