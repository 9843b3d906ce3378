"""The relations between the streams: both ends are there, and what refers to nothing is named."""

from __future__ import annotations

import re
import typing as t
from datetime import timedelta

import pytest

from tests import impatient
from tests.gladly.conftest import config
from tests.gladly.report_truth import days_ago
from tests.relations import Relation, column_types, relations
from tests.running import Run, Tap, discovered
from tests.sandbox.gladly import GladlySandbox

if t.TYPE_CHECKING:
    from collections.abc import Iterator

RELATIONS = relations("tap-gladly")


@pytest.mark.parametrize("relation", RELATIONS, ids=str)
def test_both_ends_are_columns_of_one_type(relation: Relation) -> None:
    types = column_types(discovered("tap-gladly"))
    for column, key in relation.ends():
        assert types[column] == types[key]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """All streams of an account, from before anything happened there."""
    with GladlySandbox(days=20, talks_per_day=8, conversations=0, tasks=0) as gladly:
        gladly.reports.lag = timedelta(0)
        streams = {each.stream for each in RELATIONS} | {each.to for each in RELATIONS}
        tap = Tap(
            impatient.command(tmp_path_factory.mktemp("relations"), "tap-gladly"), config(gladly)
        )
        found = tap.run(*streams, start_date=days_ago(22))
        assert found.returncode == 0, found.log
        yield found


@pytest.mark.parametrize("relation", RELATIONS, ids=str)
def test_no_reference_leads_nowhere_but_by_design(relation: Relation, run: Run) -> None:
    orphans = relation.found_orphans(run.records)
    assert not orphans or relation.orphans


def test_each_relation_is_met(run: Run) -> None:
    for relation in RELATIONS:
        # Something is found, so that a column of another kind of id would be seen.
        assert relation.references(run.records) - relation.found_orphans(run.records), relation


def test_each_id_refers_to_a_stream_or_to_what_has_none() -> None:
    types = column_types(discovered("tap-gladly"))
    ends = {end for relation in RELATIONS for both in relation.ends() for end in both}
    ids = {
        (stream, path)
        for stream, path in types
        if IDS.search(path) and types[stream, path] & {"string", "integer"}
    }
    assert {path for _, path in ids - ends} == WITHOUT_RECORDS


IDS = re.compile(r"(Id|Ids\[\]|_id|_id_current|_id_created)$")
WITHOUT_RECORDS = {
    "content.messageData.selectedOptionId",  # An option lies in the message that offers it.
    "content.pageId",
    "content.paymentRequestId",
    "content.sessionId",
    "content.userId",
    "externalCustomerId",
    "sessionId",
    "session_id",
}
"""The ids of what no stream has records of."""
