"""What a sync should give: the records of the sandbox, stream by stream, and how a run ended."""

from __future__ import annotations

import re
import typing as t
from datetime import datetime, timedelta, timezone

from tests.expected import expected

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.gladly.conftest import Gladly
    from tests.running import Record, Run
    from tests.sandbox.gladly import ExportJob

API = "/api/v1"
FILES = {
    "export_conversation_items": "conversation_items.jsonl",
    "export_customers": "customers.jsonl",
    "export_agents": "agents.jsonl",
    "export_topics": "topics.jsonl",
}
"""The file of each stream."""

_UNREADABLE = re.compile("[\x00\ud800-\udfff]")


def besides_retries(run: Run) -> list[str]:
    """The warnings but those of a request that is made again, as for an answer that is empty."""
    return [each for each in run.warnings if "; trying again in " not in each]


def readable(value: t.Any) -> t.Any:  # noqa: ANN401
    """The value without the characters that no target can hold."""
    if isinstance(value, str):
        return _UNREADABLE.sub("\ufffd", value)
    if isinstance(value, list):
        return [readable(item) for item in value]
    if isinstance(value, dict):
        return {readable(name): readable(member) for name, member in value.items()}
    return value


def assert_same(run: Run, stream: str, truth: Iterable[Record]) -> None:
    """The stream's records are these, in this order, and are what the API gave, value by value."""
    assert run.returncode == 0, run.log
    wanted = [expected(readable(record), run.schemas[stream]) for record in truth]
    # One by one: the difference of two long lists takes minutes to draw.
    for got, want in zip(run.records[stream], wanted, strict=False):
        assert got == want
    assert len(run.records[stream]) == len(wanted)


def exported(gladly: Gladly, stream: str, *jobs: ExportJob) -> list[Record]:
    """The lines of these jobs, or of all, as they should come: by window, and with their job."""
    return [
        {
            **_one_type_of_to(record),
            "exportJobId": job.id,
            "exportedAt": job.updated_at,
        }
        for job, record in gladly.sandbox.exports.records(FILES[stream])
        if job.status == "COMPLETED" and (not jobs or job in jobs)
    ]


def assert_exported(run: Run, gladly: Gladly, *jobs: ExportJob) -> None:
    """What these jobs hold arrived, or what all jobs hold; in the streams that were read."""
    streams = [stream for stream in FILES if stream in run.schemas]
    assert streams, run.log
    for stream in streams:
        assert_same(run, stream, exported(gladly, stream, *jobs))


def assert_came_late(run: Run, gladly: Gladly, late: ExportJob, *newer: ExportJob) -> None:
    """Of items this job came, and no other; of topics those of newer windows came again after it.

    An item is in one job only. A topic is in many, of which the newest has the last word.
    """
    items, topics = "export_conversation_items", "export_topics"
    assert_same(run, items, exported(gladly, items, late))
    assert_same(run, topics, exported(gladly, topics, late, *newer))
    newest = [late, *newer][-1]
    for record in exported(gladly, topics, newest):
        assert run.by_id(topics)[record["id"]]["exportJobId"] == newest.id


def downloads(gladly: Gladly) -> list[str]:
    """The ids of the jobs of which a file was asked for, sorted, one for each request."""
    return sorted(
        each.path.split("/")[-3]
        for each in gladly.sandbox.traffic.exchanges()
        if "/files/" in each.path
    )


def by_window(gladly: Gladly) -> list[ExportJob]:
    """The jobs that are complete, oldest first; only for windows that all end at another time."""
    done = [job for job in gladly.sandbox.exports.jobs if job.status == "COMPLETED"]
    return sorted(done, key=lambda job: moment(job.end_at))


def file_path(job: ExportJob, filename: str = "conversation_items.jsonl") -> str:
    """Where a file of a job is."""
    return f"{API}/export/jobs/{job.id}/files/{filename}"


def moment(text: str) -> datetime:
    """A time that the API or a state has."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def ago(**amount: float) -> datetime:
    """A time so long before now."""
    return datetime.now(timezone.utc) - timedelta(**amount)


def written(when: datetime) -> str:
    """A time as it stands in a state."""
    return f"{when:%Y-%m-%dT%H:%M:%S.%fZ}"


def assert_refused(told: tuple[int, str, str], gladly: Gladly, *words: str) -> None:
    """The tap ended with exit code 1 before any request, and with a sentence of these words."""
    returncode, out, log = told
    assert returncode == 1, log
    assert "Traceback" not in log
    errors = [line for line in log.splitlines() if "| ERROR" in line or "| CRITICAL" in line]
    assert any(all(word in line for word in words) for line in errors), log
    assert not any('"type":"RECORD"' in line for line in out.splitlines())
    assert gladly.sandbox.api_token not in log
    assert gladly.sandbox.traffic.count() == 0


def _one_type_of_to(record: Record) -> Record:
    content = record.get("content")
    if isinstance(content, dict) and isinstance(content.get("to"), str):
        return {**record, "content": {**content, "to": [content["to"]]}}
    return record
