"""A year in twelve runs, each with a state of its own, beside the same year in one run."""

from __future__ import annotations

import itertools
import json
import subprocess
import typing as t

from psycopg import sql

from tests.clari.backfill import LINKED, STREAMS, account_with_bounds, months
from tests.pipeline import Meltano
from tests.postgres import PostgresServer

if t.TYPE_CHECKING:
    from pathlib import Path

    from tests.running import Run

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


def test_twelve_pieces_are_the_year_in_postgresql(tmp_path: Path) -> None:
    first, *_, last = months()
    with account_with_bounds() as account, PostgresServer() as postgres:
        Meltano(tmp_path / "project", postgres).install("target-postgres")
        pieces = [account.piece(*each) for each in itertools.pairwise(months())]
        load(postgres, tmp_path / "project", "pieces", *pieces)
        load(postgres, tmp_path / "project", "whole", account.piece(first, last))
        for stream in (*STREAMS, *LINKED):
            tables = [sql.Identifier(schema, stream) for schema in ("pieces", "whole")]
            with postgres.connect() as connection:
                # The target's own columns say when a row was loaded.
                columns = connection.execute(
                    "SELECT column_name FROM information_schema.columns WHERE table_schema = %s"
                    " AND table_name = %s AND column_name NOT LIKE '\\_sdc%%'",
                    ["whole", stream],
                ).fetchall()
                names = sql.SQL(", ").join(sql.Identifier(name) for (name,) in columns)
                rows = [
                    sorted(
                        map(
                            repr,
                            connection.execute(
                                sql.SQL("SELECT {} FROM {}").format(names, table)
                            ).fetchall(),
                        )
                    )
                    for table in tables
                ]
            assert rows[0] == rows[1], stream
            assert len(rows[0]) > 0, stream
