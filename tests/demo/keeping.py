"""What a demo leaves for the next: its tables as files, and Meltano's state beside them.

The server of a demo is gone when the demo ends. The next one has to find the rows that the state
says are loaded, or an incremental run would show an almost empty database.
"""

from __future__ import annotations

import json
import shutil
import typing as t
from dataclasses import dataclass
from datetime import datetime, timezone

from psycopg import sql

if t.TYPE_CHECKING:
    from pathlib import Path

    from psycopg import Connection
    from typing_extensions import LiteralString

SCHEMAS = ("tap_clari", "tap_gladly")

_TABLES = "SELECT schemaname, tablename FROM pg_tables WHERE schemaname = ANY(%s) ORDER BY 1, 2"
_COLUMNS = """
    SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
_KEY = """
    SELECT pg_get_constraintdef(oid) FROM pg_constraint
    WHERE conrelid = %s::regclass AND contype = 'p'
"""


def rows_if_there(
    connection: Connection, table: str, query: LiteralString
) -> list[tuple[t.Any, ...]]:
    """Ask something of a table; where no demo has made it yet, there is nothing."""
    found = connection.execute("SELECT to_regclass(%s)", [table]).fetchone()
    return connection.execute(query).fetchall() if found and found[0] else []


@dataclass
class Keeping:
    """A folder that demos hand on.

    Args:
        folder: The folder; whatever an interrupted demo left there is thrown away.

    Attributes:
        runs: When the demos before this one ended.
    """

    folder: Path

    def __post_init__(self) -> None:
        self._runs = self.folder / "ended"
        # Written last and taken away first: without it, state and tables may not agree.
        ended = self._runs.read_text().split() if self._runs.exists() else []
        self.runs = [datetime.fromisoformat(each) for each in ended]
        if not self.runs:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(exist_ok=True)

    def restore(self, connection: Connection) -> None:
        """Fill an empty database with the tables of the demo before."""
        self._runs.unlink(missing_ok=True)
        if not self.runs:
            return
        for schema in SCHEMAS:
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
        for file in sorted(self.folder.glob("*.table.json")):
            table = json.loads(file.read_text(encoding="utf-8"))
            name = sql.Identifier(table["schema"], table["name"])
            # Types and key were written by PostgreSQL itself.
            definitions = [
                sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(kind))
                for column, kind in table["columns"]
            ] + [sql.SQL(key) for key in table["key"]]
            connection.execute(
                sql.SQL("CREATE TABLE {} ({})").format(name, sql.SQL(", ").join(definitions))
            )
            with (
                self._rows(table["schema"], table["name"]).open("rb") as rows,
                connection.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(name)) as copy,
            ):
                while chunk := rows.read(1 << 16):
                    copy.write(chunk)
        connection.commit()

    def keep(self, connection: Connection) -> None:
        """Write the tables to files."""
        for schema, table in connection.execute(_TABLES, [[*SCHEMAS]]).fetchall():
            name = sql.Identifier(schema, table)
            relation = name.as_string(connection)
            definition = {
                "schema": schema,
                "name": table,
                "columns": connection.execute(_COLUMNS, [relation]).fetchall(),
                "key": [key for (key,) in connection.execute(_KEY, [relation]).fetchall()],
            }
            (self.folder / f"{schema}.{table}.table.json").write_text(
                json.dumps(definition), encoding="utf-8"
            )
            with (
                self._rows(schema, table).open("wb") as rows,
                connection.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(name)) as copy,
            ):
                for chunk in copy:
                    rows.write(chunk)
        self.runs.append(datetime.now(timezone.utc))
        ended = "\n".join(each.isoformat() for each in self.runs)
        self._runs.write_text(ended, encoding="utf-8")

    def _rows(self, schema: str, table: str) -> Path:
        return self.folder / f"{schema}.{table}.rows"
