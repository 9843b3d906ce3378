"""The quotas of export jobs, as they were when they were read."""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone

if t.TYPE_CHECKING:
    from tests.clari.conftest import Revenue


def test_limits_are_what_they_were_when_they_were_read(revenue: Revenue) -> None:
    exports = revenue.sandbox.exports
    exports.occupy(1)
    exports.spend(3)
    before = datetime.now(timezone.utc)
    run = revenue.tap.run("limits")
    after = datetime.now(timezone.utc)
    assert run.returncode == 0, run.log
    [record] = run.records["limits"]
    fetched = datetime.fromisoformat(record.pop("fetchedAt").replace("Z", "+00:00"))
    assert before <= fetched <= after
    assert record == exports.limits()
    assert (record["availableConcurrentLimit"], record["availableMonthlyQuota"]) == (2, 26)
    assert not run.warnings
