"""Ingest jobs: the outcome of data that was sent in to Clari."""

from __future__ import annotations

import logging
import typing as t

import msgspec

from tap_clari.kit.client import Handling
from tap_clari.kit.decoding import decode_object
from tap_clari.kit.errors import (
    NotFoundError,
    PersistentServerError,
    RefusedError,
    UnauthorizedError,
)
from tap_clari.kit.estimate import Estimate
from tap_clari.revenue.client import PARTNER
from tap_clari.revenue.run import RevenueStream

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    import requests
    from singer_sdk.helpers.types import Context, Record

    from tap_clari.kit.decoding import Answer


class IngestJobsStream(RevenueStream):
    """Ingest jobs (`/v2/ingest/job/{jobId}`), those of the setting."""

    name = "ingest_jobs"
    path = "/v2/ingest/job/{jobId}"
    primary_keys = ("jobId",)
    credentials = PARTNER

    def missing_settings(self) -> str | None:
        """The partner key is needed only where there is a job to ask for."""
        return super().missing_settings() if self.config["ingest_job_ids"] else None

    def estimate(self) -> Estimate:
        """A request for each job of the setting."""
        return Estimate(len(set(self.config["ingest_job_ids"])))

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Ask for each job of the setting, in every run."""
        unknown: list[str] = []
        failure: PersistentServerError | None = None
        has_success = False
        ids = dict.fromkeys(self.config["ingest_job_ids"])
        for job_id, job in self.client.map_concurrently(ids, self._look_up):
            if isinstance(job, PersistentServerError):
                failure = job
                unknown.append(job_id)
            elif job is None:
                unknown.append(job_id)
            else:
                has_success = True
                yield job
        if failure and not has_success:
            raise failure
        if unknown:
            self.log(
                "Clari does not know these of the ingest_job_ids (404), or does not give them: %s",
                ", ".join(unknown),
                level=logging.WARNING,
            )

    def _look_up(self, job_id: str) -> Record | PersistentServerError | None:
        ids = {"jobId": job_id}
        try:
            handling = Handling(is_data=_holds_a_job, may_be_gone=True)
            return self.run.partner.fetch(self.path, self._decode, ids=ids, handling=handling)
        except NotFoundError:
            return None
        except PersistentServerError as error:
            return error
        except UnauthorizedError:
            raise
        except RefusedError as error:
            # Of this one, and perhaps of all.
            return PersistentServerError(str(error))

    def _decode(self, answer: Answer) -> Record:
        """The job, with what stands beside it."""
        job = decode_object(answer, "message")
        beside = {name: each for name, each in decode_object(answer).items() if name != "message"}
        return self.with_extra(_with_errors_apart(job), beside)


def _holds_a_job(response: requests.Response) -> bool:
    """Whether the status of the answer is that of the job: 202, 400 and 500 are data too."""
    if response.status_code in {200, 202}:
        # Without a job it is not what was asked for, and no refusal.
        return True
    if response.status_code not in {400, 500}:
        return False
    try:
        found = msgspec.json.decode(response.content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return isinstance(found, dict) and isinstance(found.get("message"), dict)


def _with_errors_apart(job: Record) -> Record:
    """Put a list of errors where it does not share a column with a text."""
    if isinstance(job.get("message"), list):
        job["validationErrors"] = job.pop("message")
    return job
