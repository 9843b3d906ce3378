"""The targets, one a row: what is installed, how it is set, and how its rows are read back."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import typing as t
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from decimal import Decimal

from psycopg import sql
from psycopg.rows import dict_row

from tests.meltano.comparing import without_nulls
from tests.targets.environments import environment

if t.TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.postgres import PostgresServer
    from tests.running import Record

    Rows = dict[str, list[Record]]

OLD_PYTHONS = ("3.10", "3.11")
"""For what pins packages that newer ones do not install."""

DUCKDB_ROWS = """
import duckdb, json, sys
connection = duckdb.connect(sys.argv[1], read_only=True)
found = {}
for (table,) in connection.execute("SELECT table_name FROM information_schema.tables").fetchall():
    cursor = connection.execute(f'SELECT * FROM "{table}"')
    names = [each[0] for each in cursor.description]
    found[table] = [dict(zip(names, row)) for row in cursor.fetchall()]
print(json.dumps(found, default=str))
"""


@dataclass(frozen=True)
class Place:
    """Where a target loads to in one test.

    Attributes:
        postgres: A server, for those that need one.
        schema: The schema there that this test alone loads into.
        folder: For files.
    """

    postgres: PostgresServer
    schema: str
    folder: Path


def json_text(value: t.Any) -> str:  # noqa: ANN401
    """An object or a list, or the JSON text of one, as JSON text."""
    value = json.loads(value) if isinstance(value, str) else value
    return json.dumps(without_nulls(value), sort_keys=True, default=float)


def python_text(value: t.Any) -> str:  # noqa: ANN401
    """An object or a list as Python itself prints it, or such a text."""
    return (
        value if isinstance(value, str) else str(json.loads(json.dumps(value), parse_float=Decimal))
    )


def escaped(text: str) -> str:
    """A text, or one with the escapes of JSON for all but quotes and backslashes, with these."""
    return re.sub(r'\\(["\\])', r"\1", json.dumps(text, ensure_ascii=False)[1:-1])


@dataclass(frozen=True)
class Target:
    """A target that runs here.

    Attributes:
        requirement: Its package and version.
        command: Its program.
        settings: Its settings, for a place.
        rows: What it has loaded there, by stream, read with its programs.
        pythons: The versions of Python that it installs with; none for any.
        appends: Whether it keeps older records of a key, and each run has a file of its own.
        lower: Whether it writes the names of columns in lower case.
        empty_is_null: Whether an empty text arrives as null.
        nested: Objects and lists, of a record or a row, in one form.
        text: The same of texts.
        known: What its user has to know, as the page of the targets says it.
    """

    requirement: str
    command: str
    settings: Callable[[Place], Record]
    rows: Callable[[Place, Path], Rows]
    pythons: tuple[str, ...] = ()
    appends: bool = False
    lower: bool = False
    empty_is_null: bool = False
    nested: Callable[[t.Any], str] = json_text
    text: Callable[[str], str] = str
    known: str = ""

    @property
    def programs(self) -> Path:
        """The folder of its programs."""
        return environment(self.requirement, self.pythons)

    def load(self, file: Path, place: Place) -> tuple[int, str]:
        """Load a file of messages, and return exit code and log."""
        config = place.folder / "config.json"
        config.write_text(json.dumps(self.settings(place)), encoding="utf-8")
        with file.open() as messages:
            done = subprocess.run(
                [self.programs / self.command, "--config", config],
                stdin=messages,
                capture_output=True,
                cwd=place.folder,
                text=True,
                check=False,
            )
        return done.returncode, done.stderr

    def comparable(self, value: t.Any, schema: Record) -> object:  # noqa: ANN401
        """A value of a record or of a row, as it has to be equal in both."""
        if value is None or (value == "" and self.empty_is_null):
            return None
        # Either a word or a list of words.
        types = str(schema["type"])
        if "object" in types or "array" in types:
            return self.nested(value)
        if schema.get("format") == "date-time":
            return _moment(value)
        if "number" in types or "integer" in types:
            return Decimal(str(value))
        return str(value).lower() if "boolean" in types else self.text(value)


def _moment(value: str | datetime) -> datetime:
    moment = value
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment.replace("Z", "+00:00"))
    return moment.replace(tzinfo=moment.tzinfo or timezone.utc).astimezone(timezone.utc)


def _postgres(database: str, **settings: t.Any) -> Callable[[Place], Record]:
    return lambda place: {
        "host": place.postgres.host,
        "port": place.postgres.port,
        "user": place.postgres.user,
        "password": place.postgres.password,
        database: place.postgres.database,
        "default_target_schema": place.schema,
        **settings,
    }


def _postgres_rows(place: Place, _: Path) -> Rows:
    with place.postgres.connect() as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s", [place.schema]
        ).fetchall()
        cursor = connection.cursor(row_factory=dict_row)
        select = sql.SQL("SELECT * FROM {}")
        return {
            table: cursor.execute(select.format(sql.Identifier(place.schema, table))).fetchall()
            for (table,) in tables
        }


def _duckdb_rows(place: Place, programs: Path) -> Rows:
    command: list[str | Path] = [
        programs / "python",
        "-c",
        DUCKDB_ROWS,
        place.folder / "loaded.duckdb",
    ]
    found: Rows = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return found


def _csv_rows(place: Place, _: Path) -> Rows:
    csv.field_size_limit(2**31 - 1)
    found: Rows = {}
    for file in sorted(place.folder.glob("*.csv")):
        with file.open(newline="", encoding="utf-8") as lines:
            found.setdefault(file.name.partition("-")[0], []).extend(csv.DictReader(lines))
    return found


def _jsonl_rows(place: Place, _: Path) -> Rows:
    found: Rows = {}
    for file in place.folder.glob("*.jsonl"):
        with file.open(encoding="utf-8") as lines:
            # A record need not have all of its members.
            found[file.stem] = [defaultdict(lambda: None, json.loads(line)) for line in lines]
    return found


_MELTANOLABS_POSTGRES = Target(
    "meltanolabs-target-postgres==0.8.1",
    "target-postgres",
    _postgres("database"),
    _postgres_rows,
    known="An object that is not there is the JSON `null`, and times lack their zone: see "
    "[SQL](sql/README.md).",
)

TARGETS = {
    "meltanolabs-target-postgres": _MELTANOLABS_POSTGRES,
    "meltanolabs-target-postgres with COPY": replace(
        _MELTANOLABS_POSTGRES,
        settings=_postgres(
            "database",
            validate_records=False,
            use_copy=True,
            **{"dialect+driver": "postgresql+psycopg"},
        ),
        known="That is `use_copy: true`, `validate_records: false` and `dialect+driver: "
        "postgresql+psycopg`.",
    ),
    "pipelinewise-target-postgres": Target(
        "pipelinewise-target-postgres==2.1.2",
        "target-postgres",
        _postgres("dbname"),
        _postgres_rows,
        pythons=OLD_PYTHONS,
        lower=True,
        empty_is_null=True,
        text=escaped,
        known="Names of columns arrive in lower case, an empty text as null, and a line break "
        "or tab in a text as `\\n` or `\\t`. Installs with Python 3.10 and 3.11.",
    ),
    "target-duckdb": Target(
        "target-duckdb==0.8.0",
        "target-duckdb",
        lambda place: {
            "path": str(place.folder / "loaded.duckdb"),
            "default_target_schema": "main",
        },
        _duckdb_rows,
        lower=True,
        empty_is_null=True,
        known="Names of columns arrive in lower case, and an empty text as null. Where all "
        "columns are texts it takes the first row for a header, and where all are of the key it "
        "fails: leave `_extra` selected.",
    ),
    "meltanolabs-target-csv": Target(
        "meltanolabs-target-csv==0.5.0",
        "target-csv",
        lambda place: {
            "output_path": str(place.folder),
            "file_naming_scheme": "{stream_name}-{timestamp}.csv",
            "add_record_metadata": True,
        },
        _csv_rows,
        appends=True,
        empty_is_null=True,
        nested=python_text,
        known="Empties the file of a stream when it is run again: set `file_naming_scheme` to "
        "`{stream_name}-{timestamp}.csv`. Set `add_record_metadata: true`, else `_sdc_deleted_at` "
        "is left out. Objects and lists are written as Python prints them: set "
        "`flattening_enabled: true` at the tap, and they are JSON.",
    ),
    "target-jsonl": Target(
        "target-jsonl==0.1.4",
        "target-jsonl",
        lambda place: {"destination_path": str(place.folder), "do_timestamp_file": False},
        _jsonl_rows,
        appends=True,
        known="Adds to its files: of the lines of a key the last one counts.",
    ),
}
