"""Scorecards and their templates."""

from __future__ import annotations

import logging
import typing as t

import msgspec

from tap_clari.copilot.client import CopilotStream
from tap_clari.copilot.pagination import REACH, TimeFilter, Window, WindowPaginator, identity_of
from tap_clari.kit.dedup import SeenIds

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from singer_sdk.helpers.types import Context, Record


class ScorecardsStream(CopilotStream):
    """Scores that calls were given (`/scorecard`).

    The API filters by a time that the records do not show: it serves to cut a list that is longer
    than can be paged, but not to read on from a bookmark. So the stream is read whole.
    """

    name = "scorecards"
    path = "/scorecard"
    records_key = "scorecards"
    primary_keys = ("id",)

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Read all scorecards; what two windows share at their boundary comes once."""
        paginator = WindowPaginator(self.client, self.path, self.records_key)
        counted = paginator.count({})
        seen = SeenIds()
        for part in paginator.read_window(Window(TimeFilter("filterTimeGt", "filterTimeLt")), {}):
            for scorecard in part.records:
                if seen.add(identity_of(scorecard)):
                    yield msgspec.json.decode(scorecard)
        if counted > REACH and len(seen) < counted:
            self.log(
                "The API counts %d scorecards, but gives only %d of them by their time",
                counted,
                len(seen),
                level=logging.WARNING,
            )


class ScorecardTemplatesStream(CopilotStream):
    """Templates of scorecards (`/scorecard-template`)."""

    name = "scorecard_templates"
    path = "/scorecard-template"
    records_key = "scoreCardTemplates"
    primary_keys = ("id",)
