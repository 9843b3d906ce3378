"""The relations between the streams: what is declared is there, with the same type at both ends."""

from __future__ import annotations

import pytest

from tests.relations import Relation, column_types, relations
from tests.running import discovered

RELATIONS = relations("tap-clari")


@pytest.mark.parametrize("relation", RELATIONS, ids=str)
def test_both_ends_are_columns_of_one_type(relation: Relation) -> None:
    types = column_types(discovered("tap-clari"))
    for column, key in relation.ends():
        assert types[column] == types[key]
