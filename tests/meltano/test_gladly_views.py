"""What `docs/sql` has for Gladly says what happened at the desk, also after a later run."""

from __future__ import annotations

import json
import typing as t
from collections import Counter, defaultdict
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from psycopg import sql
from psycopg.rows import dict_row

from tests.demo import charts
from tests.gladly.truth import ago
from tests.meltano.conftest import desk_pipeline_of
from tests.pipeline import ROOT
from tests.sandbox.gladly import GladlySandbox
from tests.sandbox.gladly.report_history import contacts_of
from tests.sandbox.gladly.timestamps import SECOND, moment_of, nanos, of

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.meltano.conftest import DeskPipeline, Record

SQL = ROOT / "docs" / "sql"
VIEWS = sorted((SQL / "gladly").glob("*.sql"))
STREAMS = (
    *("organization", "agents", "inboxes", "topics"),
    *("conversations", "conversation_items", "customer_profiles", "customer_conversations"),
    *("tasks", "task_comments", "customer_tasks", "events", "voice_transcripts"),
    *("export_jobs", "export_conversation_items", "export_customers"),
    *("report_work_session_events", "report_conversation_export", "report_agent_durations_v2"),
    "report_conversation_timestamps",
)
REPORTS = ("ConversationExportReport", "ConversationTimestampsReport", "AgentDurationsReportV2")
CHANNELS = {
    "CHAT_MESSAGE": "CHAT",
    "FACEBOOK_MESSAGE": "FB_MESSENGER",
    "VOICE_AI_MESSAGE": "PHONE_CALL",
    **dict.fromkeys(("EMAIL", "PHONE_CALL", "VOICEMAIL", "SMS", "WHATSAPP", "TWITTER")),
    "INSTAGRAM_DIRECT": "INSTAGRAM_DIRECT",
}
"""The channel of each type of message; None for one of the same name."""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskPipeline]:
    """A Gladly that was read twice, with a merge, a deletion and more in between."""
    settings = {"TAP_GLADLY_REPORTS": json.dumps(REPORTS)}
    account = GladlySandbox(days=12, conversations=0, tasks=0)
    with desk_pipeline_of(account, tmp_path_factory.mktemp("views")) as pipeline:
        gladly, desk = pipeline.gladly, pipeline.gladly.desk
        gladly.reports.lag = timedelta(0)
        pipeline.run(*STREAMS, settings=settings)
        with pipeline.postgres.connect() as connection:
            for file in (SQL / "timestamptz.sql", *VIEWS):
                connection.execute(file.read_bytes())
            connection.commit()
        at, customers = ago(minutes=8), list(desk.customers)
        desk.merge(customers[0], customers[1], at=at)
        leaving = next(
            each
            for each in customers[2:]
            if any(desk.comments.of(task["id"]) for task in desk.tasks.of(each))
        )
        desk.message(desk.conversation(leaving, at=at), at=at)
        desk.delete(leaving, at=at + timedelta(seconds=1))
        late = desk.task(customers[1], at=at - timedelta(days=2))
        desk.comment(late, at=at)
        talk = next(each for each in desk.conversations.values() if each["status"] == "OPEN")
        desk.message(talk["id"], "SMS", inbound=False, at=at)
        desk.close(talk["id"], at=at)
        shorten(gladly, "AgentDurationsReportV2")
        pipeline.set_back(ago(minutes=20))
        pipeline.run(*STREAMS, settings=settings)
        yield pipeline


def query(pipeline: DeskPipeline, text: str, zone: str = "UTC") -> list[tuple[t.Any, ...]]:
    """The rows of a query, in a session of some zone."""
    with pipeline.postgres.connect() as connection:
        connection.execute("SELECT set_config('TimeZone', %s, false)", [zone])
        return connection.execute(text).fetchall()


