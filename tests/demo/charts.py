"""The charts of the demo's page: each a question, answered from the tables in PostgreSQL."""

from __future__ import annotations

import typing as t
from collections import defaultdict
from dataclasses import dataclass

from plotly import graph_objects

from tests.pipeline import ROOT

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from plotly.basedatatypes import BaseTraceType
    from psycopg import Connection

Row = t.Sequence[t.Any]

VIEWS = ROOT / "docs" / "sql"


@dataclass(frozen=True)
class Chart:
    """A question, and how its answer is drawn.

    Args:
        question: The question.
        query: Its answer in SQL: a row has the name of a series, a place on the x axis and a value.
        unit: What the values are, below the chart.
        lines: Whether the series are lines over time, and not bars.
        bars: Whether the bars of one place are on top of each other, those below zero beneath it
            (`relative`), or beside each other (`group`).
        views: The files in `docs/sql` whose views the query reads.
    """

    question: str
    query: str
    unit: str
    lines: bool = False
    bars: str = "relative"
    views: Sequence[str] = ()

    def figure(self, connection: Connection) -> graph_objects.Figure:
        """Ask, and draw what comes back."""
        rows = connection.execute(self.query.encode()).fetchall()
        series: defaultdict[str, list[Row]] = defaultdict(list)
        for name, *point in rows:
            series[str(name)].append(point)
        figure = graph_objects.Figure([self._trace(*each) for each in series.items()])
        figure.update_layout(
            title=self.question, yaxis_title=self.unit, barmode=self.bars, template="plotly_white"
        )
        return figure

    def _trace(self, name: str, points: list[Row]) -> BaseTraceType:
        x, y = zip(*points, strict=True)
        if self.lines:
            # What is planned is dotted, beside what came of it.
            dash = "dot" if name.startswith("quota") else "solid"
            return graph_objects.Scatter(name=name, x=x, y=y, mode="lines+markers", line_dash=dash)
        return graph_objects.Bar(name=name, x=x, y=y)


CLARI = (
    Chart(
        "What has each team committed to, week by week, beside its quota?",
        """
        WITH teams AS (
            SELECT *
            FROM clari_forecast_by_week AS weeks
            JOIN tap_clari.forecast_time_periods AS periods
              ON periods."forecastId" = weeks.forecast_id
             AND periods."timePeriodId" = weeks.period
            WHERE forecast_id = 'net_arr'
              AND now() BETWEEN periods."startDate"::date AND periods."endDate"::date + 1
        )
        SELECT team, week_of, committed FROM teams
        UNION ALL
        SELECT 'quota ' || team, week_of, quota FROM teams
        ORDER BY 1, 2
        """,
        "dollars",
        lines=True,
        views=["clari/forecast_by_week.sql"],
    ),
    Chart(
        "By how much did the amounts of opportunities change, week by week?",
        """
        SELECT CASE WHEN difference > 0 THEN 'more' ELSE 'less' END,
               date_trunc('week', changed_at)::date, sum(difference)
        FROM clari_pipeline_changes
        GROUP BY 1, 2
        ORDER BY 1, 2
        """,
        "dollars",
        views=["clari/pipeline_changes.sql"],
    ),
    Chart(
        "How much of what is said in a call does each rep say?",
        """
        SELECT 'share of the talk', speaker, sum(seconds) / sum(seconds / nullif(share, 0))
        FROM clari_call_talk
        WHERE side = 'internal' AND speaker IS NOT NULL
        GROUP BY 2
        ORDER BY 3 DESC
        LIMIT 12
        """,
        "share of the seconds spoken",
        views=["clari/call_talk.sql"],
    ),
    Chart(
        "Which competitors come up in calls, and in which tone?",
        """
        SELECT sentiment, competitor, sum(mentions)
        FROM clari_competitor_mentions
        GROUP BY 1, 2
        ORDER BY 1, 2
        """,
        "mentions",
        views=["clari/competitor_mentions.sql"],
    ),
    Chart(
        "What did each rep do in the last 90 days?",
        """
        SELECT kind, rep, sum(count)
        FROM clari_activities_by_rep
        CROSS JOIN LATERAL (
            VALUES ('meetings', meetings), ('mails', mails), ('files', files)
        ) AS kinds (kind, count)
        WHERE week_of > now() - interval '90 days' AND rep IS NOT NULL
        GROUP BY 1, 2
        ORDER BY 1, 2
        """,
        "activities",
        views=["clari/activities_by_rep.sql"],
    ),
)

GLADLY = (
    Chart(
        "How soon is half of an inbox's conversations answered, and how soon closed?",
        """
        SELECT what, inbox, percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) / 60
        FROM gladly_response_times
        CROSS JOIN LATERAL (
            VALUES ('answered', seconds_to_answer), ('closed', seconds_to_close)
        ) AS times (what, seconds)
        WHERE inbox IS NOT NULL
        GROUP BY 1, 2
        ORDER BY 1, 2
        """,
        "minutes",
        bars="group",
        views=["gladly/customers.sql", "gladly/messages.sql", "gladly/response_times.sql"],
    ),
    Chart(
        "How many messages came and went each day, by channel?",
        """
        SELECT channel, sent_at::date, count(*)
        FROM gladly_messages
        GROUP BY 1, 2
        ORDER BY 1, 2
        """,
        "messages",
        views=["gladly/customers.sql", "gladly/messages.sql"],
    ),
    Chart(
        "How long is a contact handled, by topic and agent?",
        """
        SELECT topic, agent, average_seconds / 60
        FROM gladly_handle_time
        WHERE topic IS NOT NULL AND agent IS NOT NULL
        ORDER BY 1, 2
        """,
        "minutes on average",
        bars="group",
        views=["gladly/handle_time.sql"],
    ),
    Chart(
        "How many hours was each agent at work, and doing what?",
        """
        SELECT type, agent, sum(hours)
        FROM gladly_agent_hours
        GROUP BY 1, 2
        ORDER BY 1, 2
        """,
        "hours",
        views=["gladly/agent_hours.sql"],
    ),
    Chart(
        "What happened in the hour before the newest event?",
        """
        SELECT 'events', type, count(*)
        FROM tap_gladly.events
        WHERE timestamp > (SELECT max(timestamp) FROM tap_gladly.events) - interval '1 hour'
        GROUP BY 2
        ORDER BY 3 DESC, 2
        """,
        "events",
    ),
)
