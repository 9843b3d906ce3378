"""A year in twelve runs, each with a state of its own, beside the same year in one run."""

from __future__ import annotations

import itertools
import json
import subprocess
import typing as t

import pytest
from psycopg import sql

from tests import impatient
from tests.clari.backfill import LINKED, STREAMS, account_with_bounds, months
from tests.gladly import backfill as gladly_backfill
from tests.gladly.report_truth import WINDOW
from tests.pipeline import Meltano
from tests.postgres import PostgresServer

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from tests.running import Run

pytestmark = pytest.mark.slow

TARGET = ".meltano/loaders/target-postgres/venv/bin/target-postgres"


def load(postgres: PostgresServer, project: Path, schema: str, *runs: Run) -> None:
    """Write what runs gave into a schema, as their targets would one after the other."""
    config = {
        "host": postgres.host,
        "port": postgres.port,
        "user": postgres.user,
        "password": postgres.password,
        "database": postgres.database,
        "default_target_schema": schema,
    }
    file = project / f"{schema}.json"
    file.write_text(json.dumps(config), encoding="utf-8")
    lines = "".join(f"{line}\n" for run in runs for line in run.lines)
    target = [str(project / TARGET), "--config", str(file)]
    subprocess.run(target, input=lines, encoding="utf-8", check=True, capture_output=True)


def rows(postgres: PostgresServer, schema: str, stream: str, columns: list[str]) -> list[str]:
    """The rows of a table in some order that is always the same."""
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    table = sql.Identifier(schema, stream)
    with postgres.connect() as connection:
        found = connection.execute(sql.SQL("SELECT {} FROM {}").format(names, table)).fetchall()
    return sorted(map(repr, found))


def assert_same_tables(
    postgres: PostgresServer, streams: Iterable[str], besides: Collection[str] = ()
) -> None:
    """Both schemas have the same rows of these streams, but for some columns."""
    for stream in streams:
        with postgres.connect() as connection:
            # The target's own columns say when a row was loaded.
            found = connection.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_schema = 'whole'"
                " AND table_name = %s AND column_name NOT LIKE '\\_sdc%%'",
                [stream],
            ).fetchall()
        columns = [name for (name,) in found if name not in besides]
        whole = rows(postgres, "whole", stream, columns)
        assert rows(postgres, "pieces", stream, columns) == whole, stream
        assert len(whole) > 0, stream


def test_twelve_pieces_are_the_year_in_postgresql(tmp_path: Path) -> None:
    first, *_, last = months()
    with account_with_bounds() as account, PostgresServer() as postgres:
        Meltano(tmp_path / "project", postgres).install("target-postgres")
        pieces = [account.piece(*each) for each in itertools.pairwise(months())]
        load(postgres, tmp_path / "project", "pieces", *pieces)
        load(postgres, tmp_path / "project", "whole", account.piece(first, last))
        assert_same_tables(postgres, (*STREAMS, *LINKED))


def test_twelve_pieces_of_gladly_are_the_year_in_postgresql(tmp_path: Path) -> None:
    first, *_, last = gladly_backfill.MONTHS
    command = impatient.command(tmp_path, "tap-gladly")
    with gladly_backfill.account_with_bounds(command) as account, PostgresServer() as postgres:
        Meltano(tmp_path / "project", postgres).install("target-postgres")
        pieces = [account.piece(*each) for each in itertools.pairwise(gladly_backfill.MONTHS)]
        load(postgres, tmp_path / "project", "pieces", *pieces)
        load(postgres, tmp_path / "project", "whole", account.piece(first, last))
        # The window in which a row was asked for, and when, are those of its piece.
        assert_same_tables(postgres, gladly_backfill.STREAMS, (*WINDOW, "read_at"))
