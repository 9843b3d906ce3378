"""What `docs/sql` has for Gladly does what it says, also after a later run."""

from __future__ import annotations

import typing as t

import pytest

from tests.gladly.truth import ago
from tests.meltano.conftest import desk_pipeline_of
from tests.pipeline import ROOT
from tests.sandbox.gladly import GladlySandbox
from tests.sandbox.gladly.timestamps import SECOND, nanos

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.meltano.conftest import DeskPipeline

SQL = ROOT / "docs" / "sql"
STREAMS = (
    *("organization", "agents", "inboxes", "topics"),
    *("conversations", "conversation_items", "customer_profiles", "customer_conversations"),
    *("tasks", "task_comments"),
    *("export_jobs", "export_conversation_items", "export_customers"),
    "report_work_session_events",
)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskPipeline]:
    """A Gladly that was read twice."""
    with desk_pipeline_of(GladlySandbox(), tmp_path_factory.mktemp("views")) as pipeline:
        pipeline.run(*STREAMS)
        with pipeline.postgres.connect() as connection:
            connection.execute((SQL / "timestamptz.sql").read_bytes())
            connection.commit()
        pipeline.gladly.desk.task(at=ago(minutes=5))
        pipeline.set_back(ago(minutes=10))
        pipeline.run(*STREAMS)
        yield pipeline


def query(pipeline: DeskPipeline, text: str, zone: str = "UTC") -> list[tuple[t.Any, ...]]:
    """The rows of a query, in a session of some zone."""
    with pipeline.postgres.connect() as connection:
        connection.execute("SELECT set_config('TimeZone', %s, false)", [zone])
        return connection.execute(text).fetchall()


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
    assert due.keys() == loaded.gladly.desk.tasks.keys()
    for task_id, task in loaded.gladly.desk.tasks.items():
        if "dueAt" in task:
            assert int(due[task_id]) == nanos(task["dueAt"]) // SECOND


def test_an_object_that_is_not_there_is_compared_as_json(loaded: DeskPipeline) -> None:
    [(found,)] = query(
        loaded,
        "SELECT count(*) FROM tap_gladly.tasks "
        "WHERE NULLIF(assignee, 'null') IS NULL AND _sdc_deleted_at IS NULL",
    )
    tasks = loaded.gladly.desk.tasks.values()
    assert found == sum("assignee" not in task for task in tasks) > 0