def shorten(gladly: GladlySandbox, report: str) -> None:
    """Take the oldest row out of a report whose rows have no id: it is not told of any more."""
    oldest, *rows = sorted(gladly.reports.rows(report), key=lambda row: nanos(row["Start time"]))
    assert moment_of(nanos(oldest["Start time"])) < ago(days=2)
    gladly.reports.set(report, rows)


def answers(pipeline: DeskPipeline, view: str) -> list[Record]:
    """The rows of a view."""
    with pipeline.postgres.connect() as connection:
        cursor = connection.cursor(row_factory=dict_row)
        name = sql.Identifier(f"gladly_{view}")
        return cursor.execute(sql.SQL("SELECT * FROM {}").format(name)).fetchall()


def names(records: list[Record]) -> dict[str | None, str | None]:
    """The names of agents, inboxes or topics by id."""
    return {each["id"]: each.get("name") for each in records}


def survivor(pipeline: DeskPipeline, customer: str) -> str:
    """Who a customer is now."""
    while customer in pipeline.gladly.desk.merged:
        customer = pipeline.gladly.desk.merged[customer]
    return customer


def messages(pipeline: DeskPipeline) -> dict[str, Record]:
    """The messages at the desk by id."""
    found = pipeline.gladly.desk.items.items()
    return {id_: each for id_, each in found if each["content"]["type"] in CHANNELS}


def test_each_view_begins_with_its_question() -> None:
    readme = (SQL / "gladly" / "README.md").read_text(encoding="utf-8")
    for view in VIEWS:
        first = view.read_text(encoding="utf-8").splitlines()[0]
        assert first.startswith("-- ")
        assert first.endswith("?")
        assert f"[gladly_{view.stem}]({view.name})" in readme


def test_times_have_their_zone_and_the_target_goes_on_loading(loaded: DeskPipeline) -> None:
    types = query(
        loaded,
        "SELECT DISTINCT data_type FROM information_schema.columns "
        "WHERE table_schema = 'tap_gladly' AND data_type LIKE 'timestamp%'",
    )
    assert types == [("timestamp with time zone",)]
    seconds = 'SELECT id, extract(epoch FROM "dueAt") FROM tap_gladly.tasks'
    due = dict(query(loaded, seconds))
    assert due == dict(query(loaded, seconds, "Asia/Tokyo"))
    for task_id, task in loaded.gladly.desk.tasks.items():
        assert int(due[task_id]) == nanos(task["dueAt"]) // SECOND


def test_an_object_that_is_not_there_is_compared_as_json(loaded: DeskPipeline) -> None:
    counts = "SELECT count(*), count({}) FROM tap_gladly.conversation_items"
    [(rows, found)] = query(loaded, counts.format("NULLIF(responder, 'null')"))
    [(_, not_null)] = query(loaded, counts.format("responder"))
    assert found < rows == not_null
    items = loaded.gladly.desk.items.items()
    with_one = {id_ for id_, each in items if {"responder", "conversationId"} <= each.keys()}
    ids = "SELECT id FROM tap_gladly.conversation_items WHERE NULLIF(responder, 'null') IS NOT NULL"
    assert with_one <= {id_ for (id_,) in query(loaded, ids)}


def test_a_customer_is_who_is_left_of_all_merges(loaded: DeskPipeline) -> None:
    desk = loaded.gladly.desk
    found = {row["customer_id"]: row for row in answers(loaded, "customers")}
    merged = {
        each["content"]["sourceCustomerId"]
        for each in desk.history
        if each["type"] == "CUSTOMER/MERGED"
    }
    assert merged <= found.keys()
    chained = [each for each in merged if desk.merged[each] in merged]
    assert chained
    for customer, row in found.items():
        left = survivor(loaded, customer)
        assert (row["current_id"], row["was_merged"]) == (left, left != customer)
        assert (row["deleted_at"] is not None) == (left in desk.deleted)
        if left in desk.customers:
            assert row["name"] == desk.customers[left].get("name")
    assert any(row["deleted_at"] for row in found.values())


