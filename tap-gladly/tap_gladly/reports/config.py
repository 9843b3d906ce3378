"""The entries of the setting `reports`."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from datetime import timezone, tzinfo
from zoneinfo import ZoneInfo

from tap_gladly.reports.columns import snake_case, stream_name

if t.TYPE_CHECKING:
    from collections.abc import Iterable

UTC = "UTC"


@dataclass(frozen=True)
class Report:
    """A report to read.

    Args:
        metric_set: What Gladly calls it.
        name: The stream's name.
        aggregation_level: The grain of its rows, where it has one.
        filters: What it is limited to.
        timezone: The zone of its days.
    """

    metric_set: str
    name: str
    aggregation_level: str | None = None
    filters: dict[str, t.Any] = field(default_factory=dict)
    timezone: str = UTC

    @property
    def zone(self) -> tzinfo:
        """The zone of its days; that of UTC needs no data of zones on the machine.

        Raises:
            ValueError: If there is no such zone.
        """
        if self.timezone == UTC:
            return timezone.utc
        try:
            return ZoneInfo(self.timezone)
        except (OSError, KeyError) as error:
            raise ValueError(self.timezone) from error


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
