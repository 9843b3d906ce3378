"""The views of `docs/sql/clari` answer what the account says, also after a later run."""

from __future__ import annotations

import re
import typing as t
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from psycopg import sql
from psycopg.rows import dict_row

from tests.browser import rendered
from tests.demo import charts
from tests.demo.clari_questions import clari_answers
from tests.demo.page import write_page
from tests.meltano.conftest import clari_pipeline
from tests.meltano.truth import truth
from tests.pipeline import ROOT
from tests.sandbox.people import PEOPLE, TEAMS

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.meltano.conftest import ClariPipeline, Record

SQL = ROOT / "docs" / "sql"
VIEWS = sorted((SQL / "clari").glob("*.sql"))
STREAMS = (
    *("forecasts", "forecast_entries", "forecast_users", "forecast_fields"),
    *("forecast_time_periods", "forecast_time_frames"),
    *("activities", "opportunities", "opportunity_changes"),
    *("users", "call_details", "call_turns", "deals"),
)
KINDS = {"MEETING": "meetings", "EMAIL": "mails", "ATTACHMENT": "files"}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClariPipeline]:
    """An account that was read twice; calls, activities and forecasts have changed in between."""
    with clari_pipeline(tmp_path_factory.mktemp("views")) as pipeline:
        pipeline.run(*STREAMS)
        with pipeline.postgres.connect() as connection:
            for file in (SQL / "timestamptz.sql", *VIEWS):
                connection.execute(file.read_bytes())
            connection.commit()
        account, sales = pipeline.copilot.account, pipeline.revenue.account
        for call_id in sorted(account.call_ids(private=False))[:4]:
            account.touch(call_id, modified="2026-10-20T08:00:00Z", status="PROCESSED")
        account.add(3, modified_from="2026-10-20T09:00:00Z", modified_to="2026-10-21T09:00:00Z")
        sales.restate()
        sales.add_activity(datetime.now(timezone.utc) - timedelta(days=1))
        pipeline.run(*STREAMS)
        yield pipeline


def answers(pipeline: ClariPipeline, view: str) -> list[Record]:
    """The rows of a view."""
    with pipeline.postgres.connect() as connection:
        cursor = connection.cursor(row_factory=dict_row)
        query = sql.SQL("SELECT * FROM {}").format(sql.Identifier(f"clari_{view}"))
        return cursor.execute(query).fetchall()


def entries(pipeline: ClariPipeline) -> dict[tuple[str, str, str, str], Record]:
    """The entries of the forecasts by forecast, week, user and field."""
    return {
        (each["forecastId"], each["timeFrameId"], each["userId"], each["fieldId"]): each
        for each in truth(pipeline, "forecast_entries")
    }


def weeks(pipeline: ClariPipeline) -> dict[str, date]:
    """The first day of each week."""
    frames = truth(pipeline, "forecast_time_frames")
    return {each["timeFrameId"]: date.fromisoformat(each["startDate"]) for each in frames}


def test_each_view_begins_with_its_question() -> None:
    for view in VIEWS:
        first = view.read_text(encoding="utf-8").splitlines()[0]
        assert first.startswith("-- ")
        assert first.endswith("?")


def test_a_team_s_commit_is_its_manager_s_beside_its_quota(loaded: ClariPipeline) -> None:
    said, frames = entries(loaded), weeks(loaded)
    found = answers(loaded, "forecast_by_week")
    assert {
        (row["forecast_id"], row["week_of"], row["team"]): (row["committed"], row["quota"])
        for row in found
    } == {
        (forecast, frames[frame], PEOPLE[index].hierarchy): (
            Decimal(str(said[forecast, frame, PEOPLE[index].user_id, "commit"]["forecastValue"])),
            Decimal(str(said[forecast, frame, PEOPLE[index].user_id, "quota"]["quotaValue"])),
        )
        for forecast in ("net_arr", "renewals")
        for frame in frames
        for index in range(1, len(TEAMS) + 1)
    }
    for row in found:
        assert float(row["share_of_quota"]) == pytest.approx(float(row["committed"] / row["quota"]))


