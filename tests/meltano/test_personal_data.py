"""What the READMEs say of personal data, by Meltano into PostgreSQL, which is searched afterwards.

It also tries the environment as a user's way to set the SDK's settings.
"""

from __future__ import annotations

import json
import typing as t

import pytest
from psycopg import sql

from tests.clari.conftest import config as copilot_config
from tests.clari.conftest import revenue_config
from tests.gladly.conftest import config as gladly_config
from tests.meltano.conftest import ClariPipeline, GladlyPipeline
from tests.recipes import originals, without_personal_data
from tests.running import Tap, discovered

if t.TYPE_CHECKING:
    from tests.meltano.conftest import Pipeline

pytestmark = pytest.mark.slow

MEMBERS = {
    "tap-clari": frozenset({"transcript", "full_summary"}),
    "tap-gladly": frozenset({"body", "paragraphs", "comment"}),
}
"""The members of records that hold what was said or written."""

REPORTS = {
    "report_contact_export_v3": "ContactExportReportV3",
    "report_task_export": "TaskExportReport",
}
"""The reports that hold a phone number or a text, by stream."""

PUBLIC = ("answers", "answer_contents")
"""Streams of texts that anyone may read."""


def everything(pipeline: Pipeline) -> str:
    """Every row of every table, as text."""
    schema = pipeline.tap.replace("-", "_")
    rows: list[str] = []
    with pipeline.postgres.connect() as connection:
        for table in sorted(pipeline.tables()):
            query = sql.SQL("SELECT row_to_json(t)::text FROM {} t").format(
                sql.Identifier(schema, table)
            )
            rows += [row for (row,) in connection.execute(query).fetchall()]
    return "\n".join(json.dumps(json.loads(row), ensure_ascii=False) for row in rows)


def tap_of(pipeline: ClariPipeline | GladlyPipeline) -> Tap:
    """The tap of the pipeline, as it is without Meltano."""
    if isinstance(pipeline, GladlyPipeline):
        config = gladly_config(pipeline.gladly, reports=[*REPORTS.values()])
        config["start_date"] = f"{pipeline.start:%Y-%m-%d}"
    else:
        config = {**copilot_config(pipeline.copilot), **revenue_config(pipeline.revenue)}
    return Tap(pipeline.tap, config)


@pytest.mark.parametrize("name", ["pipeline", "gladly"])
def test_nothing_personal_is_in_the_database(name: str, request: pytest.FixtureRequest) -> None:
    pipeline: ClariPipeline | GladlyPipeline = request.getfixturevalue(name)
    all_streams = [each["tap_stream_id"] for each in discovered(pipeline.tap)["streams"]]
    streams = [each for each in all_streams if not each.startswith("report_") or each in REPORTS]
    tap = tap_of(pipeline)
    read = tap.run(*streams)
    assert read.returncode == 0, read.log
    wanted = {
        text
        for stream, records in read.records.items()
        if stream not in PUBLIC
        for record in records
        for text in originals(record, MEMBERS[pipeline.tap])
    }
    assert len(wanted) > 50

    prefix = pipeline.tap.upper().replace("-", "_")
    recipe = without_personal_data(pipeline.tap)
    settings = {f"{prefix}_{each.upper()}": json.dumps(value) for each, value in recipe.items()}
    pipeline.run(
        *streams, settings={**settings, f"{prefix}_REPORTS": json.dumps([*REPORTS.values()])}
    )
    found = everything(pipeline)
    assert not {text for text in wanted if json.dumps(text, ensure_ascii=False)[1:-1] in found}
    # The rows are there, and so are the hashes.
    assert len(found.splitlines()) >= sum(map(len, read.records.values())) / 2
    assert "Hashes" in found
