"""Scorecards and their templates.

A scorecard shows no time, and yet the vendor filters by one: it is kept here.
"""

from __future__ import annotations

from array import array
from random import Random
from typing import TYPE_CHECKING

from tests.sandbox.copilot.call_search import window_of
from tests.sandbox.copilot.vocabulary import FINISHED
from tests.sandbox.crm import END_OF_DATA
from tests.sandbox.instants import DAY, MILLISECOND
from tests.sandbox.people import user_manager
from tests.sandbox.randomness import Draws, Scramble
from tests.sandbox.wording import wording

if TYPE_CHECKING:
    from tests.sandbox.copilot.call_search import Bounds
    from tests.sandbox.copilot.call_table import CallTable
    from tests.sandbox.copilot.directory import Directory, Record
    from tests.sandbox.copilot.queries import Window
    from tests.sandbox.copilot.records import CallMaker

TEMPLATES = 5
_SPAN = 14 * DAY // MILLISECOND
"""So long after a call it is scored at the latest."""


class Scorecards:
    """The scorecards of the account, by index; each is of a call that was held.

    Args:
        seed: Seed of the whole data set.
        count: How many there are.
        table: The calls as they are at first.
        directory: The users who score and are scored.
        maker: Knows who was in a call.
        bounds: What ``Gt`` and ``Lt`` of a time mean.
    """

    def __init__(  # noqa: PLR0913 - the things a scorecard refers to
        self,
        *,
        seed: int,
        count: int,
        table: CallTable,
        directory: Directory,
        maker: CallMaker,
        bounds: Bounds,
    ) -> None:
        rng = Random(f"{seed} scorecards")
        held = [position for position, code in enumerate(table.status) if code in FINISHED] or [0]
        self._calls = array("I", [held[index * 7919 % len(held)] for index in range(count)])
        modified = [table.modified[call] for call in self._calls]
        self._times = array(
            "q",
            [
                time
                + rng.randrange(max(1, min(_SPAN, (END_OF_DATA - time) // MILLISECOND)))
                * MILLISECOND
                for time in modified
            ],
        )
        self._by_time = array("I", sorted(range(count), key=self._times.__getitem__))
        self._seed = seed
        self._directory = directory
        self._maker = maker
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
        draws = Draws(self._seed, index, b"scorecard")
        call, user_id = self._calls[index], self._directory.user_id
        rep = draws.pick(self._maker.people(call).users)
        number = draws.below(TEMPLATES)
        template = self.template(number)
        questions = [
            {"score": 1 + draws.below(5), **question}
            for question in template["questions"][: draws.below(5)]
        ]
        scorecard: Record = {
            "id": self.scorecard_id(index),
            "type": template["type"],
            "rep": user_id(rep),
            "scorer": user_id(user_manager(rep) or 0),
            "template_id": template["id"],
            "call_id": self._maker.call_id(call),
            "total_score": draws.below(2001) / 20,
        }
        if questions:
            points = sum(question["score"] for question in questions)
            scorecard["total_score"] = points * 20 / len(questions)
        if questions or draws.one_in(2):
            scorecard["questions_score"] = questions
        if draws.below(3):
            scorecard["remark"] = draws.pick(draws.pick(wording().languages))
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
