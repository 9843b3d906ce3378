"""What happens at the desk before the sandbox is started: the same on a day for a seed, always.

All that the sandbox serves comes from it: records by id, events, rows of reports, export jobs.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from tests.sandbox.gladly.export_files import export
from tests.sandbox.gladly.exports import windows
from tests.sandbox.gladly.report_request import day_begin
from tests.sandbox.gladly.story.day import Day
from tests.sandbox.gladly.timestamps import MINUTE, SECOND, moment_of, now

if TYPE_CHECKING:
    from datetime import datetime

    from tests.sandbox.gladly.exports import Exports
    from tests.sandbox.gladly.helpdesk import Desk
    from tests.sandbox.gladly.story.talk import Act

_NEWEST = MINUTE + SECOND
"""How old is what happened last, at least."""


class _Step(NamedTuple):
    """A step of the story: when, what its random values depend on, and what happens."""

    at: int
    key: str
    number: int
    act: Act


def tell(  # noqa: PLR0913 - all by keyword but for what is filled
    desk: Desk,
    exports: Exports,
    *,
    seed: int,
    days: int,
    per_day: int,
    history_days: int,
    present: datetime | None,
) -> None:
    """Let happen what happened at the desk up to the present.

    A step depends on its day and the seed alone. So a desk that is started later has had the same
    days, and more of them.

    Args:
        desk: The desk, with customers.
        exports: Gets the export jobs, each with the items as they were when it was made.
        seed: Seed of all random values.
        days: How many days the story reaches back.
        per_day: How many conversations begin on a day.
        history_days: How many days of export jobs there are.
        present: When the sandbox is started; None for now.
    """
    zone = ZoneInfo(str(desk.account.organization["timezone"]))
    last = now(present) - _NEWEST
    today = moment_of(now(present)).astimezone(zone).date()
    steps: list[_Step] = []
    for ago in reversed(range(days if per_day and desk.customers else 0)):
        day = today - timedelta(days=ago)
        begin = day_begin(day, zone)
        steps_of_day = Day(desk, seed, day, begin, per_day).steps()
        steps += [
            _Step(at, f"{seed} {day} {place}", day.toordinal() * 1000 + place, act)
            for place, (at, act) in enumerate(steps_of_day)
            if at <= last
        ]
    for window in windows(str(desk.account.schedules[0]["frequency"]), history_days, present):
        made = export(desk, exports, window)
        steps.append(_Step(window.made, f"{seed} job {window.number}", window.number, made))
    for step in sorted(steps, key=lambda step: step.at):
        desk.draw_from(step.key, step.number)
        step.act(moment_of(step.at))
    desk.draw_from(f"desk {seed}")
