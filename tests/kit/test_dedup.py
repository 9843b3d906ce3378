"""What a run remembers on disk."""

from __future__ import annotations

import pytest
from tap_clari.kit.database import TemporaryDatabase
from tap_clari.kit.dedup import SeenIds
from tap_clari.kit.errors import StorageError


def test_an_id_is_new_once() -> None:
    seen = SeenIds()
    assert [seen.add(each) for each in ("b", "a", "b", "")] == [True, True, False, True]
    assert list(seen) == ["", "a", "b"]
    assert len(seen) == 3


def test_rows_are_read_while_others_are_written() -> None:
    database = TemporaryDatabase("CREATE TABLE t (id TEXT PRIMARY KEY);")
    database.insert_many([("INSERT INTO t VALUES (?)", [("a",), ("b",)])])
    assert database.column("SELECT id FROM t ORDER BY id") == ["a", "b"]
    assert database.execute("DELETE FROM t WHERE id = ?", "a") == 1
    assert list(database.rows("SELECT id FROM t")) == [("b",)]


def test_a_fault_of_the_disk_is_a_sentence() -> None:
    with pytest.raises(StorageError, match=r"folder for temporary files \(no such table: t\)"):
        TemporaryDatabase("").column("SELECT id FROM t")