def test_a_commit_is_measured_by_what_was_closed_in_the_last_week(loaded: ClariPipeline) -> None:
    said, frames = entries(loaded), weeks(loaded)
    last = max(frames, key=lambda frame: frames[frame])
    found = answers(loaded, "commit_accuracy")
    assert len(found) == 2 * len(frames) * len(PEOPLE)
    by_week = {frames[frame]: frame for frame in frames}
    for row in found:
        forecast, user = row["forecast_id"], row["user_id"]
        committed = said[forecast, by_week[row["week_of"]], user, "commit"]["forecastValue"]
        closed = said[forecast, last, user, "closed"]["crmClosed"]
        assert (float(row["committed"]), float(row["closed_in_the_end"])) == (committed, closed)
        if closed:
            assert float(row["committed_of_closed"]) == pytest.approx(committed / closed)


def test_each_change_of_an_amount_is_there(loaded: ClariPipeline) -> None:
    names = {
        each["id"]: {field["id"]: field["value"] for field in each["fields"]}["opportunity.name"]
        for each in truth(loaded, "opportunities")
    }
    changes = {
        (change["opportunityId"], change["oldValue"], change["newValue"])
        for change in truth(loaded, "opportunity_changes")
        if change["fieldId"] == "opportunity.amount"
    }
    found = answers(loaded, "pipeline_changes")
    assert {
        (row["opportunity_id"], float(row["amount_before"]), float(row["amount_after"]))
        for row in found
    } == changes
    assert len(found) == len(changes) > 0
    for row in found:
        assert row["difference"] == row["amount_after"] - row["amount_before"]
        assert row["opportunity"] == names[row["opportunity_id"]]


def test_a_deal_is_the_same_in_every_table(loaded: ClariPipeline) -> None:
    with loaded.postgres.connect() as connection:
        rows = connection.execute(_ONE_DEAL).fetchall()
    assert rows
    for amount, of_call, of_opportunity, stage, of_stage, is_activity in rows:
        assert of_call in (amount, None)
        assert of_opportunity in (amount, None)
        assert of_stage in (stage, None)
        assert is_activity


_ONE_DEAL = """
    SELECT deals.amount::numeric, calls.deal_value::numeric,
           (SELECT (field ->> 'value')::numeric FROM unnest(opportunities.fields) AS field
            WHERE field ->> 'id' = 'opportunity.amount'),
           deals.stage,
           (SELECT field ->> 'value' FROM unnest(opportunities.fields) AS field
            WHERE field ->> 'id' = 'opportunity.stage'),
           -- Not of what lies before the first window, or came with a call of long ago.
           calls.time < now() - interval '364 days' OR calls.time > '2026-10-01' OR EXISTS (
               SELECT FROM tap_clari.activities, unnest(activities.opportunities) AS about
               WHERE activities.date = calls.time AND about ->> 'opportunityId' = deals.crm_id
           )
    FROM tap_clari.call_details AS calls
    JOIN tap_clari.deals ON deals.crm_id = calls.crm_info ->> 'deal_id'
    LEFT JOIN tap_clari.opportunities ON opportunities.id = deals.crm_id
    WHERE calls.time IS NOT NULL
"""
"""What each table says of the deals of calls."""


def test_who_spoke_how_long_is_made_of_the_turns(loaded: ClariPipeline) -> None:
    spoken: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
    users: dict[tuple[str, int], str] = {}
    for call in truth(loaded, "call_details"):
        users |= {(call["id"], int(each["personId"])): each["userEmail"] for each in call["users"]}
        for turn in call["transcript"]:
            spoken[call["id"], int(turn["personId"])].append(turn["end"] - turn["start"])
    found = {(row["call_id"], row["person_id"]): row for row in answers(loaded, "call_talk")}
    assert found.keys() == spoken.keys()
    whole: defaultdict[str, float] = defaultdict(float)
    for (call_id, _), seconds in spoken.items():
        whole[call_id] += sum(seconds)
    for key, row in found.items():
        assert row["turns"] == len(spoken[key])
        assert float(row["seconds"]) == pytest.approx(sum(spoken[key]))
        assert float(row["share"]) == pytest.approx(sum(spoken[key]) / whole[key[0]])
        assert row["side"] == ("internal" if key in users else "external")
        assert key not in users or row["email"] == users[key]
    assert {row["side"] for row in found.values()} == {"internal", "external"}


