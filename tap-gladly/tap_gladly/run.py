"""What the streams of a run share."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

if t.TYPE_CHECKING:
    from singer_sdk.helpers.types import Record

    from tap_gladly.jobs import Job
    from tap_gladly.session import ThrottledSession


@dataclass
class SharedRun:
    """What is asked for once in a run, however many streams need it.

    Args:
        session: For everything but reports.
        reports: For reports, which have a pace of their own.
        organization: The organization; `None` until it was asked for.
        jobs: The export jobs that Gladly still has; `None` until they were asked for.
        named: What was named in a warning, so that it is named once.
    """

    session: ThrottledSession
    reports: ThrottledSession
    organization: Record | None = None
    jobs: list[Job] | None = None
    named: set[str] = field(default_factory=set)
