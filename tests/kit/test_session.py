"""A pace: full at first, slower after refusals, and back bit by bit."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import pytest
from tap_clari.kit import session
from tap_clari.kit.session import Pace


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that a pace reads, to be set; its slots are taken in real time."""
    now = [1000.0]
    monkeypatch.setattr(session, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_a_refusal_slows_down_by_a_few_per_cent_and_is_forgotten(clock: list[float]) -> None:
    pace = Pace.per_second(10)
    assert pace.share() == 1
    pace.slow_down()
    assert 0.9 <= pace.share() < 0.95
    shares = []
    for _ in range(6):
        clock[0] += 6
        shares.append(pace.share())
    assert shares == sorted(shares)
    assert shares[0] < 0.95
    assert shares[-1] == 1


def test_refusals_that_come_together_weigh_more(clock: list[float]) -> None:
    apart, together = Pace.per_second(10), Pace.per_second(10)
    for _ in range(4):
        apart.slow_down()
        clock[0] += 5
    for _ in range(4):
        together.slow_down()
        clock[0] += 0.2
    assert 0.4 < together.share() < 0.6 < apart.share() < 0.9


def test_something_is_left_of_the_rate_after_any_number_of_refusals(clock: list[float]) -> None:
    pace = Pace.per_second(10)
    for _ in range(1000):
        pace.slow_down()
        clock[0] += 0.01
    assert pace.share() >= 0.05


def test_a_smaller_share_takes_its_slots_further_apart() -> None:
    pace = Pace.per_second(10)
    for _ in range(4):
        pace.slow_down()
    share = pace.share()
    began = time.monotonic()
    for _ in range(6):
        pace.wait()
    assert time.monotonic() - began > 5 * 0.1 / share


def test_a_pace_needs_no_thread_and_keeps_no_more_than_its_slots() -> None:
    before = set(threading.enumerate())
    pace = Pace.per_second(10_000)
    for _ in range(3_000):
        pace.wait()
    assert set(threading.enumerate()) <= before
    assert pace._bucket.count() <= 2_000  # noqa: SLF001 - nothing else shows it