def test_messages_of_both_tables_are_one(loaded: DeskPipeline) -> None:
    found = {row["id"]: row for row in answers(loaded, "messages")}
    wanted = messages(loaded)
    assert len(found) == len(answers(loaded, "messages"))
    assert found.keys() == wanted.keys()
    assert {row["source"] for row in found.values()} == {"conversation_items"}
    for id_, item in wanted.items():
        row = found[id_]
        by = item.get("initiator", {}).get("type")
        third, inbound = (
            dict.fromkeys(("INTERNAL", "EXTERNAL"), "THIRD PARTY"),
            {"CUSTOMER": "INBOUND"},
        )
        assert row["direction"] == ({None: None} | third | inbound).get(by, "OUTBOUND")
        kind = item["content"]["type"]
        assert row["channel"] == (CHANNELS[kind] or kind)
        assert row["conversation_id"] == item["conversationId"]
        assert row["customer_id"] == item["customerId"]
    # A conversation that was not read has its items in the export.
    with loaded.postgres.connect() as connection:
        connection.execute("DELETE FROM tap_gladly.conversation_items")
        exported = "SELECT id, customer_id FROM gladly_messages"
        rows: dict[str, str] = dict(connection.execute(exported).fetchall())
        connection.rollback()
    assert len(rows) > len(wanted) / 2
    assert all(customer == wanted[id_]["customerId"] for id_, customer in rows.items())


def test_a_conversation_is_answered_by_its_first_agent(loaded: DeskPipeline) -> None:
    said: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for item in messages(loaded).values():
        by = item.get("initiator", {}).get("type", "")
        said[item["conversationId"]].append((nanos(item["timestamp"]), by))
    conversations = loaded.gladly.desk.conversations
    found = {row["conversation_id"]: row for row in answers(loaded, "response_times")}
    assert found.keys() == conversations.keys()
    answered = 0
    for id_, row in found.items():
        asked = min((at for at, by in said[id_] if by == "CUSTOMER"), default=None)
        answer = min(
            (at for at, by in said[id_] if by == "AGENT" and asked and at > asked), default=None
        )
        if asked is None or answer is None:
            assert row["seconds_to_answer"] is None
        else:
            answered += 1
            assert float(row["seconds_to_answer"]) == pytest.approx((answer - asked) / SECOND)
        talk = conversations[id_]
        if closed := talk.get("closedAt"):
            length = (nanos(closed) - nanos(talk["createdAt"])) / SECOND
            assert float(row["seconds_to_close"]) == pytest.approx(length, abs=0.001)
        else:
            assert row["seconds_to_close"] is None
        assert row["inbox"] == names(loaded.gladly.account.inboxes)[talk["inboxId"]]
    assert answered > 20


def test_the_backlog_is_what_is_open_at_the_end_of_a_day(loaded: DeskPipeline) -> None:
    gladly = loaded.gladly
    zone = ZoneInfo(str(gladly.account.organization["timezone"]))
    changes: list[tuple[int, str, bool]] = []
    for event in gladly.desk.history:
        content, at = event["content"], nanos(event["timestamp"])
        if event["type"] in {"CONVERSATION/CREATED", "CONVERSATION/REOPENED"}:
            changes.append((at, content["conversationId"], True))
        elif event["type"] == "CONVERSATION/CLOSED":
            changes.append((at, content["conversationId"], False))
        elif event["type"] == "CUSTOMER/MERGED":
            changes.append((at, content["sourceConversationId"], False))
        elif event["type"] == "CUSTOMER_PROFILE/DELETED":
            if moment_of(at) < ago(hours=23):
                # No event told of it, and nothing else does: a run of today has found it.
                at = of(ago(minutes=0))
            theirs = {
                each["content"]["conversationId"]
                for each in gladly.desk.history
                if each["content"].get("customerId") == content["customerId"]
                and "conversationId" in each["content"]
            }
            changes += [(at, each, False) for each in theirs]
    found = {row["day"]: row["open_conversations"] for row in answers(loaded, "open_by_day")}
    assert len(found) > 10
    for day, count in found.items():
        midnight = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(days=1)
        state = {
            id_: is_open
            for at, id_, is_open in sorted(changes)
            if moment_of(at) < midnight.astimezone(timezone.utc)
        }
        assert count == sum(state.values()), day
    assert len({*found.values()}) > 3


