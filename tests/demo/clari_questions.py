"""What somebody in sales operations would ask, in SQL, of the tables of both APIs of Clari."""

from __future__ import annotations

import typing as t
from collections import defaultdict

from rich.table import Table

if t.TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from psycopg import Connection

_FORECAST = """
    SELECT forecasts."forecastName", periods.label, weeks."timeFrameId", weeks."startDate"::date,
           teams."hierarchyName",
           sum(entries."forecastValue") FILTER (WHERE fields."fieldName" = 'Commit'),
           sum(entries."quotaValue") FILTER (WHERE fields."fieldType" = 'QUOTA')
    FROM tap_clari.forecast_entries AS entries
    JOIN tap_clari.forecasts USING ("forecastId")
    JOIN tap_clari.forecast_fields AS fields USING ("forecastId", "fieldId")
    JOIN tap_clari.forecast_time_periods AS periods USING ("forecastId", "timePeriodId")
    JOIN tap_clari.forecast_time_frames AS weeks
         USING ("forecastId", "timePeriodId", "timeFrameId")
    -- A team is who stands right below the top of the hierarchy.
    JOIN tap_clari.forecast_users AS teams USING ("forecastId", "userId")
    JOIN tap_clari.forecast_users AS top
      ON top."forecastId" = entries."forecastId"
     AND top."hierarchyId" = teams."parentHierarchyId" AND top."parentHierarchyId" IS NULL
    WHERE entries."forecastId" = 'net_arr'
      AND now() BETWEEN periods."startDate"::date AND periods."endDate"::date + 1
    GROUP BY 1, 2, 3, 4, 5
    ORDER BY 4, 5
"""

_OPPORTUNITIES = """
    SELECT about ->> 'opportunityName', count(*),
           count(*) FILTER (WHERE "activityType" = 'MEETING'),
           count(*) FILTER (WHERE "activityType" LIKE 'EMAIL%'),
           max(activities.date)::date,
           (opportunities."crmScore" ->> 'score')::integer
    FROM tap_clari.activities
    CROSS JOIN unnest(activities.opportunities) AS about
    JOIN tap_clari.opportunities ON opportunities.id = about ->> 'opportunityId'
    WHERE activities.date BETWEEN now() - interval '90 days' AND now()
    GROUP BY opportunities.id, 1, 6
    ORDER BY 2 DESC, 5 DESC, 1
    LIMIT 5
"""

_CALLS = """
    SELECT users.name, count(*), sum(said.seconds) / sum(said.of_all), avg(said.turns)
    FROM tap_clari.call_details
    CROSS JOIN unnest(call_details.users) AS rep
    JOIN tap_clari.users ON users.id = rep ->> 'userId'
    -- The metrics of a call are the call's; what a rep said is in the turns.
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE is_own) AS turns,
               sum(seconds) FILTER (WHERE is_own) AS seconds,
               sum(seconds) AS of_all
        FROM unnest(call_details.transcript) AS turn
        CROSS JOIN LATERAL (
            SELECT turn ->> 'personId' = rep ->> 'personId',
                   (turn ->> 'end')::numeric - (turn ->> 'start')::numeric
        ) AS each_turn (is_own, seconds)
    ) AS said
    WHERE said.turns > 0
    GROUP BY users.id, users.name
    ORDER BY 2 DESC, 1
    LIMIT 5
"""


def clari_answers(connection: Connection) -> list[Table]:
    """Ask, and lay out what comes back."""
    return [_forecast(connection), _opportunities(connection), _calls(connection)]


def _forecast(connection: Connection) -> Table:
    weeks: defaultdict[tuple[str, date], dict[str, str]] = defaultdict(dict)
    quotas: dict[str, Decimal] = {}
    name = label = ""
    for name, label, week, first_day, team, forecast, quota in connection.execute(_FORECAST):  # noqa: B007
        quotas[team] = quota
        weeks[week, first_day][team] = f"{forecast / 1000:,.0f} k  {forecast / quota:4.0%}"
    table = Table(title=f"{name}, {label}: commit of each team, and of its quota")
    table.add_column("week of", no_wrap=True)
    for team, quota in quotas.items():
        table.add_column(f"{team}\n(quota {quota / 1000:,.0f} k)", justify="right", no_wrap=True)
    for (week, first_day), cells in weeks.items():
        table.add_row(f"{first_day:%d %b} ({week})", *(cells.get(team, "") for team in quotas))
    return table


def _opportunities(connection: Connection) -> Table:
    table = Table(title="Which opportunities were worked on most in the last 90 days?")
    table.add_column("opportunity", no_wrap=True)
    for column in ("times", "meetings", "mails", "last time", "score"):
        table.add_column(column, justify="right", no_wrap=True)
    for name, *figures in connection.execute(_OPPORTUNITIES):
        table.add_row(name, *map(str, figures))
    return table


def _calls(connection: Connection) -> Table:
    table = Table(title="Who speaks in most calls, and how much of what is said?")
    table.add_column("rep", no_wrap=True)
    for column in ("calls", "share of the talk", "turns a call"):
        table.add_column(column, justify="right")
    for name, calls, share, turns in connection.execute(_CALLS):
        table.add_row(name, str(calls), f"{share:.0%}", f"{turns:.1f}")
    return table
