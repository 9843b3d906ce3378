"""Scorecards, also more of them than can be paged, and their templates."""

from __future__ import annotations

import typing as t

from tests.clari.truth import assert_loaded

if t.TYPE_CHECKING:
    from tests.clari.conftest import Copilot, Start


def test_all_scorecards_arrive(start: Start) -> None:
    copilot = start(calls=400)
    run = copilot.tap.run("scorecards")
    truth = {card["id"]: card for card in copilot.sandbox.account.scorecards()}
    assert len(truth) > 10
    assert_loaded(run, "scorecards", truth)


def test_more_scorecards_than_can_be_paged_arrive_whole(start: Start) -> None:
    copilot = start(calls=200, scorecards=23_000)
    run = copilot.tap.run("scorecards")
    assert run.returncode == 0, run.log
    ids = run.ids("scorecards")
    assert len(ids) == len(set(ids)) == 23_000
    assert not run.warnings


def test_all_scorecard_templates_arrive(copilot: Copilot) -> None:
    run = copilot.tap.run("scorecard_templates")
    truth = {card["id"]: card for card in copilot.sandbox.account.scorecard_templates()}
    assert truth
    assert_loaded(run, "scorecard_templates", truth)
