"""Changes of opportunities: rows of the answers that the opportunities are in."""

from __future__ import annotations

import typing as t

from tests.clari.revenue_truth import changes
from tests.clari.test_opportunities import asked
from tests.expected import expected

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.clari.conftest import Revenue
    from tests.running import Record, Run


def told(rows: Iterable[Record]) -> dict[tuple[t.Any, ...], Record]:
    """Changes by what tells them apart for the API, without the tap's key."""
    return {
        (row["opportunityId"], row["fieldId"], row["date"]): {
            name: value for name, value in row.items() if name != "changeId"
        }
        for row in rows
    }


def assert_changes(run: Run, opportunities: Iterable[Record]) -> None:
    """Each change of these opportunities is there once, and nothing else."""
    assert run.returncode == 0, run.log
    found = run.records["opportunity_changes"]
    schema = run.schemas["opportunity_changes"]
    truth = [expected(change, schema) for change in changes(opportunities)]
    assert truth
    assert told(found) == told(truth)
    assert len(found) == len(truth) == len({row["changeId"] for row in found})


def test_every_change_is_a_row_and_costs_no_request(revenue: Revenue) -> None:
    known = revenue.sandbox.account.opportunities
    both = revenue.tap.run("opportunities", "opportunity_changes", opportunity_ids=[*known])
    assert_changes(both, known.values())
    assert len(both.records["opportunities"]) == len(known)
    assert len(asked(revenue)) == 1

    # Alone, it takes the requests that the opportunities would.
    revenue.sandbox.traffic.clear()
    alone = revenue.tap.run("opportunity_changes", opportunity_ids=[*known])
    assert_changes(alone, known.values())
    assert not alone.records["opportunities"]
    assert "opportunities" not in alone.schemas
    assert len(asked(revenue)) == 1


def test_those_of_the_activities_have_their_changes_too(revenue: Revenue) -> None:
    run = revenue.tap.run("activities", "opportunity_changes")
    about = {
        opportunity["opportunityId"]
        for activity in run.records["activities"]
        for opportunity in activity["opportunities"]
    }
    assert_changes(run, [revenue.sandbox.account.opportunities[each] for each in about])


def test_a_later_run_only_adds_rows(revenue: Revenue) -> None:
    known = revenue.sandbox.account.opportunities
    streams = ("opportunities", "opportunity_changes")
    first = revenue.tap.run(*streams, opportunity_ids=[*known])
    [opportunity, *_] = known.values()
    [field] = [each for each in opportunity["fields"] if each["id"] == "opportunity.nextStep"]
    history = field["trendHistory"]
    # The time of an old one in another form; and a new one, of the same time as another.
    history[0]["date"] = str(history[0]["date"])
    history.append({**history[-1], "oldValue": "x", "newValue": None, "by": {"id": 1}})
    second = revenue.tap.run(*streams, opportunity_ids=[*known], state=first.state)
    before, after = (set(run.ids("opportunity_changes", "changeId")) for run in (first, second))
    [added] = after - before
    assert before < after
    row = second.by_id("opportunity_changes", "changeId")[added]
    assert row["oldValue"] == "x"
    assert row["newValue"] is None
    assert row["_extra"] == {"by": {"id": 1}}


def test_a_run_that_fails_says_that_both_are_incomplete(revenue: Revenue) -> None:
    known = revenue.sandbox.account.opportunities
    revenue.sandbox.faults.add(path="/v4/opportunity", status=403)
    run = revenue.tap.run(
        "limits", "opportunities", "opportunity_changes", opportunity_ids=[*known]
    )
    assert run.returncode == 1
    assert run.last_word.endswith(
        "Incomplete for this: opportunities, opportunity_changes. The other streams are whole."
    )
