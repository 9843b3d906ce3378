"""What a sync by id should give: what the desk serves of what its log says that changed."""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone

from tests.expected import expected
from tests.gladly.truth import API, moment, readable, written
from tests.sandbox.gladly.timestamps import nanos, of

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.gladly.conftest import Gladly
    from tests.running import Record, Run
    from tests.sandbox.gladly.helpdesk import Desk

EVENTS = f"{API}/events"
BOUNDS = ("startAt", "endAt")
OVERLAP = timedelta(seconds=60)
"""What a run reads again before its bookmark."""

LOOKBACK = timedelta(hours=6)
"""What voice_transcripts does: nothing tells of a transcript that comes late."""

EMPTY: dict[str, t.Any] = {
    "days": 0,
    "history_days": 0,
}
"""An account whose history is made by the desk alone."""

KINDS = {
    "conversations": "conversation",
    "conversation_items": "conversation",
    "voice_transcripts": "conversation",
    "customer_profiles": "customer",
    "customer_conversations": "customer",
    "customer_tasks": "customer",
    "tasks": "task",
    "task_comments": "task",
}
"""The streams with a bookmark, and by what they are read."""

AGES = [
    timedelta(minutes=2),
    timedelta(minutes=25),
    timedelta(minutes=55),
    timedelta(minutes=61, microseconds=1),
    timedelta(hours=2),
    timedelta(hours=7),
    timedelta(hours=22, minutes=30),
    timedelta(hours=23, minutes=49),
    timedelta(hours=23, minutes=53),
    timedelta(hours=24, minutes=1),
    timedelta(hours=24, minutes=9),
    timedelta(hours=26),
    timedelta(hours=29, minutes=59, seconds=30),
    timedelta(days=2),
    timedelta(days=3),
    timedelta(days=6),
    timedelta(days=9, hours=5),
    timedelta(days=15),
    timedelta(days=24),
]


def add_history(desk: Desk, now: datetime) -> None:
    """Let things happen for 25 days, so that each changes by one kind of action alone.

    Args:
        desk: Where.
        now: By which times their age is counted.
    """
    begin = now - timedelta(days=25)
    for number, age in enumerate(AGES):
        at = now - age
        for place in (0, 3, 6):
            _talk(desk, number + place, begin, at)
        _task(desk, number, begin, at)
        desk.update_customer(desk.customer(at=begin), at=at)
        desk.customer(at=at)
    for age in (timedelta(minutes=40), timedelta(hours=6), timedelta(hours=31), timedelta(days=8)):
        _merged(desk, begin, now - age)
    first, second, last = (desk.customer(at=begin) for _ in range(3))
    for customer in (first, second, last):
        desk.conversation(customer, at=begin)
        desk.task(customer, at=begin)
    desk.merge(first, second, at=now - timedelta(days=4))
    desk.merge(second, last, at=now - timedelta(hours=5))
    for age in (timedelta(hours=3), timedelta(hours=27), timedelta(days=7)):
        customer = desk.customer(at=begin)
        desk.message(desk.conversation(customer, at=begin), at=now - age - timedelta(minutes=1))
        desk.task(customer, at=begin)
        desk.delete(customer, at=now - age)


def _talk(desk: Desk, number: int, begin: datetime, at: datetime) -> None:
    talk = desk.conversation(desk.customer(at=begin), at=begin)
    desk.add_topic(talk, at=begin)
    desk.set_attribute(talk, f"key {number % 3}", at=begin)
    if number % 10 == 6:
        desk.close(talk, at=begin)
    actions: list[t.Callable[[], object]] = [
        lambda: desk.message(talk, at=at),
        lambda: desk.note(talk, at=at),
        lambda: desk.add_topic(talk, at=at),
        lambda: desk.remove_topic(talk, at=at),
        lambda: desk.assign(talk, at=at),
        lambda: desk.close(talk, at=at),
        lambda: desk.reopen(talk, at=at),
        lambda: desk.set_attribute(talk, "another key", at=at),
        lambda: desk.clear_attribute(talk, f"key {number % 3}", at=at),
        lambda: desk.call(talk, at=at),
    ]
    actions[number % 10]()


def _task(desk: Desk, number: int, begin: datetime, at: datetime) -> None:
    task = desk.task(desk.customer(at=begin), at=begin)
    if number % 5 == 4:
        desk.close_task(task, at=begin)
    actions: list[t.Callable[[], object]] = [
        lambda: desk.comment(task, at=at),
        lambda: desk.assign_task(task, at=at),
        lambda: desk.edit_task(task, at=at),
        lambda: desk.close_task(task, at=at),
        lambda: desk.reopen_task(task, at=at),
    ]
    actions[number % 5]()


