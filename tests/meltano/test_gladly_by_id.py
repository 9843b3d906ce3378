"""What is read by id: whatever happened meanwhile, PostgreSQL is as Gladly is after a run."""

from __future__ import annotations

import random
import threading
import time
import typing as t
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import pytest

from tests.gladly.truth import ago
from tests.meltano.conftest import BY_ID
from tests.meltano.desk_truth import assert_desk
from tests.meltano.playing import JUST_NOW, before, happens, play, untold_after_a_day
from tests.pipeline import MeltanoError
from tests.sandbox.gladly.timestamps import nanos

if t.TYPE_CHECKING:
    from tests.meltano.conftest import DeskPipeline
    from tests.sandbox.gladly import Desk

pytestmark = pytest.mark.slow

A_DAY = timedelta(days=1)


OUTAGES = (timedelta(days=20), timedelta(hours=30), timedelta(hours=1))


def test_after_an_outage_one_run_makes_all_equal(desk_pipeline: DeskPipeline) -> None:
    gladly, desk = desk_pipeline.gladly, desk_pipeline.gladly.desk
    past = ago(days=20, hours=2)
    # What happens in one outage happens to nobody else than theirs: no other run reads it.
    casts = [(before(desk, past), before(desk, past)) for _ in OUTAGES]
    desk_pipeline.run()
    assert_desk(desk_pipeline, desk_pipeline.start, *BY_ID)

    first = ago(days=20)
    unheard: dict[str, list[str]] = {"customer_profiles": [], "conversation_items": []}
    for outage, (early, late) in zip(OUTAGES, casts, strict=True):
        last_run = datetime.now(timezone.utc) - outage
        desk_pipeline.set_back(last_run)
        gladly.traffic.clear()
        if outage > A_DAY:
            # Reports tell of it, but for one change, and not of items that are not listed.
            play(happens(desk, early), last_run, ago(hours=26))
            desk.update_customer(early.quiet, at=ago(hours=26), name="Nobody hears of it")
            unheard["customer_profiles"].append(early.quiet)
            unheard["conversation_items"] += not_listed(desk, early.busy)
        # Events tell of it.
        actions = [*happens(desk, late), *untold_after_a_day(desk, late)]
        play(actions, max(last_run, ago(hours=23)), ago(minutes=2))
        desk_pipeline.run()
        assert_desk(desk_pipeline, first, *BY_ID, left_out=unheard)

        said = "\n".join(desk_pipeline.meltano.said)
        assert f"more of the conversation {late.busy} than" in said
        assert (f"more of the conversation {early.busy} than" in said) == (outage > A_DAY)
        assert ("whose profile was changed or deleted from" in said) == (outage > A_DAY)
        # To whom nothing happened is not read again.
        for cast in (early, late):
            assert gladly.traffic.count(f"/api/v1/conversations/{cast.talks['nothing']}") == 0


def not_listed(desk: Desk, conversation: str) -> list[str]:
    """The newest items of a conversation, of which Gladly lists a thousand."""
    items = sorted(desk.items.of(conversation), key=lambda item: nanos(item["timestamp"]))
    return [item["id"] for item in items[desk.caps["items"] :]]


def test_what_happens_during_a_run_is_there_after_the_next(desk_pipeline: DeskPipeline) -> None:
    gladly, desk = desk_pipeline.gladly, desk_pipeline.gladly.desk
    cast, began = before(desk, ago(hours=1)), ago(minutes=2)
    actions = iter([*happens(desk, cast), *untold_after_a_day(desk, cast)])

    def act() -> None:
        while not gladly.traffic.count("/api/v1/events"):
            time.sleep(0.02)
        for action in actions:
            action(datetime.now(timezone.utc))
            time.sleep(0.15)

    acting = threading.Thread(target=act)
    acting.start()
    desk_pipeline.run(settings={"TAP_GLADLY_REQUESTS_PER_SECOND": "30"})
    assert not acting.is_alive()
    time.sleep(JUST_NOW.total_seconds())
    desk_pipeline.run()
    assert_desk(desk_pipeline, began, *BY_ID)


def test_runs_that_are_killed_lose_nothing(desk_pipeline: DeskPipeline) -> None:
    gladly, desk = desk_pipeline.gladly, desk_pipeline.gladly.desk
    cast = before(desk, ago(days=3))
    play(happens(desk, cast), ago(hours=22), ago(minutes=2))
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    draw = random.Random(seed)
    for _ in range(2):
        gladly.traffic.clear()
        kill = Kill(desk_pipeline, draw.randrange(8, 180))
        with pytest.raises(MeltanoError):
            desk_pipeline.run(settings={"TAP_GLADLY_REQUESTS_PER_SECOND": "30"}, meanwhile=kill)
        assert kill.is_done
    desk_pipeline.run()
    assert_desk(desk_pipeline, desk_pipeline.start, *BY_ID)


@dataclass
class Kill:
    """Kills the tap once, when it has made so many requests.

    Args:
        pipeline: Whose tap.
        requests: How many.
    """

    pipeline: DeskPipeline
    requests: int
    is_done: bool = False

    def __call__(self) -> None:
        """Kill it, if it is time."""
        if self.pipeline.gladly.traffic.count() >= self.requests and not self.is_done:
            self.is_done = self.pipeline.kill_the_tap()
