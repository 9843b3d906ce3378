"""The entries of the setting `reports`."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from datetime import timezone, tzinfo
from zoneinfo import ZoneInfo

from tap_gladly.reports.columns import snake_case, stream_name
from tap_gladly.reports.metric_sets import METRIC_SETS, MetricSet

if t.TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from tap_gladly.reports.windows import DateRange

UTC = "UTC"


@dataclass(frozen=True)
class Report:
    """A report to read.

    Args:
        metric_set: The name that Gladly gives it.
        name: The stream's name.
        aggregation_level: The length of a bucket, such as `daily`; `None` for rows without one.
        filters: Gladly's filters, by name.
        timezone: The zone of its days, such as `America/New_York`.
    """

    metric_set: str
    name: str
    aggregation_level: str | None = None
    filters: dict[str, t.Any] = field(default_factory=dict)
    timezone: str = UTC

    @property
    def zone(self) -> tzinfo:
        """The zone of its days. UTC is there even on a machine without time zone data.

        Raises:
            ValueError: If the machine knows no such zone.
        """
        if self.timezone == UTC:
            return timezone.utc
        try:
            return ZoneInfo(self.timezone)
        except (OSError, KeyError) as error:
            raise ValueError(self.timezone) from error

    @property
    def known(self) -> MetricSet:
        """What is known of its metric set."""
        return METRIC_SETS.get(self.metric_set, MetricSet())

    def body(self, days: DateRange, now: datetime) -> dict[str, t.Any]:
        """The request's body.

        Args:
            days: The days to ask for.
            now: When the run began: a range of times must not end later.
        """
        if self.known.takes_times:
            window = days.times(now)
        else:
            window = {
                "startAt": days.first.isoformat(),
                "endAt": days.last.isoformat(),
                "timezone": self.timezone,
            }
        options = {"aggregationLevel": self.aggregation_level, "filters": self.filters}
        return {
            "metricSet": self.metric_set,
            **window,
            **{name: each for name, each in options.items() if each},
        }


def reports_of(entries: Iterable[str | dict[str, t.Any]]) -> list[Report]:
    """The reports that the setting names."""
    return [_report({"metric_set": each} if isinstance(each, str) else each) for each in entries]


def _report(entry: dict[str, t.Any]) -> Report:
    metric_set = entry["metric_set"]
    name = entry.get("name")
    return Report(
        metric_set=metric_set,
        name=f"report_{snake_case(name)}" if name else stream_name(metric_set),
        aggregation_level=entry.get("aggregation_level"),
        filters=entry.get("filters") or {},
        timezone=entry.get("timezone") or UTC,
    )