def _merged(desk: Desk, begin: datetime, at: datetime) -> None:
    source, destination = desk.customer(at=begin), desk.customer(at=begin)
    for customer in (source, destination, source):
        desk.conversation(customer, at=begin)
        desk.task(customer, at=begin)
    desk.merge(source, destination, at=at)


def state_of(since: datetime | None = None, **streams: datetime) -> Record:
    """A state in which streams were read up to a time: all of them, or each up to its own."""
    times = streams if since is None else dict.fromkeys(KINDS, since)
    return {
        "bookmarks": {
            stream: {"replication_key": "changedAt", "replication_key_value": written(when)}
            for stream, when in times.items()
        }
    }


def asked_events(gladly: Gladly) -> tuple[datetime, datetime]:
    """From when to when events were asked for: by one request, or twice by the same.

    An empty answer is believed when it comes twice. Until it is asked for again, a window of all
    24 hours may have come to begin too early: then a shorter one is asked for in the same way.
    """
    exchanges = gladly.sandbox.traffic.exchanges(EVENTS)
    windows = [tuple(dict(each.params or ())[name] for name in BOUNDS) for each in exchanges]
    refused = [each for each in exchanges if each.status == 400]
    assert len(set(windows)) == 1 + len(refused)
    assert len(windows) <= 2 * len(set(windows))
    start, end = map(moment, windows[-1])
    return start, end


def asked(gladly: Gladly, path: str = "") -> list[str]:
    """What was asked for below a path, without it, request by request."""
    begin = f"{API}/{path}"
    found = [each.path for each in gladly.sandbox.traffic.exchanges()]
    return [each[len(begin) :] for each in found if each.startswith(begin)]


def asked_by_id(gladly: Gladly) -> list[str]:
    """What was asked for besides events and reports."""
    return [each for each in asked(gladly) if each not in {"events", "reports"}]


