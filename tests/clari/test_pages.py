"""Pages that are not what the vendor's document says: nothing is lost, or it is named."""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone

import msgspec
import pytest
import requests
from tap_clari.copilot.pagination import time_of

from tests.clari.truth import MODIFIED, listed
from tests.running import Tap

if t.TYPE_CHECKING:
    from tests.clari.conftest import Copilot, Start
    from tests.running import Run

PATHS = {"calls": "/calls", "scorecards": "/scorecard"}


def truth(copilot: Copilot, stream: str) -> set[str]:
    """The ids that a stream should give."""
    if stream == "calls":
        return set(listed(copilot))
    return {card["id"] for card in copilot.sandbox.account.scorecards()}


def read(copilot: Copilot, command: str, stream: str, **faults: t.Any) -> Run:
    """Read a stream from pages with faults."""
    for name, value in faults.items():
        setattr(copilot.sandbox.page_faults, name, value)
    return Tap(command, copilot.tap.config).run(stream)


@pytest.mark.parametrize("stream", PATHS)
@pytest.mark.parametrize(
    "faults",
    [
        {"largest": 25},
        {"largest": 1},
        {"given": 25},
        {"uncounted": True},
        {"uncounted": True, "largest": 50, "given": 20},
        {"capped_count": 100},
        {"capped_count": 0, "given": 25},
        {"any_count": 30, "given": 25},
        {"any_count": 1_000_000},
        {"any_count": 10**18},
        {"given": 25, "strides": True},
    ],
    ids=str,
)
def test_pages_of_another_size_or_without_a_count_lose_nothing(
    start: Start, impatient: str, stream: str, faults: dict[str, t.Any]
) -> None:
    copilot = start(calls=350, scorecards=330)
    run = read(copilot, impatient, stream, **faults)
    assert run.returncode == 0, run.log
    assert sorted(run.ids(stream)) == sorted(truth(copilot, stream))
    # A count that is too high is named where nothing else tells that it is wrong.
    ordinary = ("trying again", "The API counts 1000000 ", "The API counts 1000000000000000000 ")
    assert not [line for line in run.warnings if not any(each in line for each in ordinary)]


def test_a_page_size_that_fails_grows_back_slowly(start: Start, impatient: str) -> None:
    copilot = start(calls=6_000)
    run = read(copilot, impatient, "calls", largest=25)
    assert run.returncode == 0, run.log
    assert set(run.ids("calls")) == truth(copilot, "calls")
    limits = [int(dict(e.params or [])["limit"]) for e in copilot.sandbox.traffic.exchanges()]
    assert {100, 50, 25} <= set(limits)
    # A size that fails costs two tries of each request under way: first one request at 100 and at
    # 50, then eight at 50 each time that the size has grown, after 20, 40 and 80 good pages.
    failed = sum(limit > 25 for limit in limits)
    assert 2 * 2 < failed <= 2 * (2 + 8 * 3)
    assert len(limits) - failed > 200


@pytest.mark.parametrize(("stream", "sizes", "spared"), [("calls", 7, 2), ("scorecards", 1, 0)])
def test_an_api_that_is_away_for_a_while_has_the_time_that_any_request_has(
    start: Start, impatient: str, stream: str, sizes: int, spared: int
) -> None:
    copilot = start(calls=150, scorecards=150)
    # Two tries of each size (the first questions are of one record), two of each of two other
    # records, and five of the six that come last.
    failures = 2 * sizes + 4 + 5
    copilot.sandbox.faults.add(path=PATHS[stream], after=spared, times=failures, status=503)
    run = read(copilot, impatient, stream)
    assert run.returncode == 0, run.log
    assert copilot.sandbox.traffic.count(status=503) == failures
    assert sorted(run.ids(stream)) == sorted(truth(copilot, stream))


@pytest.mark.parametrize("uncounted", [False, True])
@pytest.mark.parametrize("stream", PATHS)
@pytest.mark.parametrize("places", [[0], [100, 101], [-1]], ids=str)
def test_a_record_that_no_page_can_hold_is_named_and_the_others_come(
    start: Start, impatient: str, stream: str, places: list[int], *, uncounted: bool
) -> None:
    copilot = start(calls=150, scorecards=150)
    order = copilot.tap.run(stream).ids(stream) if stream == "scorecards" else in_order(copilot)
    unreadable = {order[place] for place in places}
    run = read(copilot, impatient, stream, unreadable=unreadable, uncounted=uncounted)
    assert run.returncode == 0, run.log
    assert sorted(run.ids(stream)) == sorted(truth(copilot, stream) - unreadable)
    named = [line for line in run.warnings if "trying again" not in line]
    # Where calls are not counted, they are listed by their own time too.
    listings = 2 if uncounted and stream == "calls" else 1
    assert len(named) == listings * len(places)
    for place, line in zip(listings * places, named, strict=True):
        assert f"record {place % len(order) + 1} of the list" in line
        assert PATHS[stream] in line


