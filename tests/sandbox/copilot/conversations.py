"""What is said in calls, and what follows from it: metrics, topics, competitors and tasks.

A call of a thousand has a conversation of its own; after that they are held again, by others. So a
million calls cost little, and each is at one with its transcript.
"""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.sandbox.wording import wording

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.sandbox.copilot.directory import Directory

    Record = dict[str, Any]

CONVERSATIONS = 1000
QUESTION_MARKS = "?\N{FULLWIDTH QUESTION MARK}\N{ARABIC QUESTION MARK}"
COMMITMENT = "Commitment"
"""The label of what somebody will do."""

_CHARACTERS_PER_SECOND = 15
_SHORTEST, _LONGEST = 60, 7100


class Turn(NamedTuple):
    """What one person says.

    Attributes:
        ours: Whether a user says it, and not a guest.
        speaker: Which of those of this side, modulo how many there are.
        text: The words.
        start: Seconds into the call at the begin.
        end: Seconds into the call at the end.
        asks: Whether it ends in a question.
        topic: Position of the topic that it is about; None for none.
        tracker: The words that tell the topic, or the topic's name where no word does.
        rival: The competitor that is named, and how; None for none.
        annotations: What Copilot says of the words; None where it says nothing.
    """

    ours: bool
    speaker: int
    text: str
    start: float
    end: float
    asks: bool
    topic: int | None
    tracker: str
    rival: tuple[str, str] | None
    annotations: list[Record] | None

    @property
    def seconds(self) -> float:
        """How long it takes."""
        return self.end - self.start


class Conversation(NamedTuple):
    """The turns, and what is counted of them but the topics, whose speakers each call knows."""

    turns: list[Turn]
    duration: int
    metrics: Record

    def by_topic(self) -> dict[int, list[Turn]]:
        """Return the turns about each topic."""
        found: dict[int, list[Turn]] = {}
        for turn in self.turns:
            if turn.topic is not None:
                found.setdefault(turn.topic, []).append(turn)
        return found


class Conversations:
    """Makes each when it is first asked for."""

    def __init__(self, seed: int, directory: Directory) -> None:
        self._seed = seed
        self._topics = [directory.topic(index) for index in range(directory.topics_count)]
        self._made: dict[int, Conversation] = {}

    def of(self, position: int) -> Conversation:
        """Return the conversation of the call at a position."""
        index = position % CONVERSATIONS
        made = self._made.get(index)
        if made is None:
            made = self._made[index] = self._make(index)
        return made

    def _make(self, index: int) -> Conversation:
        rng = Random(self._seed << 32 | index)
        chance = rng.random
        length = chance()
        count = 400 if length < 0.01 else 1 if length < 0.03 else 10 + int(chance() * 54)
        speech = _Speech(chance, self._topics)
        duration = _SHORTEST + int(chance() * (_LONGEST - _SHORTEST))
        clock, spoken = chance() * 20, []
        for _ in range(count):
            words = speech.words()
            end = clock + 0.5 + len(words["text"]) / _CHARACTERS_PER_SECOND
            spoken.append((clock, end, words))
            clock = end + chance()
        pace = duration / spoken[-1][1]  # it fills the call
        turns = [
            Turn(
                ours=chance() < 0.5,
                speaker=int(chance() * 6),
                start=round(start * pace, 2),
                end=round(end * pace, 2),
                **words,
            )
            for start, end, words in spoken
        ]
        return Conversation(turns, duration, _metrics(turns, duration))


class _Speech:
    """The words of one conversation, which has a language and some topics."""

    def __init__(self, chance: Callable[[], float], topics: list[Record]) -> None:
        words = wording()
        self._chance = chance
        language = self._pick(words.languages)
        # The awkward sentences ask nothing.
        self._questions = _questions(language) or _questions(words.languages[0])
        self._statements = [each for each in language if each not in self._questions]
        self._topics = topics
        self._about = [int(chance() * len(topics)) for _ in range(3)]

    def _pick(self, items: Sequence[Any]) -> Any:  # noqa: ANN401 - of any list
        return items[int(self._chance() * len(items))]

    def words(self) -> Record:
        """Return the members of a turn that are not about who and when."""
        chance, words = self._chance, wording()
        sentences = [
            self._pick(self._statements if chance() < 0.95 else words.languages[-1])
            for _ in range(1 + int(chance() * chance() * 5))
        ]
        asks = chance() < 0.2
        if asks:
            sentences[-1] = self._pick(self._questions)
        topic = rival = None
        tracker, kind = "", chance()
        annotations: list[Record] | None = None
        if kind < 0.12:
            topic = self._pick(self._about)
            about = self._topics[topic]
            name = about["topic_name"]
            keywords = about.get("keyword_topic")
            tracker = self._pick(keywords["trackers"]) if keywords else name
            sentences[0] = f"{tracker}: {sentences[0]}"
            told = {"tracker": tracker, "category": name} if keywords else {"label": name}
            annotations = [{**told, "phrase": sentences[0]}]
        elif kind < 0.14:
            rival = self._pick(words.competitors), self._pick(words.sentiments)
            sentences[0] = f"{rival[0]}: {sentences[0]}"
        elif kind < 0.24:
            label = words.labels[0] if asks else self._pick(words.labels[1:])
            annotations = [{"label": label, "phrase": sentences[-1]}]
        elif kind < 0.6:
            annotations = []
        return {
            "text": " ".join(sentences),
            "asks": asks,
            "topic": topic,
            "tracker": tracker,
            "rival": rival,
            "annotations": annotations,
        }


def _questions(sentences: list[str]) -> list[str]:
    return [each for each in sentences if each[-1] in QUESTION_MARKS]


def _metrics(turns: list[Turn], duration: int) -> Record:
    said = sum(turn.seconds for turn in turns)
    longest = max(turns, key=lambda turn: round(turn.seconds, 2))
    return {
        "talk_listen_ratio": round(sum(turn.seconds for turn in turns if turn.ours) / said, 4),
        "num_questions_asked": sum(turn.asks for turn in turns),
        "num_questions_asked_by_reps": sum(turn.asks and turn.ours for turn in turns),
        "call_duration": duration,
        "total_speak_duration": round(said, 2),
        "longest_monologue_duration": round(longest.seconds, 2),
        "longest_monologue_start_time": longest.start,
        # Those of reps that a guest answers.
        "engaging_questions": sum(
            turn.asks and turn.ours and not answer.ours for turn, answer in pairwise(turns)
        ),
    }
