"""What the tables of the streams by id should hold: the desk as it is, of what Gladly tells of."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta, timezone

from tests.gladly.truth import readable
from tests.meltano.comparing import assert_table
from tests.meltano.conftest import BY_ID_BY_DEFAULT
from tests.sandbox.gladly.timestamps import moment_of, nanos, of

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.meltano.conftest import GladlyPipeline, Record
    from tests.sandbox.gladly import GladlySandbox

MADE_BY_THE_TAP = ("changedAt", "_sdc_deleted_at")

_REPORTS = ("ConversationTimestampsReport", "ContactTimestampsReport", "TaskTimestampsReport")
_HEADERS = {
    "Conversation ID": "conversation",
    "Merged Conversation ID": "conversation",
    "Customer ID": "customer",
    "Merged Customer ID": "customer",
    "Task ID": "task",
}


def key_of(stream: str) -> tuple[str, ...]:
    """What tells the records of a stream apart."""
    return ("conversationItemId" if stream == "voice_transcripts" else "id",)


@dataclass
class Told:
    """What Gladly tells of in a window, by events and by rows.

    Attributes:
        newest: When each conversation, customer and task was last told of, by kind and id.
        merged: The customers who had a part in a merge.
        attributes: The custom attributes.
    """

    newest: dict[str, dict[str, int]] = field(
        default_factory=lambda: {"conversation": {}, "customer": {}, "task": {}}
    )
    merged: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)

    def add(self, kind: str, id_: str, at: int) -> None:
        """Note that something was told of."""
        if id_:
            self.newest[kind][id_] = max(at, self.newest[kind].get(id_, at))


def told(gladly: GladlySandbox, since: datetime) -> Told:
    """What Gladly tells of since some time; of events those that it keeps."""
    found, now = Told(), datetime.now(timezone.utc)
    kept = of(max(since, now - timedelta(days=1)))
    for event in gladly.events.all:
        if (at := nanos(event["timestamp"])) >= kept:
            _add_event(found, event["content"], at)
    played, lag = gladly.reports.as_of, gladly.reports.lag
    # What is too young for a row, an event tells of. Reports are asked for by whole days, the last
    # is that in which the events begin and rows may lack.
    asked = datetime.combine(now - timedelta(hours=22), time.max, timezone.utc)
    last = of(min(played - lag if played else now, asked))
    for report in _REPORTS:
        for row in gladly.reports.rows(report):
            if of(since) <= (at := nanos(row["Timestamp"])) <= last:
                for header, kind in _HEADERS.items():
                    found.add(kind, row.get(header, ""), at)
                if row.get("Merged Customer ID"):
                    found.merged |= {row["Customer ID"], row["Merged Customer ID"]}
    _add_what_moved(gladly, found)
    return found


def _add_event(found: Told, content: Record, at: int) -> None:
    for name, value in content.items():
        if name == "customAttributeId":
            found.attributes.add(value)
        elif name in {"sourceCustomerId", "destinationCustomerId"}:
            found.merged.add(value)
        for kind in found.newest:
            if name.lower().endswith(f"{kind}id"):
                found.add(kind, value, at)


def _add_what_moved(gladly: GladlySandbox, found: Told) -> None:
    """A merge tells of what the customer has who is left, and leads to that customer."""
    desk = gladly.desk
    for kind, records in (("conversation", desk.conversations), ("task", desk.tasks)):
        for record in list(records.values()):
            if record["customerId"] in found.merged:
                at = found.newest["customer"][record["customerId"]]
                found.newest[kind].setdefault(record["id"], at)
    customers = found.newest["customer"]
    for customer, at in list(customers.items()):
        new = customer
        while new in desk.merged:
            new = desk.merged[new]
            customers.setdefault(new, at)


def assert_desk(
    pipeline: GladlyPipeline,
    since: datetime,
    *streams: str,
    left_out: t.Mapping[str, t.Collection[str]] | None = None,
) -> None:
    """The tables are as the desk is, record by record, and column by column.

    What a deleted customer had, and nothing tells of since, cannot be known to be gone: that stays
    in the tables and is not looked at.

    Args:
        pipeline: Whose tables and whose desk.
        since: From when on the last run was to look at what changed.
        streams: The streams that were read; those of the default without any.
        left_out: Ids that cannot be had, by stream.
    """
    changed = told(pipeline.gladly, pipeline.start)
    latest = told(pipeline.gladly, since)
    for stream in streams or BY_ID_BY_DEFAULT:
        truth = list(_truth(pipeline.gladly, stream, changed, latest))
        assert_table(
            pipeline,
            stream,
            key_of(stream),
            [readable(record) for record in truth],
            MADE_BY_THE_TAP,
            left_out={*_stale(pipeline, stream, truth), *((left_out or {}).get(stream, ()))},
        )
    for stream, kind in (
        ("conversations", "conversation"),
        ("customer_profiles", "customer"),
        ("tasks", "task"),
    ):
        if stream in (streams or BY_ID_BY_DEFAULT):
            _assert_times(pipeline, stream, changed.newest[kind], latest.newest[kind])


def _truth(  # noqa: C901, PLR0912 - a branch for each stream
    gladly: GladlySandbox, stream: str, changed: Told, latest: Told
) -> Iterator[Record]:
    """The records of what was told of; of what is gone since, the id."""
    desk = gladly.desk
    talks, customers, tasks = (
        changed.newest[kind] for kind in ("conversation", "customer", "task")
    )
    if stream == "conversations":
        yield from (one for id_, one in desk.conversations.items() if id_ in talks)
        gone = latest.newest["conversation"].keys() - desk.conversations.keys()
        yield from ({"id": id_} for id_ in gone)
    elif stream == "conversation_items":
        for item in desk.items.values():
            if item.get("conversationId") in talks:
                yield _with_list_of_recipients(item)
    elif stream == "customer_profiles":
        yield from (_without_unset_types(each) for each in _known(desk.customers, customers))
        there = desk.customers.keys()
        for id_ in latest.newest["customer"].keys() - there | customers.keys() & desk.merged.keys():
            into = desk.merged.get(id_)
            yield {"id": id_, "mergedIntoId": into} if into else {"id": id_}
    elif stream == "tasks":
        yield from _known(desk.tasks, tasks)
        yield from ({"id": id_} for id_ in latest.newest["task"].keys() - desk.tasks.keys())
    elif stream == "task_comments":
        yield from (each for each in desk.comments.values() if each["taskId"] in tasks)
    elif stream == "custom_attributes":
        met = {
            attribute["id"]
            for id_ in talks
            for attribute in desk.conversations.get(id_, {}).get("customAttributes", ())
        }
        yield from _known(desk.custom_attributes, met | changed.attributes)
    elif stream == "customer_conversations":
        yield from (one for one in desk.conversations.values() if one["customerId"] in customers)
    elif stream == "customer_tasks":
        yield from (one for one in desk.tasks.values() if one["customerId"] in customers)
    else:
        for id_, transcript in desk.transcripts.items():
            if (talk := desk.items[id_]["conversationId"]) in talks:
                yield {"conversationItemId": id_, "conversationId": talk, **transcript}


def _known(records: t.Mapping[str, Record], ids: t.Collection[str]) -> list[Record]:
    return [record for id_, record in records.items() if id_ in ids]


def _stale(pipeline: GladlyPipeline, stream: str, truth: list[Record]) -> Iterator[str]:
    """The rows of what is gone, with its customer or in a merge, and nothing says so since."""
    desk = pipeline.gladly.desk
    [key] = key_of(stream)
    wanted = {record[key] for record in truth}
    for (id_,), row in pipeline.rows(stream, (key,)).items():
        # It may have been found to be gone by a run that read it for what happened before.
        with_customer = row.get("customerId") in desk.deleted or row.get("_sdc_deleted_at")
        gone = {
            "conversations": with_customer,
            "customer_conversations": id_ not in desk.conversations,
            "customer_tasks": id_ not in desk.tasks,
            "conversation_items": with_customer,
            "customer_profiles": id_ in desk.deleted,
            "tasks": with_customer,
            "task_comments": row.get("taskId") not in desk.tasks,
            "voice_transcripts": row.get("conversationId") not in desk.conversations,
        }
        if gone.get(stream) and id_ not in wanted:
            yield id_


def _assert_times(
    pipeline: GladlyPipeline, stream: str, changed: dict[str, int], latest: dict[str, int]
) -> None:
    """Each has the time of its newest change; and what is gone, since when, as far as is told."""
    gladly = pipeline.gladly
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    moved = {*gladly.desk.merged, *gladly.desk.merged.values()}
    deleted = {
        event["content"]["customerId"]: moment_of(nanos(event["timestamp"])).replace(tzinfo=None)
        for event in gladly.events.all
        if event["type"] == "CUSTOMER_PROFILE/DELETED"
        and nanos(event["timestamp"]) > of(datetime.now(timezone.utc) - timedelta(hours=23))
    }
    for (id_,), row in pipeline.rows(stream).items():
        if id_ not in changed:
            continue
        wanted = moment_of(changed[id_]).replace(tzinfo=None)
        if not moved & {id_, row.get("customerId")}:
            # That a profile was changed, events tell, which were there when it was read.
            found = row["changedAt"]
            assert found >= wanted if stream == "customer_profiles" else found == wanted, row
        if _is_there(gladly, stream, id_):
            assert row["_sdc_deleted_at"] is None, (stream, id_)
        elif id_ in latest:
            assert row["_sdc_deleted_at"], (stream, id_)
            assert row["_sdc_deleted_at"] <= now
            if id_ in deleted and stream == "customer_profiles":
                assert row["_sdc_deleted_at"] == deleted[id_]


def _is_there(gladly: GladlySandbox, stream: str, id_: str) -> bool:
    """Whether there is such a record, or it is known where it went."""
    desk = gladly.desk
    there: dict[str, t.Collection[str]] = {
        "conversations": desk.conversations,
        "customer_profiles": {*desk.customers, *desk.merged},
        "tasks": desk.tasks,
    }
    return id_ in there[stream]


def _with_list_of_recipients(item: Record) -> Record:
    content = item["content"]
    if isinstance(content.get("to"), str):
        return {**item, "content": {**content, "to": [content["to"]]}}
    return item


def _without_unset_types(customer: Record) -> Record:
    if "phones" not in customer:
        return customer
    phones = [{**phone, "type": phone.get("type") or None} for phone in customer["phones"]]
    return {**customer, "phones": phones}