def test_handle_time_is_that_of_contacts_that_have_ended(loaded: DeskPipeline) -> None:
    account = loaded.gladly.account
    topics, agents = names(account.topics), names(account.agents)
    tagged: defaultdict[str, list[str | None]] = defaultdict(list)
    for event in loaded.gladly.desk.history:
        content = event["content"]
        if event["type"] == "CONVERSATION/TOPIC_ADDED":
            tagged[content["conversationId"]].append(content["topicId"])
        elif event["type"] == "CONVERSATION/TOPIC_REMOVED":
            tagged[content["conversationId"]].remove(content["topicId"])
        elif event["type"] == "CUSTOMER/MERGED":
            # What was known of a conversation that is gone is gone too.
            tagged.pop(content["sourceConversationId"], None)
    wanted: defaultdict[tuple[str | None, str], list[float]] = defaultdict(list)
    for contact in contacts_of(loaded.gladly.desk.history).values():
        for agent, handled in contact.handled.items():
            for topic in tagged[contact.content["conversationId"]] or [None]:
                wanted[topics.get(topic), agent].append(handled / SECOND)
    found = {(row["topic"], row["agent_id"]): row for row in answers(loaded, "handle_time")}
    assert len(found) > 10
    assert found.keys() == wanted.keys()
    for key, row in found.items():
        assert row["sessions"] == len(wanted[key])
        assert float(row["seconds"]) == pytest.approx(sum(wanted[key]))
        assert float(row["average_seconds"]) == pytest.approx(sum(wanted[key]) / len(wanted[key]))
        assert row["agent"] == agents[key[1]]


def test_agents_hours_are_by_day_and_type(loaded: DeskPipeline) -> None:
    zone = ZoneInfo(str(loaded.gladly.account.organization["timezone"]))
    wanted: defaultdict[tuple[str, t.Any, str], float] = defaultdict(float)
    for row in loaded.gladly.reports.rows("AgentDurationsReportV2"):
        day = moment_of(nanos(row["Start time"])).astimezone(zone).date()
        if row["End time"]:
            wanted[row["Agent ID"], day, row["Type"]] += float(row["Duration (mins)"]) / 60
    found = [row for row in answers(loaded, "agent_hours") if row["hours"] is not None]
    assert {
        (row["agent_id"], row["day"], row["type"]): pytest.approx(float(row["hours"]))
        for row in found
    } == wanted
    assert wanted


def test_overdue_is_what_is_open_and_was_due(loaded: DeskPipeline) -> None:
    desk, now = loaded.gladly.desk, datetime.now(timezone.utc)
    due = {id_: moment_of(nanos(each["dueAt"])) for id_, each in desk.tasks.items()}
    found = {row["task_id"]: row for row in answers(loaded, "overdue_tasks")}
    assert found.keys() == {
        id_ for id_, at in due.items() if at < now and desk.tasks[id_]["status"] == "OPEN"
    }
    assert 0 < len(found) < len(due)
    for id_, row in found.items():
        hours = (now - due[id_]).total_seconds() / 3600
        assert float(row["hours_overdue"]) == pytest.approx(hours, abs=0.1)
        assert row["customer_id"] == desk.tasks[id_]["customerId"]
    tokyo = query(loaded, "SELECT count(*) FROM gladly_overdue_tasks", "Asia/Tokyo")
    assert tokyo == [(len(found),)]


