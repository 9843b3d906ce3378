"""The page of a tap's tables: columns, keys, how each stream is read, and how the tables join.

The columns are those of the catalog that the tap discovers; where a stream comes from, what a later
run reads and what it costs stand in the tap's README; what refers to what, in its `relations.yml`;
the words in its columns, in its `words.md`, if it has one.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Fields = dict[str, t.Any]

NAMED = 2
"""How many columns an arrow of the diagram names."""

INTRODUCTION = """\
# The tables of {tap}

Each stream is a table. `make definitions` writes this page from the schemas, the relations and the
README of the tap.

- A column `a.b` is a member of an object, and `a[].b` one of the elements of a list. In PostgreSQL,
  an object is a column of type `jsonb`, and a list one of `jsonb[]`. With `flattening_enabled`,
  members of objects are columns of their own: `a__b`.
- A time is in UTC. Every column but those of the key may be empty.
- Each table has a column `_extra` as well: what the API gives and this page does not name.
- Views that answer common questions: [docs/sql](sql/README.md).

## How the tables join

An arrow leads from a table with a reference to the table that it is found in, and names the column.
The fork is the side of which there may be many rows. A ring says that there may be none.
"""


@dataclass(frozen=True)
class Source:
    """How a stream is read, as the README says.

    Args:
        endpoint: Where it comes from.
        reads: What a later run reads.
        cost: The requests that it costs.
        part: Which of the README's tables it is in, from 0.
    """

    endpoint: str
    reads: str
    cost: str
    part: int


@dataclass
class _Edge:
    of: str
    to: str
    many: bool = False
    may_be_missing: bool = False
    columns: list[str] = field(default_factory=list)


def sources(readme: str) -> dict[str, Source]:
    """How each stream is read, from the tables of the README's section on streams."""
    section = readme.split("\n## Streams\n", 1)[1].split("\n## ", 1)[0]
    found = {}
    part = -1
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        part += line.startswith("| stream |")
        if line.startswith("| `"):
            names, endpoint, _, reads, cost = cells
            for name in re.findall(r"`(\w+)`", names):
                found[name] = Source(endpoint, reads, cost.strip("| "), part)
    return found


def page(
    tap: str, catalog: Fields, readme: str, relations: dict[str, list[Fields]], words: str
) -> str:
    """The page of a tap's tables, in Markdown.

    Args:
        tap: The tap's name.
        catalog: What it discovers.
        readme: Its README.
        relations: What it declares in `relations.yml`.
        words: What is to be said of the words in its columns, in Markdown.
    """
    read_as = sources(readme)
    lines = [INTRODUCTION.format(tap=tap)]
    for part in sorted({source.part for source in read_as.values()}):
        names = [name for name, source in read_as.items() if source.part == part]
        lines += _diagram({name: relations[name] for name in names if name in relations})
    lines += [words] if words else []
    streams = {each["tap_stream_id"]: each for each in catalog["streams"]}
    for name, source in read_as.items():
        lines += _stream(streams[name], source, relations.get(name, []))
    return "\n".join(lines)


def _diagram(relations: dict[str, list[Fields]]) -> Iterator[str]:
    edges: dict[tuple[str, str], _Edge] = {}
    twins = {}
    for number, (name, several) in enumerate(relations.items()):
        alike = [each for each in [*relations][:number] if relations[each] == several]
        if alike:
            twins[name] = alike[0]
            continue
        for each in several:
            if any({*each["columns"]} < {*other["columns"]} for other in several):
                continue  # The longer way by the other table says the same.
            edge = edges.setdefault((name, each["to"]), _Edge(name, each["to"]))
            edge.many |= any("[]" in column for column in each["columns"])
            edge.may_be_missing |= "orphans" in each
            # The last column tells it from the others: those before it are what both have.
            edge.columns.append(each["columns"][-1])
    if edges:
        yield "```mermaid"
        yield "erDiagram"
        yield "    direction LR"
        for edge in edges.values():
            end = "o{" if edge.many else "o|" if edge.may_be_missing else "||"
            names = ", ".join(edge.columns[:NAMED]) + (", ..." if edge.columns[NAMED:] else "")
            yield f'    {edge.of} }}o--{end} {edge.to} : "{names}"'
        yield "```"
        yield ""
    for name, other in twins.items():
        yield f"`{name}` joins as `{other}` does."
        yield ""


def _stream(entry: Fields, source: Source, relations: Iterable[Fields]) -> Iterator[str]:
    key = ", ".join(f"`{name}`" for name in entry["key_properties"])
    yield f"## `{entry['tap_stream_id']}`"
    yield ""
    yield f"- From: {source.endpoint}"
    yield f"- Key: {key}"
    if bookmark := entry.get("replication_key"):
        yield f"- Replication key: `{bookmark}`"
    yield f"- A later run reads: {source.reads}"
    yield f"- Requests: {source.cost}"
    for each in relations:
        columns, keys = (
            ", ".join(f"`{name}`" for name in names) for names in (each["columns"], each["keys"])
        )
        missing = f" Some are not there: {each['orphans']}" if "orphans" in each else ""
        yield f"- {columns} refers to {keys} of [`{each['to']}`](#{each['to']}).{missing}"
    yield ""
    yield "| column | type | what it is |"
    yield "| --- | --- | --- |"
    for path, schema in _columns(entry["schema"], ""):
        description = schema.get("description", "").replace("|", "\\|").replace("\n", " ")
        yield f"| `{path}` | {_type(schema)} | {description} |"
    yield ""


def _columns(schema: Fields, prefix: str) -> Iterator[tuple[str, Fields]]:
    for name, member in schema.get("properties", {}).items():
        if name != "_extra":
            path = f"{prefix}{name}"
            yield path, member
            yield from _columns(member, f"{path}.")
            elements = member.get("items", {})
            while "items" in elements:
                elements, path = elements["items"], f"{path}[]"
            yield from _columns(elements, f"{path}[].")


def _type(schema: Fields) -> str:
    types = schema["type"]
    [kind] = [each for each in ([types] if isinstance(types, str) else types) if each != "null"]
    if kind == "array":
        return f"list of {_type(schema['items'])}"
    return {"date-time": "time", "date": "date"}.get(schema.get("format", ""), str(kind))
