"""The relations between the streams: both ends are there, and what refers to nothing is named."""

from __future__ import annotations

import typing as t

import pytest

from tests.clari.conftest import config, revenue_config
from tests.relations import Relation, column_types, relations
from tests.running import Run, Tap, discovered
from tests.sandbox.copilot import CopilotSandbox
from tests.sandbox.revenue import RevenueSandbox

if t.TYPE_CHECKING:
    from collections.abc import Iterator

RELATIONS = relations("tap-clari")


@pytest.mark.parametrize("relation", RELATIONS, ids=str)
def test_both_ends_are_columns_of_one_type(relation: Relation) -> None:
    types = column_types(discovered("tap-clari"))
    for column, key in relation.ends():
        assert types[column] == types[key]


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """All streams of one account, whose two APIs show one CRM."""
    with (
        CopilotSandbox(calls=60, requests_per_second=None) as copilot,
        RevenueSandbox(copilot=copilot) as revenue,
    ):
        revenue.exports.seconds = 0.1
        settings = {**config(copilot), **revenue_config(revenue), "start_date": "2025-01-01"}
        yield Tap("tap-clari", settings).run(*{each.stream for each in RELATIONS} | KEYS)


KEYS = {each.to for each in RELATIONS}


@pytest.mark.parametrize("relation", RELATIONS, ids=str)
def test_no_reference_leads_nowhere_but_by_design(relation: Relation, run: Run) -> None:
    references = relation.references(run.records)
    orphans = relation.found_orphans(run.records)
    # Something is found, so that a column of another kind of id would be seen.
    assert references - orphans
    assert not orphans or relation.orphans
