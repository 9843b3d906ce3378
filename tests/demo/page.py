"""A page of what the demo took into PostgreSQL: charts that need no server and no network."""

from __future__ import annotations

import html
import typing as t

from tests.demo.charts import VIEWS

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from psycopg import Connection

    from tests.demo.charts import Chart

_HEAD = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Clari and Gladly in PostgreSQL</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
pre { overflow-x: auto; background: #f6f6f6; padding: 1rem; font-size: 13px; }
summary { cursor: pointer; color: #555; }
</style>
<h1>Clari and Gladly in PostgreSQL</h1>
<p>The accounts are made up. The tables are those that <code>meltano run</code> filled.</p>
"""


def write_page(connection: Connection, charts: Iterable[Chart], path: Path) -> None:
    """Draw charts from the tables.

    Args:
        connection: To the database. The views that the charts read are made and gone again.
        charts: The charts.
        path: The file to write.
    """
    parts = [_HEAD, *_drawn(connection, charts)]
    connection.rollback()
    path.write_text("\n".join(parts), encoding="utf-8")


def _drawn(connection: Connection, charts: Iterable[Chart]) -> Iterator[str]:
    made = set[str]()
    for number, chart in enumerate(charts):
        for view in chart.views:
            if view not in made:
                connection.execute((VIEWS / view).read_bytes())
                made.add(view)
        yield chart.figure(connection).to_html(
            full_html=False, include_plotlyjs=number == 0, div_id=f"chart-{number}"
        )
        asked = [(VIEWS / view).read_text(encoding="utf-8").strip() for view in chart.views]
        yield "<details><summary>SQL</summary>"
        yield from (f"<pre>{html.escape(text)}</pre>" for text in [*asked, _dedented(chart.query)])
        yield "</details>"


def _dedented(query: str) -> str:
    return "\n".join(line.removeprefix(" " * 8) for line in query.strip("\n").rstrip().splitlines())
