"""What a demo leaves for the next: its tables as files, and Meltano's state beside them.

The server of a demo is gone when the demo ends. The next one has to find the rows that the state
says are loaded, or an incremental run would show an almost empty database.
"""

from __future__ import annotations

import json
import shutil
import typing as t
from dataclasses import dataclass

from psycopg import sql

if t.TYPE_CHECKING:
    from pathlib import Path

    from psycopg import Connection

SCHEMA = "tap_clari"

_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY 1"
_COLUMNS = """
    SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
_KEY = """
    SELECT pg_get_constraintdef(oid) FROM pg_constraint
    WHERE conrelid = %s::regclass AND contype = 'p'
"""


@dataclass
class Keeping:
    """A folder that demos hand on.

    Args:
        folder: The folder; whatever an interrupted demo left there is thrown away.
    """

    folder: Path

    def __post_init__(self) -> None:
        self._runs = self.folder / "runs"
        # Written last and taken away first: without it, state and tables may not agree.
        self.runs = int(self._runs.read_text()) if self._runs.exists() else 0
        if not self.runs:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(exist_ok=True)

    def restore(self, connection: Connection) -> None:
        """Fill an empty database with the tables of the demo before."""
        self._runs.unlink(missing_ok=True)
        if not self.runs:
            return
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(SCHEMA)))
        for file in sorted(self.folder.glob("*.table.json")):
            table = json.loads(file.read_text(encoding="utf-8"))
            name = sql.Identifier(SCHEMA, table["name"])
            # Types and key were written by PostgreSQL itself.
            definitions = [
                sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(kind))
                for column, kind in table["columns"]
            ] + [sql.SQL(key) for key in table["key"]]
            connection.execute(
                sql.SQL("CREATE TABLE {} ({})").format(name, sql.SQL(", ").join(definitions))
            )
            with (
                self._rows(table["name"]).open("rb") as rows,
                connection.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(name)) as copy,
            ):
                while chunk := rows.read(1 << 16):
                    copy.write(chunk)
        connection.commit()

    def keep(self, connection: Connection) -> None:
        """Write the tables to files."""
        for (table,) in connection.execute(_TABLES, [SCHEMA]).fetchall():
            name = sql.Identifier(SCHEMA, table)
            relation = name.as_string(connection)
            definition = {
                "name": table,
                "columns": connection.execute(_COLUMNS, [relation]).fetchall(),
                "key": [key for (key,) in connection.execute(_KEY, [relation]).fetchall()],
            }
            (self.folder / f"{table}.table.json").write_text(
                json.dumps(definition), encoding="utf-8"
            )
            with (
                self._rows(table).open("wb") as rows,
                connection.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(name)) as copy,
            ):
                for chunk in copy:
                    rows.write(chunk)
        self.runs += 1
        self._runs.write_text(str(self.runs), encoding="utf-8")

    def _rows(self, table: str) -> Path:
        return self.folder / f"{table}.rows"
