"""`meltano run tap-clari target-postgres`: what stands in PostgreSQL is what the API has."""

from __future__ import annotations

import contextlib
import typing as t
from datetime import datetime
from decimal import Decimal

import pytest
from psycopg import sql
from psycopg.rows import dict_row

from tests.expected import expected
from tests.pipeline import Meltano, MeltanoError
from tests.postgres import PostgresServer
from tests.running import select
from tests.sandbox.copilot import CopilotSandbox

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEYS = {
    "calls": "id",
    "call_details": "id",
    "users": "id",
    "topics": "topic_id",
    "keyword_topics": "name",
    "scorecards": "id",
    "scorecard_templates": "id",
    "accounts": "id",
    "contacts": "id",
    "deals": "id",
}

Record = dict[str, t.Any]


class Pipeline(t.NamedTuple):
    """A Copilot, a PostgreSQL, and Meltano between them."""

    copilot: CopilotSandbox
    postgres: PostgresServer
    meltano: Meltano


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Pipeline]:
    """An empty database, and an account of 60 calls."""
    with contextlib.ExitStack() as running:
        copilot = running.enter_context(CopilotSandbox(calls=60))
        postgres = running.enter_context(PostgresServer())
        meltano = Meltano(tmp_path / "project", copilot, postgres)
        meltano.install("tap-clari", "target-postgres")
        yield Pipeline(copilot, postgres, meltano)


def rows(pipeline: Pipeline, stream: str) -> dict[str, Record]:
    """The rows of a stream's table by key."""
    with pipeline.postgres.connect() as connection:
        table = sql.Identifier("tap_clari", stream)
        cursor = connection.cursor(row_factory=dict_row)
        found = cursor.execute(sql.SQL("SELECT * FROM {}").format(table)).fetchall()
    by_key = {row[KEYS[stream]]: row for row in found}
    assert len(by_key) == len(found), f"{stream}: a key comes twice"
    return by_key


def truth(copilot: CopilotSandbox, stream: str) -> list[Record]:
    """The records of a stream as the API has them."""
    account = copilot.account
    shown = account.call_ids(private=False)
    if stream == "calls":
        return [account.listed(call_id) for call_id in shown]
    if stream == "call_details":
        calls = [account.call(call_id) for call_id in shown]
        return [c for c in calls if c["status"] in {"PROCESSED", "POST_PROCESSING_DONE"}]
    if stream == "keyword_topics":
        return [{"name": name} for name in account.keyword_topics()]
    records: list[Record] = getattr(account, stream)()
    if stream in {"accounts", "contacts", "deals"}:
        linked = str([account.listed(call_id).get("crm_info") for call_id in shown])
        records = [record for record in records if repr(record["crm_id"]) in linked]
    return records


def without_nulls(value: t.Any) -> t.Any:  # noqa: ANN401
    """A value without null members: whether they are there or not is the target's affair."""
    if isinstance(value, dict):
        return {k: without_nulls(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value


def as_column(value: t.Any, schema: Record) -> t.Any:  # noqa: ANN401
    """A value as PostgreSQL holds it: a time is a timestamp in UTC, a number is exact."""
    if isinstance(value, float):
        return Decimal(str(value))
    if value is not None and schema.get("format") == "date-time":
        return datetime.strptime(value, "%Y-%m-%dT%H:%M:%S.%fZ")  # noqa: DTZ007
    return without_nulls(value)


def assert_tables_hold_the_truth(pipeline: Pipeline) -> None:
    """Every table has the API's records, no more and no less, equal column by column."""
    schemas = {
        entry["tap_stream_id"]: entry["schema"] for entry in select("tap-clari", KEYS)["streams"]
    }
    for stream, key in KEYS.items():
        table = rows(pipeline, stream)
        properties = schemas[stream]["properties"]
        records = {record[key]: record for record in truth(pipeline.copilot, stream)}
        assert records
        assert set(table) == set(records), stream
        for identifier, record in records.items():
            wanted = expected(record, schemas[stream])
            for column, schema in properties.items():
                if column != "_extra":
                    value = as_column(wanted.get(column), schema)
                    there = without_nulls(table[identifier][column])
                    assert there == value, (stream, identifier, column)


def test_what_is_loaded_is_what_the_api_has_in_a_first_run_and_in_a_later_one(
    pipeline: Pipeline,
) -> None:
    account = pipeline.copilot.account
    pipeline.meltano.run("tap-clari", "target-postgres")
    assert_tables_hold_the_truth(pipeline)
    first = {stream: rows(pipeline, stream) for stream in ("calls", "call_details")}

    old = sorted(first["call_details"])[:4]
    for call_id in old:
        account.touch(call_id, modified="2026-10-20T08:00:00Z", status="PROCESSED")
        account.override(call_id, title="Changed \U0001f600 \u2028 since")
    account.add(3, modified_from="2026-10-20T09:00:00Z", modified_to="2026-10-21T09:00:00Z")
    pipeline.copilot.traffic.clear()
    metrics = pipeline.meltano.run("tap-clari", "target-postgres")
    assert_tables_hold_the_truth(pipeline)
    assert {rows(pipeline, "calls")[call_id]["title"] for call_id in old} == {
        "Changed \U0001f600 \u2028 since"
    }
    # Only the changed ones, the new ones and those of the last moment came again.
    assert metrics["calls"].records < len(first["calls"]) / 3
    assert pipeline.copilot.traffic.count("/call-details") == metrics["call_details"].records


def test_surprises_of_the_api_do_not_stop_a_load(pipeline: Pipeline) -> None:
    account = pipeline.copilot.account
    one, two, three = sorted(record["id"] for record in truth(pipeline.copilot, "call_details"))[:3]
    account.override(one, deal_value=12.5, shoe_size={"eu": [42, None]}, title="nul \x00 in it")
    account.override(two, metrics={"call_duration": "long", "num_questions_asked": "3"})
    account.override(three, time="whenever", users="nobody", crm_info={"region": {"id": 1}})
    pipeline.meltano.run("tap-clari", "target-postgres")
    for stream in ("calls", "call_details"):
        table = rows(pipeline, stream)
        assert table[one]["deal_value"] == "12.5"
        assert table[one]["title"] == "nul \ufffd in it"
        assert table[one]["_extra"] == {"shoe_size": {"eu": [42, None]}}
        assert without_nulls(table[two]["metrics"]) == {"num_questions_asked": 3}
        assert table[two]["_extra"] == {"metrics.call_duration": "long"}
        assert table[three]["time"] is None
        assert table[three]["users"] is None
        assert table[three]["_extra"] == {"time": "whenever", "users": "nobody"}
        assert without_nulls(table[three]["crm_info"]) == {"region": {"id": 1}}


def test_an_error_comes_through_as_one_sentence_and_shows_no_secret(pipeline: Pipeline) -> None:
    with pytest.raises(MeltanoError) as failure:
        pipeline.meltano.run(
            "tap-clari",
            "target-postgres",
            settings={"TAP_CLARI_COPILOT_API_PASSWORD": "not-the-password"},
        )
    said = [str(event.get("event")) for event in failure.value.events]
    sentences = [line for line in said if "does not accept the credentials (HTTP 401)" in line]
    assert len(sentences) == 1
    printed = str(failure.value.events)
    assert "Traceback" not in printed
    assert "not-the-password" not in printed
    assert pipeline.copilot.api_key not in printed
