"""Scorecards and their templates."""

from __future__ import annotations

import logging
import typing as t

from tap_clari.copilot.client import CopilotStream
from tap_clari.copilot.pagination import MAX_REACHABLE, SkipPaginator, identity_of
from tap_clari.copilot.windows import TimeFilter, Window, WindowPaginator
from tap_clari.kit.decoding import decode_json
from tap_clari.kit.dedup import SeenIds

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from singer_sdk.helpers.types import Context, Record


class ScorecardsStream(CopilotStream):
    """Scores that calls were given (`/scorecard`).

    The API filters by a time that the records do not show. The filter cuts a list that is longer
    than can be paged, but gives no bookmark. So the stream is read whole, and with `end_date` from
    `start_date` to it.
    """

    name = "scorecards"
    path = "/scorecard"
    list_names = ("scorecards",)
    primary_keys = ("id",)

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Read all scorecards. Those on the boundary of two windows come once."""
        pages = SkipPaginator(self.client, self.path, self.list_names)
        by, end = TimeFilter("filterTimeGt", "filterTimeLt"), self.end_date()
        window = Window(by, self.start_date(), end) if end else Window(by)
        counted = pages.count(window.params)
        seen = SeenIds()
        for part in WindowPaginator(pages).read(window, {}):
            for scorecard in part.records:
                if seen.add(identity_of(scorecard)):
                    yield decode_json(scorecard)
        if counted and MAX_REACHABLE < counted > len(seen):
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
    # The vendor's document spells it the first way.
    list_names = ("scoreCardTemplates", "scorecardTemplates")
    primary_keys = ("id",)
    is_reference_data = True