def test_reopened_are_some_of_those_that_were_closed(loaded: DeskPipeline) -> None:
    gladly = loaded.gladly
    inboxes = names(gladly.account.inboxes)
    happened: Counter[tuple[str, str]] = Counter(
        (each["content"]["conversationId"], each["type"])
        for each in gladly.desk.history
        if "conversationId" in each["content"]
    )
    closed: Counter[str | None] = Counter()
    reopened: Counter[str | None] = Counter()
    for id_, talk in gladly.desk.conversations.items():
        if happened[id_, "CONVERSATION/CLOSED"]:
            closed[inboxes[talk["inboxId"]]] += 1
            reopened[inboxes[talk["inboxId"]]] += happened[id_, "CONVERSATION/REOPENED"] > 0
    found = answers(loaded, "reopen_rate")
    for inbox, count in closed.items():
        rows = [row for row in found if row["inbox"] == inbox]
        assert sum(row["closed_conversations"] for row in rows) == count
        assert sum(row["reopened"] for row in rows) == reopened[inbox]
    assert 0 < sum(reopened.values()) < sum(closed.values())
    for row in found:
        share = row["reopened"] / row["closed_conversations"]
        assert float(row["share"]) == pytest.approx(share)


def test_a_contact_is_in_time_or_not(loaded: DeskPipeline) -> None:
    inboxes = names(loaded.gladly.account.inboxes)
    wanted: defaultdict[tuple[str | None, str], list[bool]] = defaultdict(list)
    for contact in contacts_of(loaded.gladly.desk.history).values():
        if contact.ended_at:
            content = contact.content
            inbox = inboxes[content["context"]["assignee"]["inboxId"]]
            wanted[inbox, content["channel"]].append(contact.is_in_time)
    found = answers(loaded, "sla")
    assert {
        (row["inbox"], row["channel"]): (row["contacts"], row["within_sla"]) for row in found
    } == {key: (len(each), sum(each)) for key, each in wanted.items()}
    assert {False, True} == {each for several in wanted.values() for each in several}


def test_of_a_deleted_customer_nothing_is_left_but_the_mark(loaded: DeskPipeline) -> None:
    desk = loaded.gladly.desk
    # Of those who were deleted longer ago, no event told.
    gone = max(desk.deleted, key=desk.deleted.__getitem__)
    tables = sorted(loaded.tables())

    def rows_of(customer: str) -> Counter[str]:
        found: Counter[str] = Counter()
        for table in tables:
            name = sql.Identifier("tap_gladly", table)
            text = sql.SQL("SELECT count(*) FROM {} each WHERE to_jsonb(each)::text LIKE %s")
            [(count,)] = connection.execute(text.format(name), [f"%{customer}%"]).fetchall()
            found[table] = count
        return +found

    with loaded.postgres.connect() as connection:
        others = [each for each in desk.customers if desk.tasks.of(each)]
        before = {each: rows_of(each) for each in others}
        assert rows_of(gone).keys() >= {
            *("conversation_items", "export_conversation_items", "export_customers", "events"),
            *("report_conversation_timestamps", "customer_conversations", "customer_tasks"),
        }
        comments = "SELECT count(*) FROM tap_gladly.task_comments"
        [(all_comments,)] = connection.execute(comments).fetchall()
        for _ in range(2):
            connection.execute((SQL / "forget_gladly_customers.sql").read_bytes())
            connection.execute("DROP TABLE forgotten, forgotten_tasks")
        merged = [old for old, new in desk.merged.items() if new == gone]
        assert merged
        for customer in (gone, *merged):
            assert rows_of(customer).keys() == {"customer_profiles"}
        [(left,)] = connection.execute(comments).fetchall()
        assert left == len(desk.comments) < all_comments
        assert {each: rows_of(each) for each in others} == before
        connection.rollback()


def test_the_demo_s_charts_have_something_to_draw(loaded: DeskPipeline) -> None:
    with loaded.postgres.connect() as connection:
        for chart in charts.GLADLY:
            drawn = chart.figure(connection).data
            assert drawn, chart.question
            assert all(len(each.x) == len(each.y) > 0 for each in drawn)
