"""What turns a SCHEMA into columns, of targets whose warehouse cannot be run here."""

from __future__ import annotations

import json
import subprocess
import typing as t
from dataclasses import dataclass

from tests.targets.environments import environment
from tests.targets.targets import OLD_PYTHONS

if t.TYPE_CHECKING:
    from pathlib import Path

BIGQUERY = """
import json, re, sys
from google.protobuf import json_format
from target_bigquery.core import SchemaResolverVersion, SchemaTranslator
from target_bigquery.proto_gen import proto_schema_factory_v2

SCALARS = {"INTEGER": int, "FLOAT": (int, float), "BOOLEAN": bool}
SCALARS.update(dict.fromkeys(("STRING", "TIMESTAMP", "DATE"), str))

def names(fields, path):
    # BigQuery: letters, digits and underscores, told apart without regard to case.
    for field in fields:
        if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]{0,299}", field.name):
            yield f"{path}.{field.name}: no name of a column"
        yield from names(field.fields, f"{path}.{field.name}")
    if len({field.name.lower() for field in fields}) < len(fields):
        yield f"{path}: two columns of a name"

def misfits(value, field, path):
    kind = field.field_type.upper()
    if field.mode == "REPEATED" and value is not None:
        for item in value:
            # BigQuery takes no null in a list.
            yield from one(item, kind, field, path)
    elif value is not None:
        yield from one(value, kind, field, path)

def one(value, kind, field, path):
    if kind == "RECORD":
        # BigQuery passes by what it does not know there, and keeps what it does.
        for member in field.fields:
            yield from misfits(value.get(member.name), member, f"{path}.{member.name}")
    elif kind != "JSON" and not isinstance(value, SCALARS[kind]):
        yield f"{path}: {type(value).__name__} in a column of type {kind}"

columns, problems, refused, fields, protocol = {}, set(), set(), {}, {}
for line in open(sys.argv[1], encoding="utf-8"):
    message = json.loads(line)
    stream = message.get("stream")
    if message["type"] == "SCHEMA":
        for version in SchemaResolverVersion:
            translated = SchemaTranslator(message["schema"], {}, version).translated_schema
            problems.update(names(translated, stream))
            if version is SchemaResolverVersion.V1:
                fields[stream], protocol[stream] = translated, proto_schema_factory_v2(translated)
                columns[stream] = {each.name: each.field_type.upper() for each in translated}
    elif message["type"] == "RECORD":
        for field in fields[stream]:
            value = message["record"].get(field.name)
            problems.update(misfits(value, field, f"{stream}.{field.name}"))
        try:
            json_format.ParseDict(message["record"], protocol[stream](), True)
        except json_format.ParseError:
            refused.add(stream)
print(json.dumps({"columns": columns, "problems": sorted(problems), "refused": sorted(refused)}))
"""

SNOWFLAKE = """
import json, sys
import sqlalchemy
from snowflake.sqlalchemy.base import SnowflakeIdentifierPreparer
from snowflake.sqlalchemy.snowdialect import SnowflakeDialect
from target_snowflake.connector import SnowflakeConnector

dialect = SnowflakeDialect()

class Offline(SnowflakeConnector):
    # The target's own would sign in first.
    formatter = SnowflakeIdentifierPreparer(dialect)

connector, columns, problems = Offline({"account": "none"}), {}, []
for line in open(sys.argv[1], encoding="utf-8"):
    message = json.loads(line)
    if message["type"] == "SCHEMA":
        stream, properties = message["stream"], message["schema"]["properties"]
        found = {
            name: sqlalchemy.Column(connector.format_identifier(name), connector.to_sql_type(each))
            for name, each in properties.items()
        }
        table = sqlalchemy.Table(stream, sqlalchemy.MetaData(), *found.values())
        sqlalchemy.schema.CreateTable(table).compile(dialect=dialect)
        columns[stream] = {name: str(each.type.compile(dialect)) for name, each in found.items()}
        # Unquoted names are told apart without regard to case.
        if len({each.name.lower() for each in found.values()}) < len(found):
            problems.append(f"{stream}: two columns of a name")
print(json.dumps({"columns": columns, "problems": problems, "refused": []}))
"""


class Translated(t.NamedTuple):
    """What a target makes of a file of messages.

    Attributes:
        columns: The type of each column, by stream.
        problems: What the warehouse would not take.
        refused: The streams whose records the target itself refuses in its default way of loading.
    """

    columns: dict[str, dict[str, str]]
    problems: list[str]
    refused: list[str]


@dataclass(frozen=True)
class Translator:
    """A target of which only the translation runs here.

    Attributes:
        requirement: Its package and version.
        script: Prints what it makes of a file of messages.
        types: Its types of what JSON calls object, array, and of times and days.
        also: Packages in versions that it needs, without saying so.
        pythons: The versions of Python that it installs with; none for any.
        known: What its user has to know, as the page of the targets says it.
    """

    requirement: str
    script: str
    types: dict[str, set[str]]
    also: tuple[str, ...] = ()
    pythons: tuple[str, ...] = ()
    known: str = ""

    def translate(self, file: Path) -> Translated:
        """Translate a file of messages."""
        python = environment(self.requirement, self.pythons, *self.also) / "python"
        command: list[str | Path] = [python, "-W", "ignore", "-c", self.script, file]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-5000:]
        return Translated(**json.loads(done.stdout))


TRANSLATORS = {
    "target-bigquery (z3z1ma)": Translator(
        "z3-target-bigquery==0.7.2",
        BIGQUERY,
        {
            "object": {"RECORD", "JSON"},
            "array": {"RECORD", "JSON", "STRING", "INTEGER", "FLOAT", "TIMESTAMP"},
            "date-time": {"TIMESTAMP"},
            "date": {"DATE"},
        },
        also=("setuptools<81", "protobuf<5"),
        pythons=OLD_PYTHONS,
        known="Needs `setuptools<81` and `protobuf<5` beside it, and Python 3.10 or 3.11. With "
        "`denormalized: true`, set `method: batch_job`, or `flattening_enabled: true` at the tap: "
        "its default method refuses free-form objects.",
    ),
    "target-snowflake (meltanolabs)": Translator(
        "meltanolabs-target-snowflake==0.20.4",
        SNOWFLAKE,
        {
            "object": {"VARIANT"},
            "array": {"VARIANT"},
            "date-time": {"TIMESTAMP_NTZ"},
            "date": {"DATE"},
        },
        known="Objects and lists are of the type `VARIANT`.",
    ),
}
