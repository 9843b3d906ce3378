"""Every leaf of every record has a column, however deep it is flattened and whatever the catalog.

The truth is what the sandbox sent: each scalar of its answers, with the name of its member. With
the tap's own catalog, and not flattened, each of them is in a record. Any other run has, record by
record, the leaves that this one has.
"""

from __future__ import annotations

import contextlib
import copy
import csv
import io
import itertools
import json
import re
import typing as t
from datetime import datetime, timezone

from tests import impatient
from tests.clari.conftest import config as copilot_config
from tests.clari.conftest import revenue_config
from tests.gladly.conftest import config as gladly_config
from tests.gladly.truth import ago, readable
from tests.running import Record, Run, Tap
from tests.sandbox.copilot import CopilotSandbox
from tests.sandbox.gladly import GladlySandbox
from tests.sandbox.revenue import RevenueSandbox

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tests.sandbox.local_api import LocalApi

    Leaf = tuple[str, str]
    """The name of the nearest member around a scalar, and the scalar in one form."""

BESIDE_RECORDS = {
    *("topics", "matched", "hasMore", "nextPageSkip", "nextLink", "errorMessage"),
    *("submittedJobIds", "availableMonthlyQuota"),
}
"""What answers have around their records, and what a run itself changes of the limits."""

OF_THE_RUN = {
    *("jobId", "exportedAt", "fetchedAt", "readAt", "changedAt", "window_start", "window_end"),
    "read_at",
    *("createdTime", "startTime", "endTime", "expirationTime", "viewed", "downloads"),
    *("limits_id", "submittedJobIds", "availableMonthlyQuota", "_sdc_deleted_at"),
}
"""The names of members that differ from run to run."""

_DURATION = re.compile(r"(\d+):(\d\d):(\d\d)")


def own(catalog: Record) -> None:
    """Leave the catalog as the tap gives it."""


def cut(catalog: Record) -> None:
    """Take every third column out of the catalog, at any depth, as somebody may do by hand."""
    for entry in catalog["streams"]:
        _cut(entry["schema"], entry["key_properties"], lambda number, _: number % 3 == 1)


def older(catalog: Record) -> None:
    """Make it a catalog of a version that did not know the last two columns of anything.

    It declared each object with members, and had none.
    """
    for entry in catalog["streams"]:
        _cut(entry["schema"], entry["key_properties"], lambda number, count: number >= count - 2)
        for column in entry["schema"]["properties"].values():
            if "object" in column["type"]:
                column["properties"] = {}


RUNS = ((own, 0), (own, 1), (own, 3), (cut, 0), (cut, 1), (older, 1), (older, 3))
"""Catalogs, and how deep it is flattened; 0 is not at all."""


def _cut(schema: Record, kept: Sequence[str], is_cut: Callable[[int, int], bool]) -> None:
    properties = schema.get("properties", {})
    for number, name in enumerate([*properties]):
        if is_cut(number, len(properties)) and name not in kept:
            del properties[name]
        else:
            _cut(properties[name], (), is_cut)
    if "items" in schema:
        _cut(schema["items"], (), is_cut)


def leaves(value: t.Any, name: str = "") -> Iterator[Leaf]:  # noqa: ANN401
    """Every scalar that is not null; JSON text is read as what it stands for."""
    if isinstance(value, str) and value[:1] in {"{", "["}:
        with contextlib.suppress(ValueError):
            value = json.loads(value)
    if isinstance(value, dict):
        for key, member in value.items():
            # In `_extra` a member stands by its path, and in a flattened column too.
            path = re.sub(r"\[\d+\]$", "", key)
            yield from leaves(member, re.split(r"\.|(?<=.)__(?=.)", path)[-1])
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, name)
    elif value is not None and value != "":
        yield name, scalar(value)


def scalar(value: t.Any) -> str:  # noqa: ANN401
    """A scalar as text, the same for a number, a time, or yes and no in whatever form."""
    text = str(value).lower()
    with contextlib.suppress(ValueError):
        return str(float(text))
    if duration := _DURATION.fullmatch(text):
        hours, minutes, seconds = map(int, duration.groups())
        return str(float(hours * 3600 + minutes * 60 + seconds))
    time = re.sub(r"(\.\d{1,6})\d*", r"\1", text).replace("z", "+00:00").replace("+0000", "+00:00")
    with contextlib.suppress(ValueError):
        moment = datetime.fromisoformat(time)
        return str(moment.replace(tzinfo=moment.tzinfo or timezone.utc).timestamp() * 1000)
    return {"y": "true", "n": "false"}.get(text, text)