def fixed(at: int) -> str:
    """Nanoseconds since 1970 as the tap writes times."""
    whole, rest = divmod(at, 10**9)
    when = datetime.fromtimestamp(whole, timezone.utc)
    return written(when + timedelta(microseconds=rest // 1000))


def changed(gladly: Gladly, kind: str, since: datetime) -> dict[str, str]:
    """When each last changed that did since a time, and of which Gladly tells; by these times.

    Of profiles alone no report tells. Of a merge, all that the customer has who is left is read
    again, since nothing names what was moved.
    """
    desk = gladly.sandbox.desk
    first, begin_of_events = of(since), of(asked_events(gladly)[0])
    found: dict[str, int] = {}
    for change in desk.log:
        if change.at < first or (
            change.why.startswith("CUSTOMER_PROFILE/") and change.at < begin_of_events
        ):
            continue
        if change.kind == kind:
            found[change.id] = max(change.at, found.get(change.id, 0))
        if change.why == "CUSTOMER/MERGED" and kind in {"conversation", "task"}:
            table = desk.conversations if kind == "conversation" else desk.tasks
            for record in table.of(change.id):
                found[record["id"]] = max(change.at, found.get(record["id"], 0))
    in_order = sorted((fixed(at), each) for each, at in found.items())
    return {each: at for at, each in in_order}


def conversation(gladly: Gladly, each: str, at: str) -> Record:
    """A conversation as it should come."""
    return _one(gladly, gladly.sandbox.desk.conversations, each, at)


def task(gladly: Gladly, each: str, at: str) -> Record:
    """A task as it should come."""
    return _one(gladly, gladly.sandbox.desk.tasks, each, at)


def profile(gladly: Gladly, each: str, at: str) -> Record:
    """A customer as it should come: also merged into another, or deleted."""
    desk = gladly.sandbox.desk
    if each in desk.merged:
        new = desk.merged[each]
        while desk.merges_point_to == "last" and new in desk.merged:
            new = desk.merged[new]
        return {"id": each, "mergedIntoId": new, "changedAt": at}
    deleted = desk.deleted.get(each)
    if deleted is not None and deleted >= of(asked_events(gladly)[0]):
        return {"id": each, "_sdc_deleted_at": fixed(deleted), "changedAt": at}
    found = _one(gladly, desk.customers, each, at)
    if "phones" in found:
        found["phones"] = [
            {**phone, "type": phone.get("type") or None} if "type" in phone else phone
            for phone in found["phones"]
        ]
    return found


def items(gladly: Gladly, each: str, at: str) -> list[Record]:
    """The items of a conversation as they should come, if it is still there."""
    desk = gladly.sandbox.desk
    found = sorted(desk.items.of(each), key=lambda item: nanos(item["timestamp"]))
    return [{**_listed(item), "changedAt": at} for item in found]


def comments(gladly: Gladly, each: str, at: str) -> list[Record]:
    """The comments of a task as they should come."""
    found = sorted(
        gladly.sandbox.desk.comments.of(each), key=lambda comment: nanos(comment["createdAt"])
    )
    return [{**comment, "changedAt": at} for comment in found]


def transcripts(gladly: Gladly, each: str, at: str) -> list[Record]:
    """The transcripts of a conversation as they should come."""
    desk = gladly.sandbox.desk
    found = sorted(desk.items.of(each), key=lambda item: nanos(item["timestamp"]))
    return [
        {
            **desk.transcripts[item["id"]],
            "conversationItemId": item["id"],
            "conversationId": each,
            "changedAt": at,
        }
        for item in found
        if item["id"] in desk.transcripts
    ]


def _listed(item: Record) -> Record:
    content = item["content"]
    if isinstance(content.get("to"), str):
        return {**item, "content": {**content, "to": [content["to"]]}}
    return item


def _one(gladly: Gladly, table: t.Mapping[str, Record], each: str, at: str) -> Record:
    if each in table:
        return {**table[each], "changedAt": at}
    return {"id": each, "_sdc_deleted_at": RunTime(gladly), "changedAt": at}


class RunTime:
    """Equals the time at which the run began, to the second: 30 seconds after its window ends.

    Args:
        gladly: What the run asked.
    """

    def __init__(self, gladly: Gladly) -> None:
        self._began = asked_events(gladly)[1] + timedelta(seconds=30)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and timedelta() <= moment(other) - self._began < timedelta(
            seconds=1
        )

    def __hash__(self) -> int:
        return hash(self._began)

    def __repr__(self) -> str:
        return f"RunTime({written(self._began)})"


RECORDS: dict[str, t.Callable[[Gladly, str, str], t.Any]] = {
    "conversations": conversation,
    "tasks": task,
    "customer_profiles": profile,
    "conversation_items": items,
    "task_comments": comments,
    "voice_transcripts": transcripts,
}


def wanted(gladly: Gladly, stream: str, since: datetime) -> list[Record]:
    """The records of a stream that should come of what changed since a time, in their order."""
    found: list[Record] = []
    for each, at in changed(gladly, KINDS[stream], since).items():
        records = RECORDS[stream](gladly, each, at)
        found += records if isinstance(records, list) else [records]
    return found


def assert_read(
    run: Run, gladly: Gladly, since: datetime, streams: Iterable[str] | None = None
) -> None:
    """These streams, or all that were read, have what changed since a time and nothing else."""
    assert run.returncode == 0, run.log
    for stream in streams or [each for each in run.schemas if each in RECORDS]:
        is_late = stream == "voice_transcripts"
        truth = wanted(gladly, stream, since + OVERLAP - LOOKBACK if is_late else since)
        if is_late:
            # Those of one conversation may come in any order.
            for each in (truth, run.records[stream]):
                each.sort(key=lambda one: (one["changedAt"], one["conversationItemId"]))
        assert_records(run, stream, truth)
        if stream in run.state["bookmarks"]:
            assert run.bookmark(stream) == written(asked_events(gladly)[1])


def assert_records(run: Run, stream: str, truth: Iterable[Record]) -> None:
    """The stream has these records in this order, value by value."""
    schema = run.schemas[stream]
    truth = [_expected(readable(record), schema) for record in truth]
    [key] = run.keys[stream]
    assert run.ids(stream, key) == [record[key] for record in truth]
    for got, want in zip(run.records[stream], truth, strict=True):
        assert got == want
        assert set(got) <= set(schema["properties"])


def _expected(record: Record, schema: Record) -> Record:
    kept = {name: each for name, each in record.items() if isinstance(each, RunTime)}
    others = {name: each for name, each in record.items() if name not in kept}
    found: Record = expected(others, schema)
    return {**found, **kept}


def words_of(warning: str) -> str:
    """A line of the log without time, level and logger."""
    return warning.split("|", 3)[-1].strip()


def limited(stream: str, whole: str, listed: int, more: int, *missed: str) -> str:
    """The warning of what is beyond the cap of a list; the missed ones as they stand in it."""
    kind, where = {
        "conversation_items": (
            "conversation",
            "export_conversation_items has all of them, a day later.",
        ),
        "task_comments": ("task", "No other endpoint has them."),
    }[stream]
    names = f" but these: {', '.join(missed)}" if missed else ""
    return (
        f"{stream}: Gladly has more of the {kind} {whole} than the {listed:,} that it lists. "
        f"{more:,} more were had one by one, all that the events since the last run name{names}. "
        f"Others are missing here. {where}"
    )


def assert_ended(run: Run, *words: str) -> None:
    """The run ended with exit code 1 and a sentence of these words, and without a traceback."""
    assert run.returncode == 1, run.log
    assert "Traceback" not in run.log
    for word in words:
        assert word in run.last_word, run.last_word
