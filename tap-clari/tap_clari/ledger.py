"""Which export jobs were started and are not read to the end: kept in the state, and so paid once.

They stand at `bookmarks.export_jobs.unread`, as a list: Meltano merges the states of a run that
did not end, and what is taken out of an object there would come back.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from singer_sdk.exceptions import ConfigurationError
from singer_sdk.helpers._state import get_writeable_state_dict

from tap_clari.times import format_time, parse_time

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from singer_sdk.helpers.types import TapState

    from tap_clari.exports import ExportRequest

KEPT = timedelta(days=30)
"""How long a job is remembered that no run asks for any more: as long as it counts."""


@dataclass(frozen=True)
class StartedJob:
    """An export job that was started.

    Args:
        job_id: The id that Clari gave it.
        path: Where it was asked for, with `{name}` where an id belongs.
        ids: The ids in the path.
        body: What was asked for.
        started: When.
    """

    job_id: str
    path: str
    ids: Mapping[str, str]
    body: Mapping[str, t.Any]
    started: datetime

    def answers(self, request: ExportRequest) -> bool:
        """Whether this is the job for a request."""
        return (self.path, self.ids, self.body) == (request.path, request.ids, request.body)


class Ledger:
    """The jobs in the state.

    Args:
        state: The tap's state.
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
        try:
            jobs = [
                StartedJob(
                    entry["jobId"],
                    entry["path"],
                    entry["ids"],
                    entry["body"],
                    parse_time(entry["startedAt"]),
                )
                for entry in entries
            ]
        except (KeyError, TypeError, ValueError) as error:
            message = (
                "The list of unread export jobs in the state cannot be read: correct or remove "
                "'unread' at the stream export_jobs."
            )
            raise ConfigurationError(message) from error
        oldest = datetime.now(timezone.utc) - KEPT
        return sorted((job for job in jobs if job.started > oldest), key=lambda job: job.started)

    def add(self, job: StartedJob) -> None:
        """Remember a job, and write the state: a run that is killed now leaves it behind."""
        self._keep([*self.unread(), job])
        self._write()

    def remove(self, *job_ids: str) -> None:
        """Forget jobs; the state is written when the stream next does."""
        if job_ids:
            self._keep([job for job in self.unread() if job.job_id not in job_ids])

    def _keep(self, jobs: list[StartedJob]) -> None:
        get_writeable_state_dict(self._state(), "export_jobs")["unread"] = [
            {
                "jobId": job.job_id,
                "path": job.path,
                "ids": dict(job.ids),
                "body": dict(job.body),
                "startedAt": format_time(job.started),
            }
            for job in jobs
        ]