def documents(body: bytes) -> Iterator[t.Any]:
    """What is in an answer: JSON, lines of it, or rows of CSV."""
    text = readable(body.decode(errors="surrogateescape"))
    try:
        yield json.loads(text)
    except ValueError:
        if text.startswith("{"):
            yield from (json.loads(line) for line in text.split("\n") if line)
        else:
            for row in csv.DictReader(io.StringIO(text)):
                yield {re.sub(r"\W+", "_", each.lower()).strip("_"): row[each] for each in row}


def leaves_sent(apis: Sequence[LocalApi]) -> set[Leaf]:
    """The leaves of all records that the APIs have answered with."""
    found: set[Leaf] = set()
    for body in (body for api in apis for body in t.cast("list[bytes]", api.answers)):
        for document in documents(body):
            record = document.get("job", document) if isinstance(document, dict) else {}
            # What has not ended yet is not read: a work session, an export job.
            if record.get("status") not in {"ACTIVE", "SCHEDULED", "STARTED"}:
                found.update(leaves(readable(document)))
    return {each for each in found if each[0] not in BESIDE_RECORDS | OF_THE_RUN}


def declared(value: t.Any, schema: Record) -> t.Any:  # noqa: ANN401
    """The part of a value that the schema declares; free-form objects and lists are whole."""
    properties = schema.get("properties")
    if not isinstance(value, dict) or not properties:
        return value
    return {name: declared(value[name], each) for name, each in properties.items() if name in value}


def records_of(run: Run) -> dict[str, set[frozenset[Leaf]]]:
    """The records of each stream, by the leaves that have a column."""
    return {
        stream: {
            frozenset(
                leaf for leaf in leaves(declared(record, schema)) if leaf[0] not in OF_THE_RUN
            )
            for record in run.records[stream]
        }
        for stream, schema in run.schemas.items()
    }


def assert_every_leaf(tap: Tap, *apis: LocalApi) -> None:
    """Each run of the tap has the leaves that the APIs sent."""
    discovered = tap.discover()
    for entry in discovered["streams"]:
        for metadata in entry["metadata"]:
            if not metadata["breadcrumb"]:
                metadata["metadata"]["selected"] = True
    whole: dict[str, set[frozenset[Leaf]]] = {}
    for change, depth in RUNS:
        catalog = copy.deepcopy(discovered)
        change(catalog)
        for api in apis:
            api.answers = None if whole else []
        run = tap.run(
            catalog=catalog, flattening_enabled=bool(depth), flattening_max_depth=depth or 1
        )
        assert run.returncode == 0, run.log
        found = records_of(run)
        if not whole:
            whole = found
            everything = {leaf for each in run.records.values() for leaf in leaves(each)}
            assert leaves_sent(apis) - everything == set()
            assert len(whole) == len(discovered["streams"])
            assert all(whole.values())
        for stream, records in whole.items():
            assert records - found[stream] == set(), (change, depth, stream)
        if depth:
            rows = itertools.chain.from_iterable(run.records.values())
            values = itertools.chain.from_iterable(row.values() for row in rows)
            assert not any(isinstance(value, dict | list) for value in values)


def test_clari() -> None:
    with CopilotSandbox(calls=8, requests_per_second=None) as copilot, RevenueSandbox() as revenue:
        revenue.exports.seconds = 0.05
        settings = {
            **copilot_config(copilot, include_private_calls=True),
            **revenue_config(revenue, forecast_ids=[revenue.account.forecasts[0]["forecastId"]]),
            "partner_key": revenue.partner_key,
            "ingest_job_ids": [*revenue.account.ingest_jobs],
        }
        assert_every_leaf(Tap("tap-clari", settings), copilot, revenue)


def test_gladly(tmp_path: Path) -> None:
    with GladlySandbox(history_days=2, days=2) as gladly:
        settings = gladly_config(gladly, start_date=f"{ago(days=2):%Y-%m-%d}")
        # Without the minute that Gladly's ten reports take.
        assert_every_leaf(Tap(impatient.command(tmp_path, "tap-gladly"), settings), gladly)
