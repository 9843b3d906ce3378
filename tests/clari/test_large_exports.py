"""An export of any size is read in the memory of a small one."""

from __future__ import annotations

import typing as t

import pytest

from tests.bench.measuring import measure

if t.TYPE_CHECKING:
    from tests.bench.measuring import Taken
    from tests.clari.conftest import StartRevenue

pytestmark = pytest.mark.slow

SMALL, LARGE = 1_000, 100_000
MORE_MIB = 40


def test_memory_does_not_grow_with_the_size_of_an_export(start_revenue: StartRevenue) -> None:
    small, _ = read(start_revenue, SMALL)
    large, size = read(start_revenue, LARGE)
    assert (small.records, large.records) == (SMALL, LARGE)
    assert size > 80_000_000, "an export that memory could hold twice over shows nothing"
    assert large.peak < small.peak + MORE_MIB


def read(start_revenue: StartRevenue, count: int) -> tuple[Taken, int]:
    """Read an export of so many activities; what that took, and the size of the result."""
    revenue = start_revenue()
    revenue.sandbox.account.large_activities(count)
    taken = measure(revenue.tap, ["activities"])
    [job] = revenue.sandbox.exports.started
    return taken, sum(len(chunk) for chunk in job.chunks())
