"""Progress lines."""

from __future__ import annotations

import typing as t

import pytest
from tap_clari.kit.progress import ProgressLog


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is logged, by a clock that goes on by ten seconds with each look at it."""
    clock = iter(range(0, 10_000, 10))
    monkeypatch.setattr("time.monotonic", lambda: float(next(clock)))
    return []


def log_into(lines: list[str], total: int | None) -> ProgressLog:
    return ProgressLog(lambda message, *args, **_: lines.append(message % args), "calls", total)


@pytest.mark.usefixtures("lines")
def test_a_structured_log_has_the_same_as_fields() -> None:
    found: list[dict[str, t.Any]] = []
    for total, more in ((2000, {"total": 2000, "seconds_left": 170}), (None, {})):
        log = ProgressLog(lambda *_, extra: found.append(extra["progress"]), "calls", total)
        for _ in range(3):
            log.count(100)
        assert found.pop() == {"of": "calls", "done": 300, **more}


def test_a_line_every_thirty_seconds_with_the_time_left(lines: list[str]) -> None:
    log = log_into(lines, 2000)
    logged = [log.count(100) for _ in range(5)]
    # The clock shows 10, 20, 30, 40 and 50 seconds.
    assert logged == [False, False, True, False, False]
    assert lines == ["calls: 300 of 2,000 done, 1,700 left, which takes about 0:02:50 (h:mm:ss)"]


def test_a_line_without_a_total_says_for_how_long(lines: list[str]) -> None:
    log = log_into(lines, None)
    for _ in range(3):
        log.count(1000)
    [line] = lines
    assert line.startswith("calls: 3,000 done in 0:00:")


def test_more_than_was_counted_leaves_nothing(lines: list[str]) -> None:
    log = log_into(lines, 1)
    for _ in range(3):
        log.count()
    assert lines == ["calls: 3 of 1 done, 0 left, which takes about 0:00:00 (h:mm:ss)"]
