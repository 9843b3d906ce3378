"""How the record of a call is made from its position: as listed, and in full.

The same position gives the same record, always; only the columns of the table (times, status)
change what is made of it.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, NamedTuple

from tests.sandbox.copilot.call_table import NEVER
from tests.sandbox.copilot.vocabulary import (
    FINISHED,
    NOT_JOINED,
    REASONS_NOT_JOINED,
    STATUSES,
    TYPES,
)
from tests.sandbox.instants import SECOND, iso
from tests.sandbox.randomness import Draws, Scramble
from tests.sandbox.wording import wording

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.sandbox.copilot.call_table import CallTable
    from tests.sandbox.copilot.directory import CrmKind, Directory, Record
    from tests.sandbox.copilot.queries import Media

SIGNATURE = "X-Signature=SIGNED-URL-SECRET"
"""Stands in every signed URL; found anywhere else, a secret has leaked."""

_DISPOSITIONS = [
    "UNKNOWN_CALL_DISPOSITION",
    "CALL_CONNECTED_WITH_PROSPECT",
    "CALL_DID_NOT_CONNECT_WITH_PROSPECT",
]
_CHARACTERS_PER_SECOND = 15


class People(NamedTuple):
    """Who is in a call, as indexes of the directory; the person ids count users, then contacts."""

    account: int
    deal: int
    users: list[int]
    contacts: list[int]


class CallMaker:
    """Makes the records of calls from the table, which has times and status of each."""

    def __init__(self, seed: int, table: CallTable, directory: Directory) -> None:
        self._seed = seed
        self._table = table
        self._directory = directory
        self._ids = Scramble(seed, b"call ids")
        self._prefix = f"{Draws(seed, 0, b'call prefix').below(1 << 32):08x}"

    def call_id(self, position: int) -> str:
        """Return the id of a call: 24 hexadecimal digits."""
        return f"{self._prefix}{self._ids.number(position):016x}"

    def position(self, call_id: str) -> int | None:
        """Return the position of the call with this id; None when there never was one."""
        if len(call_id) != 24 or not call_id.startswith(self._prefix):
            return None
        try:
            position = self._ids.index(int(call_id[8:], 16))
        except ValueError:
            return None
        known = 0 <= position < len(self._table) and self.call_id(position) == call_id
        return position if known else None

    def people(self, position: int) -> People:
        """Return who is in a call."""
        directory = self._directory
        draws = Draws(self._seed, position, b"people")
        account = draws.below(directory.counts["account"])
        contacts = directory.of_account("contact", account)
        deals = directory.of_account("deal", account)
        first_user, first_contact = draws.below(directory.users_count), draws.below(len(contacts))
        return People(
            account,
            deals[draws.below(len(deals))],
            [(first_user + i) % directory.users_count for i in range(1 + draws.below(3))],
            [
                contacts[(first_contact + i) % len(contacts)]
                for i in range(min(1 + draws.below(3), len(contacts)))
            ],
        )

    def source_id(self, position: int) -> str | None:
        """Return the id of a call in its source system; some have none."""
        if position % 12 == 11:
            return None
        return f"src-{self._seed}-{position * 7919 + 104_729}"

    def listed(self, position: int, media: Media) -> Record:
        """Make a call as a list shows it; optional fields are missing or null here and there."""
        table, words = self._table, wording()
        draws = Draws(self._seed, position, b"call")
        people = self.people(position)
        status = table.status[position]
        finished = status in FINISHED
        call: Record = {"id": self.call_id(position)}
        _put(call, draws, "source_id", self.source_id(position), rarely=1 << 16)
        _put(call, draws, "title", draws.pick(words.titles))
        call["users"] = self._users(position, people)
        participants = self._participants(position, people)
        call["externalParticipants"] = participants
        if finished:
            joined: list[Record] = [
                {
                    "name": self._directory.user(user)["name"],
                    "email": self._directory.user_email(user),
                    "personId": number,
                }
                for number, user in enumerate(people.users)
            ]
            call["joinedParticipants"] = [*joined, *participants][: 1 + draws.below(6)]
        call["status"] = STATUSES[status]
        if status in NOT_JOINED:
            call["bot_not_join_reason"] = [draws.pick(REASONS_NOT_JOINED)]
        call["type"] = TYPES[table.type[position]]
        self._put_times(call, draws, position)
        self._put_media(call, position, media)
        if finished:
            _put(call, draws, "disposition", draws.pick(_DISPOSITIONS), rarely=9)
        if position % 13 != 9:
            self._put_crm(call, draws, position, people)
        if finished:
            self._put_metrics(call, position, people)
        call["call_review_page_url"] = f"https://copilot.example.com/call/{call['id']}"
        return call

    def detailed(self, position: int, media: Media) -> Record:
        """Make a call in full: as listed, with what was said and what came of it.

        An unfinished call has an empty transcript or none at all.
        """
        call = self.listed(position, media)
        rng = Random(self._seed << 32 | position)
        people = self.people(position)
        words = wording()
        if position % 13 != 9 and rng.random() < 0.8:
            call["deal_stage_live"] = rng.choice(words.stages)
        if self._table.status[position] not in FINISHED:
            if position % 2:
                call["transcript"] = []
            return call
        language = rng.choice(words.languages)
        call["transcript"] = transcript = self._transcript(
            position, rng, language, len(call["joinedParticipants"])
        )
        end = transcript[-1]["end"]
        if rng.random() < 0.9:
            call["summary"] = self._summary(rng, language, people, end)
        elif rng.random() < 0.5:
            call["summary"] = None
        turns = [rng.choice(transcript) for _ in range(max(0, rng.randrange(-2, 3)))]
        call["competitor_sentiments"] = [
            {
                "competitor_name": rng.choice(words.competitors),
                "sentiment": rng.choice(words.sentiments),
                "reasoning": rng.choice(language),
                "personId": str(turn["personId"]),
                "turn_start_time": _clock(turn["start"]),
            }
            for turn in turns
        ]
        return call

    def _topics(self, position: int) -> Sequence[int]:
        if self._table.status[position] not in FINISHED:
            return ()
        count = self._directory.topics_count
        draws = Draws(self._seed, position, b"topics")
        first, stride = draws.below(count), 1 + draws.below(3)
        return [(first + i * stride) % count for i in range(draws.below(4))]

    def _users(self, position: int, people: People) -> list[Record]:
        users: list[Record] = [
            {
                "userId": self._directory.user(user)["id"],
                "userEmail": self._directory.user_email(user),
                "isOrganizer": number == 0,
                "personId": number,
            }
            for number, user in enumerate(people.users)
        ]
        if position % 19 == 2:
            users[0]["personId"] = "0"  # a known slip on the wire
        return users

    def _participants(self, position: int, people: People) -> list[Record]:
        directory = self._directory
        participants: list[Record] = []
        for number, contact in enumerate(people.contacts, start=len(people.users)):
            participant: Record = {"name": directory.contact_name(contact)}
            email, phone = directory.contact_email(contact), directory.contact_phone(contact)
            if email:
                participant["email"] = email
            if phone or position % 3 == 0:
                participant["phone"] = phone
            participant["personId"] = str(number) if position % 21 == 1 else number
            participants.append(participant)
        return participants

    def _put_times(self, call: Record, draws: Draws, position: int) -> None:
        time, modified = self._table.time[position], self._table.modified[position]
        if time != NEVER:
            call["time"] = _wire(draws, time)
            if draws.one_in(4):
                call["recurring_event_id"] = f"series-{draws.below(1000)}"
                call["original_start_time"] = _wire(draws, time)
            if draws.below(3):
                call["icaluid"] = f"{call['id']}@calendar.example.com"
                call["calendar_id"] = f"user{draws.below(self._directory.users_count)}@example.com"
            if draws.one_in(6):
                call["bookmark_timestamps"] = [
                    _wire(draws, time + draws.below(3600) * SECOND) for _ in range(draws.below(3))
                ]
        if modified != NEVER:
            call["last_modified_time"] = _wire(draws, modified)

    def _put_media(self, call: Record, position: int, media: Media) -> None:
        if self._table.status[position] not in FINISHED:
            return
        for kind, ending, wanted in (("audio", "mp3", media.audio), ("video", "mp4", media.video)):
            if wanted:
                call[f"{kind}_url"] = (
                    f"https://recordings.example.com/{kind}/{call['id']}.{ending}"
                    f"?X-Expires=14400&{SIGNATURE}"
                )

    def _put_crm(self, call: Record, draws: Draws, position: int, people: People) -> None:
        directory = self._directory
        account = directory.crm_object("account", people.account)
        deal = directory.crm_object("deal", people.deal)
        with_deal = draws.below(6) > 0
        contact_ids = [directory.crm_id("contact", contact) for contact in people.contacts]
        if position % 23 == 4:
            contact_ids.append(self._gone("contact", position))
        info: Record = {
            "source_crm": "HUBSPOT" if position % 10 == 6 else "SALESFORCE",
            "account_id": self._gone("account", position)
            if position % 29 == 5
            else account["crm_id"],
            "contact_ids": contact_ids,
        }
        if with_deal:
            info["deal_id"] = self._gone("deal", position) if position % 31 == 6 else deal["crm_id"]
            _put(call, draws, "deal_name", deal["deal_name"])
            _put(call, draws, "deal_value", deal["amount"])
            _put(call, draws, "deal_close_date", deal["close_date"])
            _put(call, draws, "deal_stage_before_call", draws.pick(wording().stages))
        elif draws.one_in(2):
            info["deal_id"] = None
        _put(call, draws, "account_name", account["name"])
        _put(
            call,
            draws,
            "contact_names",
            [directory.contact_name(contact) for contact in people.contacts],
        )
        call["crm_info"] = info

    def _gone(self, kind: CrmKind, position: int) -> str:
        """Return a CRM id that refers to nothing any more."""
        return self._directory.crm_id(kind, self._directory.counts[kind] + position % 7)

    def _put_metrics(self, call: Record, position: int, people: People) -> None:
        draws = Draws(self._seed, position, b"metrics")
        words = wording()
        duration = self._table.duration[position]
        first = self._directory.user(people.users[0])
        questions = draws.below(40)
        monologue = draws.below(1 + duration // 2)
        metrics: Record = {
            "talk_listen_ratio": draws.below(10_001) / 10_000,
            "num_questions_asked": questions,
            "num_questions_asked_by_reps": draws.below(questions + 1),
            "call_duration": duration,
            "total_speak_duration": duration * (50 + draws.below(50)) / 100,
            "longest_monologue_duration": monologue + draws.below(100) / 100,
            "longest_monologue_start_time": float(draws.below(1 + duration // 2)),
        }
        _put(metrics, draws, "engaging_questions", draws.below(9))
        metrics["categories"] = [
            {
                "name": words.topics[topic],
                "occurences": 1 + draws.below(12),
                "phrases_matched": [
                    {
                        "text": draws.pick(words.trackers),
                        "user_id": first["id"],
                        "name": first["name"],
                        "time": draws.below(duration * 100) / 100,
                    }
                    for _ in range(draws.below(3))
                ],
                "ai_detected": draws.one_in(3),
            }
            for topic in self._topics(position)
        ]
        call["metrics"] = metrics

    def _transcript(
        self, position: int, rng: Random, language: list[str], persons: int
    ) -> list[Record]:
        words = wording()
        awkward = words.languages[-1]
        chance = rng.random
        length = chance()
        turns = 400 if length < 0.01 else 1 if length < 0.03 else 10 + int(chance() * 54)
        transcript: list[Record] = []
        clock = chance() * 20
        for _ in range(turns):
            sentences = [
                language[int(chance() * len(language))]
                if chance() < 0.95
                else awkward[int(chance() * len(awkward))]
                for _ in range(1 + int(chance() * chance() * 5))
            ]
            text = " ".join(sentences)
            end = clock + 0.5 + len(text) / _CHARACTERS_PER_SECOND
            turn: Record = {
                "text": text,
                "start": round(clock, 2),
                "end": round(end, 2),
                "personId": int(chance() * persons),
            }
            kind = chance()
            if kind < 0.12:
                tracker = words.trackers[int(chance() * len(words.trackers))]
                turn["annotations"] = [
                    {"tracker": tracker, "phrase": sentences[0], "category": words.topics[0]}
                ]
            elif kind < 0.2:
                label = words.labels[int(chance() * len(words.labels))]
                turn["annotations"] = [{"label": label, "phrase": sentences[-1]}]
            elif kind < 0.6:
                turn["annotations"] = []
            transcript.append(turn)
            clock = end + chance()
        if position % 17 == 3:
            transcript[0]["personId"] = str(transcript[0]["personId"])  # a known slip
        # It fills the call.
        pace = self._table.duration[position] / transcript[-1]["end"]
        for turn in transcript:
            turn["start"], turn["end"] = (
                round(turn["start"] * pace, 2),
                round(turn["end"] * pace, 2),
            )
        return transcript

    def _summary(self, rng: Random, language: list[str], people: People, seconds: float) -> Record:
        words = wording()
        summary: Record = {
            "full_summary": "\n\n".join(rng.choices(language, k=3)),
            "topics_discussed": [
                {
                    "name": rng.choice(words.topics),
                    "start_timestamp": _clock(seconds * part / 4),
                    "end_timestamp": _clock(seconds * (part + 1) / 4),
                    "summary": rng.choice(language),
                }
                for part in range(rng.randrange(5))
            ],
        }
        if rng.random() < 0.8:
            summary["key_action_items"] = [
                {
                    "action_item": rng.choice(language),
                    "speaker_name": self._directory.contact_name(rng.choice(people.contacts)),
                    "start_timestamp": _clock(seconds / 2),
                    "end_timestamp": _clock(seconds / 2 + 10) if rng.random() < 0.9 else None,
                }
                for _ in range(rng.randrange(4))
            ]
        return summary


def _put(record: Record, draws: Draws, name: str, value: object, rarely: int = 14) -> None:
    """Set an optional field, which is null or missing once in ``rarely`` times each."""
    fate = draws.below(rarely)
    if fate > 1 and value is not None:
        record[name] = value
    elif fate == 1:
        record[name] = None


def _wire(draws: Draws, value: int) -> str:
    """Write an instant as the wire does: with either offset; milliseconds where they are needed."""
    milliseconds = draws.one_in(3) or value % SECOND != 0
    return iso(value, milliseconds=milliseconds, offset="+0000" if draws.one_in(3) else "Z")


def _clock(seconds: float) -> str:
    """Write a place in a recording as hours, minutes and seconds."""
    whole = int(seconds)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"
