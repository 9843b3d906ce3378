"""Export jobs of the local Gladly, over real sockets."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import requests

from tests.sandbox.gladly import GladlySandbox
from tests.sandbox.gladly.timestamps import nanos, of, stamp
from tests.sandbox_selftest.gladly_client import BASE, ITEMS, JOBS, NOW, Client

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_jobs_and_files(client: Client) -> None:
    exports = client.gladly.exports
    listed = client.get(JOBS)
    truth = [job.describe() for job in exports.jobs]
    assert listed != truth
    assert sorted(listed, key=lambda job: str(job["parameters"]["endAt"])) == truth
    assert client.get(f"{JOBS}/{truth[4]['id']}") == truth[4]
    bounds = [(nanos(job.start_at), nanos(job.end_at)) for job in exports.jobs]
    assert [end for _, end in bounds[:-1]] == [start for start, _ in bounds[1:]]
    midnight = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
    # In the night the job of the day before is not made yet.
    latest = {midnight} if NOW.hour >= 5 else {midnight, midnight - timedelta(days=1)}
    assert bounds[-1][1] in set(map(of, latest))
    assert {len(job.updated_at) - 20 for job in exports.jobs} == {0, 3, 4, 9, 10}
    for name in ("agents.jsonl", ITEMS, "customers.jsonl", "topics.jsonl"):
        found = [
            (job, line)
            for job in exports.jobs
            for line in client.lines(f"{JOBS}/{job.id}/files/{name}")
        ]
        assert found == exports.records(name)
        versions: dict[str, set[str]] = {}
        for _, line in found:
            versions.setdefault(line["id"], set()).add(json.dumps(line))
        assert (max(map(len, versions.values())) > 1) == (name != ITEMS)


def test_contents_of_items(client: Client) -> None:
    records = client.gladly.exports.records(ITEMS)
    assert len(records) > 13 * 10
    for job, item in records:
        assert nanos(job.start_at) <= nanos(item["timestamp"]) < nanos(job.end_at)
    kinds = {item["content"]["type"] for _, item in records}
    assert len(kinds) == 14
    chats = [one["content"] for _, one in records if one["content"]["type"] == "CHAT_MESSAGE"]
    assert len({chat.get("messageType") for chat in chats}) == 4
    calls = [one["content"] for _, one in records if one["content"]["type"] == "PHONE_CALL"]
    assert {type(call.get("recordingDuration")) for call in calls} == {int, str, type(None)}
    raw = b"".join(b"".join(job.chunks(ITEMS)) for job in client.gladly.exports.jobs)
    for text in ("\u2028", "\u2029", "\u0085", r"\u0000", r"\ud83d", "👩", "\u202e"):
        assert text.encode() in raw
    customers = [line for _, line in client.gladly.exports.records("customers.jsonl")]
    assert len({frozenset(one) for one in customers}) > 3


def test_which_jobs_are_listed(own: Client) -> None:
    exports = own.gladly.exports
    exports.jobs.clear()
    day = timedelta(days=1)
    for age in (20 * day, 3 * day, day):
        exports.add(start=NOW - age - day, end=NOW - age, updated=NOW - age, status="FAILED")
    _, three, one = exports.jobs
    one.status = "PENDING"
    three.updated_at = stamp(of(NOW - 3 * day), 9)
    assert {job["id"] for job in own.get(JOBS)} == {three.id, one.id}
    assert [job["id"] for job in own.get(JOBS, status="FAILED")] == [three.id]
    found = own.get(JOBS, startAt=three.updated_at, endAt=three.updated_at)
    assert [job["id"] for job in found] == [three.id]
    exports.as_of = NOW - 2 * day
    assert [job["id"] for job in own.get(JOBS)] == [three.id]
    own.get(f"{JOBS}/{one.id}", 404)
    exports.as_of = None
    for attr, params in (
        ("startAt", {"startAt": (NOW - 14 * day).isoformat()}),
        ("startAt", {"startAt": "yesterday"}),
        ("endAt", {"endAt": (NOW + day).isoformat()}),
        ("endAt", {"startAt": NOW.isoformat(), "endAt": (NOW - day).isoformat()}),
        ("status", {"status": "DONE"}),
        ("page", {"page": "1"}),
    ):
        assert own.get(JOBS, 400, **params)["errors"][0]["attr"] == attr


def test_jobs_and_files_that_go(own: Client) -> None:
    exports = own.gladly.exports
    first, second = exports.jobs
    exports.vanish(first.id)
    exports.lose_file(second.id, ITEMS)
    assert len(own.get(JOBS)) == 2
    for path in (first.id, f"{first.id}/files/{ITEMS}", f"{second.id}/files/{ITEMS}"):
        assert own.get(f"{JOBS}/{path}", 404)["errors"]["code"] == "not_exist"
    own.get(f"{JOBS}/{second.id}/files/other.jsonl", 404)
    assert own.ask(f"{JOBS}/{second.id}", "DELETE").status_code == 405
    assert exports.deleted == [f"{BASE}{JOBS}/{second.id}"]
    with GladlySandbox(frequency="HOURLY", history_days=1) as hourly:
        jobs = hourly.exports.jobs
        assert len(jobs) == 24
        items = {line["id"] for _, line in hourly.exports.records(ITEMS)}
        begin, end = nanos(jobs[0].start_at), nanos(jobs[-1].end_at)
        assert items == {
            id_
            for id_, item in hourly.desk.items.items()
            if begin <= nanos(item["timestamp"]) < end
        }
        assert len(items) > 10
        assert NOW - timedelta(hours=3) < datetime.fromisoformat(f"{jobs[-1].end_at[:19]}+00:00")


def test_large_files_need_no_memory(own: Client) -> None:
    line = b'{"id": "%s"}\n' % (b"x" * 980)

    def chunks() -> Iterator[bytes]:
        for _ in range(300):
            yield line * 1000

    job = own.gladly.exports.add(
        start=NOW, end=NOW, updated=NOW - timedelta(hours=1), files={ITEMS: chunks}
    )
    size, growth = own.measure(f"{JOBS}/{job.id}/files/{ITEMS}")
    assert size == 300_000 * len(line)
    assert growth < 60_000_000


def test_troubles(own: Client) -> None:
    faults = own.gladly.faults
    job = own.gladly.exports.jobs[0]
    path = f"{JOBS}/{job.id}/files/{ITEMS}"
    whole = own.ask(path).content
    for url in (path, "/agents"):
        faults.add(path=BASE + url, unframed=True)
        answer = own.ask(url)
        assert answer.status_code == 200
        assert not answer.headers.keys() & {"Content-Length", "Transfer-Encoding"}
        length = len(own.ask(url).content)
        assert 0 < len(answer.content) < length
    faults.add(path=BASE + path, truncate=True)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        own.ask(path)
    assert own.ask(path).content == whole