def test_a_competitor_is_counted_by_tone_and_side(loaded: ClariPipeline) -> None:
    mentions: Counter[tuple[str, str, str]] = Counter()
    for call in truth(loaded, "call_details"):
        ours = {str(each["personId"]) for each in call["users"]}
        for each in call["competitor_sentiments"]:
            side = "internal" if each["personId"] in ours else "external"
            mentions[each["competitor_name"], each["sentiment"], side] += 1
    found = answers(loaded, "competitor_mentions")
    assert mentions
    assert {
        (row["competitor"], row["sentiment"], row["side"]): row["mentions"] for row in found
    } == mentions


def test_what_is_to_come_is_no_activity_of_a_rep(loaded: ClariPipeline) -> None:
    now = datetime.now(timezone.utc)
    names: defaultdict[str, set[str]] = defaultdict(set)
    for person in PEOPLE:
        names[person.crm_id].add(person.name)
    counted: defaultdict[tuple[str, date], Counter[str]] = defaultdict(Counter)
    to_come = 0
    for each in truth(loaded, "activities"):
        when = datetime.fromtimestamp(int(each["date"]) / 1000, timezone.utc)
        if when > now:
            to_come += 1
            continue
        monday = when.date() - timedelta(days=when.weekday())
        kind = KINDS[each["activityType"].partition("_")[0]]
        counted[each["activityOwnerId"], monday][kind] += 1
    found = answers(loaded, "activities_by_rep")
    assert {
        (row["owner_id"], row["week_of"]): Counter(
            {kind: row[kind] for kind in KINDS.values() if row[kind]}
        )
        for row in found
    } == counted
    assert to_come
    for row in found:
        assert set(row["rep"].split(" / ")) == names[row["owner_id"]]


def test_the_demo_s_talk_is_each_user_s_own(loaded: ClariPipeline) -> None:
    names = {user["id"]: user["name"] for user in loaded.copilot.account.users()}
    own: Counter[str] = Counter()
    said: defaultdict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for call in truth(loaded, "call_details"):
        seconds: defaultdict[str, float] = defaultdict(float)
        for turn in call["transcript"]:
            seconds[str(turn["personId"])] += turn["end"] - turn["start"]
        for user in call["users"]:
            if spoken := seconds.get(str(user["personId"])):
                own[user["userId"]] += 1
                said[user["userId"]][0] += spoken
                said[user["userId"]][1] += sum(seconds.values())
    with loaded.postgres.connect() as connection:
        *_, table = clari_answers(connection)
    reps, calls, shares, _ = ([*column.cells] for column in table.columns)
    assert reps
    by_name = {
        names[user]: (str(count), f"{said[user][0] / said[user][1]:.0%}")
        for user, count in own.items()
    }
    assert {
        rep: (count, share) for rep, count, share in zip(reps, calls, shares, strict=True)
    }.items() <= by_name.items()


@pytest.fixture
def page(loaded: ClariPipeline, tmp_path: Path) -> Path:
    """The demo's page of this account."""
    path = tmp_path / "page.html"
    with loaded.postgres.connect() as connection:
        write_page(connection, charts.CLARI, path)
    return path


def test_a_page_of_charts_is_whole_in_one_file(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="', text)
    for number, chart in enumerate(charts.CLARI):
        assert f'id="chart-{number}"' in text
        assert chart.question in text
    assert text.count("<details>") == len(charts.CLARI)


def test_a_browser_draws_every_series(page: Path, tmp_path: Path) -> None:
    document = rendered(page, tmp_path / "profile")
    for number, chart in enumerate(charts.CLARI):
        drawn = document.split(f'id="chart-{number}"', 1)[1].split("<details>", 1)[0]
        assert f">{chart.question}</text>" in drawn
        assert re.search(r'class="(?:point|trace scatter)', drawn), chart.question
    for team in TEAMS:
        assert f">{team}</text>" in document
