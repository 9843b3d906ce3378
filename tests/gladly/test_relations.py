"""The relations between the streams: both ends are there, and what refers to nothing is named."""

from __future__ import annotations

import re

import pytest

from tests.relations import Relation, column_types, relations
from tests.running import discovered

RELATIONS = relations("tap-gladly")


@pytest.mark.parametrize("relation", RELATIONS, ids=str)
def test_both_ends_are_columns_of_one_type(relation: Relation) -> None:
    types = column_types(discovered("tap-gladly"))
    for column, key in relation.ends():
        assert types[column] == types[key]


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
