"""The relations between the streams: both ends are there, and what refers to nothing is named."""

from __future__ import annotations

import re
import typing as t

import pytest

from tests import impatient
from tests.gladly.coherent import BEGIN, coherent_gladly, happen
from tests.gladly.conftest import config
from tests.relations import Relation, column_types, relations
from tests.running import Run, Tap, discovered

if t.TYPE_CHECKING:
    from collections.abc import Iterator

RELATIONS = relations("tap-gladly")
CONTACTS = "report_contact_export_v3"


@pytest.mark.parametrize("relation", RELATIONS, ids=str)
def test_both_ends_are_columns_of_one_type(relation: Relation) -> None:
    types = column_types(discovered("tap-gladly"))
    for column, key in relation.ends():
        assert types[column] == types[key]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """All streams of an account whose reports and export files say what happened at its desk."""
    with coherent_gladly() as gladly:
        happen(gladly)
        streams = {each.stream for each in RELATIONS} | {each.to for each in RELATIONS}
        tap = Tap(
            impatient.command(tmp_path_factory.mktemp("relations"), "tap-gladly"), config(gladly)
        )
        found = tap.run(*streams, start_date=BEGIN.isoformat())
        assert found.returncode == 0, found.log
        yield found


@pytest.mark.parametrize("relation", RELATIONS, ids=str)
def test_no_reference_leads_nowhere_but_by_design(relation: Relation, run: Run) -> None:
    orphans = relation.found_orphans(run.records)
    assert not orphans or relation.orphans


def test_each_relation_is_met(run: Run) -> None:
    unmet = {str(each) for each in RELATIONS if not each.references(run.records)}
    assert unmet == NOT_MET
    for relation in RELATIONS:
        # Something is found, so that a column of another kind of id would be seen.
        found = relation.references(run.records) - relation.found_orphans(run.records)
        assert found or str(relation) in NOT_MET, relation


NOT_MET = {
    f"{stream}({column}) -> {to}"
    for stream, column, to in (
        *(
            (stream, "content.messageData.requestMessageId", f"{stream}(id)")
            for stream in ("conversation_items", "export_conversation_items")
        ),
        ("report_contact_timestamps", "fulfilled_by_contact_id", f"{CONTACTS}(contact_id)"),
        ("report_conversation_export", "assigned_agent_id_created", "agents(id)"),
    )
}
"""Nobody answers a quick reply there, or fulfils a contact by another; conversations begin with no
agent."""


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