def in_order(copilot: Copilot) -> list[str]:
    """The ids of the calls as the list sorts them."""
    query = {"limit": "100", "sortTime": "asc"}
    found: list[str] = []
    for skip in ("0", "100"):
        url = f"{copilot.sandbox.url}/calls"
        headers = copilot.sandbox.headers
        answer = requests.get(url, {**query, "skip": skip}, headers=headers, timeout=10)
        found += [call["id"] for call in answer.json()["calls"]]
    return found


@pytest.mark.parametrize("stream", [*PATHS, "call_details", "accounts"])
def test_an_api_that_fails_on_every_page_ends_the_run(
    start: Start, impatient: str, stream: str
) -> None:
    copilot = start(calls=150, scorecards=150)
    run = read(copilot, impatient, stream, largest=0)
    assert run.returncode == 1
    assert "Traceback" not in run.log
    assert "502" in run.last_word
    assert not run.records[stream]
    assert copilot.sandbox.traffic.count() < 100


@pytest.mark.parametrize("stream", PATHS)
@pytest.mark.parametrize("uncounted", [False, True])
@pytest.mark.parametrize("size", [150, 330])
def test_the_same_page_for_every_skip_ends_in_a_sentence(
    start: Start, impatient: str, stream: str, size: int, *, uncounted: bool
) -> None:
    copilot = start(calls=size + 20, scorecards=size)
    run = read(copilot, impatient, stream, stuck=True, uncounted=uncounted)
    assert run.returncode == 1
    assert "Traceback" not in run.log
    assert "circle" in run.last_word
    assert PATHS[stream] in run.last_word
    assert not run.states or not run.state.get("bookmarks", {}).get(stream, {}).get(MODIFIED)
    assert copilot.sandbox.traffic.count() < 40


@pytest.mark.slow
@pytest.mark.parametrize("faults", [{"uncounted": True}, {"capped_count": 10_000}], ids=str)
def test_a_long_list_that_is_not_counted_is_cut_into_windows(
    start: Start, impatient: str, faults: dict[str, t.Any]
) -> None:
    copilot = start(calls=23_000)
    run = read(copilot, impatient, "calls", **faults)
    assert run.returncode == 0, run.log
    assert set(run.ids("calls")) == truth(copilot, "calls")
    assert not run.warnings


def test_calls_without_a_modified_time_come_also_where_nothing_is_counted(
    start: Start, impatient: str
) -> None:
    copilot = start(calls=150, undated=40)
    run = read(copilot, impatient, "calls", uncounted=True)
    assert run.returncode == 0, run.log
    assert sorted(run.ids("calls")) == sorted(truth(copilot, "calls"))


@pytest.mark.parametrize("stream", ["calls", "call_details", "accounts"])
def test_the_window_ends_some_minutes_before_the_run(copilot: Copilot, stream: str) -> None:
    before = datetime.now(timezone.utc)
    run = copilot.tap.run(stream)
    assert run.returncode == 0, run.log
    queries = [dict(e.params or []) for e in copilot.sandbox.traffic.exchanges("/calls")]
    ends = {query["filterModifiedLt"] for query in queries if "filterModifiedLt" in query}
    [end] = (datetime.fromisoformat(each.replace("Z", "+00:00")) for each in ends)
    assert timedelta(minutes=4) < before - end < timedelta(minutes=6)


@pytest.mark.parametrize("name", ["scoreCardTemplates", "scorecardTemplates"])
def test_both_names_of_the_list_of_templates_are_read(copilot: Copilot, name: str) -> None:
    copilot.sandbox.page_faults.template_list = name
    run = copilot.tap.run("scorecard_templates")
    assert run.returncode == 0, run.log
    templates = copilot.sandbox.account.scorecard_templates()
    assert run.ids("scorecard_templates") == [each["id"] for each in templates]


@pytest.mark.parametrize("stream", ["calls", "call_details", "accounts"])
def test_a_long_reading_logs_its_progress(start: Start, impatient: str, stream: str) -> None:
    copilot = start(calls=900)
    run = read(copilot, impatient, stream)
    assert run.returncode == 0, run.log
    lines = [line for line in run.log.splitlines() if f"Calls for {stream}: " in line]
    assert lines
    assert all(" left, which takes about " in line for line in lines)


@pytest.mark.parametrize(
    ("value", "second"),
    [("0001-01-01T00:00:00Z", None), (1_767_600_000_000, 0), ("1767600000000", 0), ({}, None)],
    ids=["year 1", "milliseconds", "milliseconds as text", "an object"],
)
def test_a_time_is_read_in_each_form_and_the_first_year_is_none(
    value: object, second: int | None
) -> None:
    call = msgspec.Raw(msgspec.json.encode({"last_modified_time": value}))
    found = time_of(call, "last_modified_time")
    assert (found and found.second) == second
