"""Scorecards and their templates.

A scorecard shows no time, and yet the vendor filters by one: it is kept here.
"""

from __future__ import annotations

from array import array
from random import Random
from typing import TYPE_CHECKING

from tests.sandbox.copilot.call_search import window_of
from tests.sandbox.copilot.directory import END_OF_DATA, START_OF_DATA
from tests.sandbox.instants import MILLISECOND
from tests.sandbox.randomness import Draws, Scramble
from tests.sandbox.wording import wording

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sandbox.copilot.call_search import Bounds
    from tests.sandbox.copilot.directory import Directory, Record
    from tests.sandbox.copilot.queries import Window

TEMPLATES = 5


class Scorecards:
    """The scorecards of the account, by index.

    Args:
        seed: Seed of the whole data set.
        count: How many there are.
        calls: How many calls there are at first, for the calls that are scored.
        directory: The users who score and are scored.
        call_id: Gives the id of the call at a position.
        bounds: What ``Gt`` and ``Lt`` of a time mean.
    """

    def __init__(  # noqa: PLR0913 - the things a scorecard refers to
        self,
        *,
        seed: int,
        count: int,
        calls: int,
        directory: Directory,
        call_id: Callable[[int], str],
        bounds: Bounds,
    ) -> None:
        rng = Random(f"{seed} scorecards")
        span = (END_OF_DATA - START_OF_DATA) // MILLISECOND
        self._times = array(
            "q", [START_OF_DATA + rng.randrange(span) * MILLISECOND for _ in range(count)]
        )
        self._by_time = array("I", sorted(range(count), key=self._times.__getitem__))
        self._seed = seed
        self._calls = calls
        self._directory = directory
        self._call_id = call_id
        self._strict = bounds == "strict"
        self._ids = Scramble(seed, b"scorecard ids")
        self._template_ids = Scramble(seed, b"template ids")

    def __len__(self) -> int:
        return len(self._times)

    def scorecard_id(self, index: int) -> str:
        """Return the id of a scorecard."""
        return f"65{0:06x}{self._ids.number(index):016x}"

    def find(self, time: Window) -> list[int]:
        """Return the indexes of the scorecards of a time, in an order that is not by time."""
        return sorted(window_of(self._by_time, self._times, time, strict=self._strict))

    def scorecard(self, index: int) -> Record:
        """Make a scorecard; some have no remark, some no questions."""
        words = wording()
        draws = Draws(self._seed, index, b"scorecard")
        users, user_id = self._directory.users_count, self._directory.user_id
        questions = [
            {
                "score": 1 + draws.below(5),
                "skill": draws.pick(words.skills),
                "label": f"How good was the {draws.pick(words.skills).lower()}?",
                "order": str(order + 1),
            }
            for order in range(draws.below(5))
        ]
        scorecard: Record = {
            "id": self.scorecard_id(index),
            "type": draws.pick(["MANUAL", "AI"]),
            "rep": user_id(index * 31 % users),
            "scorer": user_id((index * 17 + 5) % users),
            "template_id": self.template_id(draws.below(TEMPLATES)),
            "call_id": self._call_id(index * 7919 % self._calls),
            "total_score": draws.below(2001) / 20,
        }
        if questions or draws.one_in(2):
            scorecard["questions_score"] = questions
        if draws.below(3):
            scorecard["remark"] = draws.pick(draws.pick(words.languages))
        return scorecard

    def template_id(self, index: int) -> str:
        """Return the id of a template."""
        return f"66{0:06x}{self._template_ids.number(index):016x}"

    def template(self, index: int) -> Record:
        """Make a template."""
        words = wording()
        draws = Draws(self._seed, index, b"template")
        return {
            "id": self.template_id(index),
            "customer_id": f"customer-{self._seed}",
            "name": f"{draws.pick(words.titles) or 'Untitled'} #{index}",
            "type": draws.pick(["MANUAL", "AI"]),
            "questions": [
                {
                    "skill": words.skills[order],
                    "label": f"How good was the {words.skills[order].lower()}?",
                    "order": str(order + 1),
                }
                for order in range(2 + draws.below(4))
            ],
        }
