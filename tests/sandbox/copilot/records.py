"""How the record of a call is made from its position: as listed, and in full.

The same position gives the same record, always; only the columns of the table (times, status)
change what is made of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.sandbox.copilot.call_table import NEVER
from tests.sandbox.copilot.conversations import COMMITMENT, Conversations
from tests.sandbox.copilot.queries import Media
from tests.sandbox.copilot.vocabulary import (
    FINISHED,
    NOT_JOINED,
    REASONS_NOT_JOINED,
    STATUSES,
    TYPES,
)
from tests.sandbox.crm import (
    DELETED_ACCOUNTS,
    Meeting,
    contact_email,
    contact_name,
    crm_id,
    of_account,
)
from tests.sandbox.instants import MILLISECOND, SECOND, iso
from tests.sandbox.people import user_email
from tests.sandbox.randomness import Draws, Scramble
from tests.sandbox.wording import wording

if TYPE_CHECKING:
    from tests.sandbox.copilot.call_table import CallTable
    from tests.sandbox.copilot.conversations import Turn
    from tests.sandbox.copilot.directory import Directory, Record

SIGNATURE = "X-Signature=SIGNED-URL-SECRET"
"""Stands in every signed URL; found anywhere else, a secret has leaked."""

_DISPOSITIONS = ["UNKNOWN_CALL_DISPOSITION", "CALL_CONNECTED_WITH_PROSPECT"]
"""Of calls that were held: somebody of each side has joined."""


class People(NamedTuple):
    """Who is invited to a call, as indexes of the directory.

    The ids of persons count users, then contacts.
    """

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
        self._conversations = Conversations(seed, directory)
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
        """Return who is invited to a call, and what it is about.

        Some accounts, contacts and deals are deleted since.
        """
        draws = Draws(self._seed, position, b"people")
        users, crm = self._directory.users_count, self._directory.crm
        account = draws.below(crm.called)
        if position % 29 == 5:
            account = DELETED_ACCOUNTS + position % 7
        contacts, deals = of_account("contact", account), of_account("deal", account)
        # The latest that there was at the time.
        follows = crm.deal(deals[1]).created <= self._table.time[position]
        first_user, first_contact = draws.below(users), draws.below(len(contacts) - 1)
        guests = [(first_contact + i) % (len(contacts) - 1) for i in range(1 + draws.below(3))]
        if position % 23 == 4:
            guests[-1] = len(contacts) - 1
        return People(
            account,
            deals[-1 if position % 31 == 6 else follows],
            [(first_user + i) % users for i in range(1 + draws.below(3))],
            [contacts[guest] for guest in guests],
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
            ours, theirs = _present(position, people)
            joined: list[Record] = [
                {
                    "name": self._directory.user(user)["name"],
                    "email": user_email(user),
                    "personId": number,
                }
                for number, user in enumerate(people.users[:ours])
            ]
            call["joinedParticipants"] = [*joined, *participants[:theirs]]
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
        draws = Draws(self._seed, position, b"details")
        people = self.people(position)
        if call.get("crm_info", {}).get("deal_id"):
            stage = self._directory.crm.deal(people.deal).stage.last
            _put(call, draws, "deal_stage_live", stage)
        if self._table.status[position] not in FINISHED:
            if position % 2:
                call["transcript"] = []
            return call
        present = _present(position, people)
        turns = self._conversations.of(position).turns
        call["transcript"] = transcript = [
            {
                "text": turn.text,
                "start": turn.start,
                "end": turn.end,
                "personId": _person(turn, people, present),
                # Not deeper: who changes what it says, does so in a copy.
                **({} if turn.annotations is None else {"annotations": turn.annotations}),
            }
            for turn in turns
        ]
        if position % 17 == 3:
            transcript[0]["personId"] = str(transcript[0]["personId"])  # a known slip
        _put(call, draws, "summary", self._summary(position, people, draws))
        call["competitor_sentiments"] = [
            {
                "competitor_name": turn.rival[0],
                "sentiment": turn.rival[1],
                "reasoning": turn.text,
                "personId": str(_person(turn, people, present)),
                "turn_start_time": _clock(turn.start),
            }
            for turn in turns
            if turn.rival
        ]
        return call

    def meeting(self, position: int) -> Meeting | None:
        """Return a call as the calendar has it, and no more than it tells itself."""
        time = self._table.time[position]
        if time == NEVER:
            return None
        call, people = self.listed(position, Media()), self.people(position)
        filed = call.get("crm_info", {})
        deal = self._directory.crm.deal(people.deal) if filed.get("deal_id") else None
        return Meeting(
            call_id=call["id"],
            subject=call.get("title") or "",
            moment=time // MILLISECOND,
            users=people.users,
            contacts=people.contacts,
            account=people.account if filed else None,
            deal=deal,
            status=self._table.status[position],
        )

    def _users(self, position: int, people: People) -> list[Record]:
        users: list[Record] = [
            {
                "userId": self._directory.user(user)["id"],
                "userEmail": user_email(user),
                "isOrganizer": number == 0,
                "personId": number,
            }
            for number, user in enumerate(people.users)
        ]
        if position % 19 == 2:
            users[0]["personId"] = "0"  # a known slip on the wire
        return users

    def _participants(self, position: int, people: People) -> list[Record]:
        participants: list[Record] = []
        for number, contact in enumerate(people.contacts, start=len(people.users)):
            participant: Record = {"name": contact_name(contact)}
            email, phone = contact_email(contact), self._directory.contact_phone(contact)
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
                call["calendar_id"] = call["users"][0]["userEmail"]  # of who organizes it
            if draws.one_in(6):
                duration = self._conversations.of(position).duration
                call["bookmark_timestamps"] = [
                    _wire(draws, time + draws.below(duration) * SECOND)
                    for _ in range(draws.below(3))
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
        account = self._directory.crm_object("account", people.account)
        info: Record = {
            "source_crm": "SALESFORCE",
            "account_id": account["crm_id"],
            "contact_ids": [crm_id("contact", contact) for contact in people.contacts],
        }
        if draws.below(6):
            deal = self._directory.crm_object("deal", people.deal)
            stage = self._directory.crm.deal(people.deal).stage.at(self._table.time[position])
            info["deal_id"] = deal["crm_id"]
            _put(call, draws, "deal_name", deal["deal_name"])
            _put(call, draws, "deal_value", deal["amount"])
            _put(call, draws, "deal_close_date", deal["close_date"])
            _put(call, draws, "deal_stage_before_call", stage)
        elif draws.one_in(2):
            info["deal_id"] = None
        _put(call, draws, "account_name", account["name"])
        _put(call, draws, "contact_names", [contact_name(contact) for contact in people.contacts])
        call["crm_info"] = info

    def _put_metrics(self, call: Record, position: int, people: People) -> None:
        """Set what is counted of the conversation, and who of this call spoke of each topic."""
        draws = Draws(self._seed, position, b"metrics")
        conversation = self._conversations.of(position)
        metrics = {**conversation.metrics}
        _put(metrics, draws, "engaging_questions", metrics.pop("engaging_questions"))
        present = _present(position, people)
        metrics["categories"] = [
            {
                "name": wording().topics[topic],
                "occurences": len(turns),
                "phrases_matched": [
                    {
                        "text": turn.tracker,
                        **self._said_by(turn, people, present),
                        "time": turn.start,
                    }
                    for turn in turns
                ],
                "ai_detected": not self._directory.is_keyword_topic(topic),
            }
            for topic, turns in conversation.by_topic().items()
        ]
        call["metrics"] = metrics

    def _said_by(self, turn: Turn, people: People, present: tuple[int, int]) -> Record:
        person = _person(turn, people, present)
        if turn.ours:
            user = self._directory.user(people.users[person])
            return {"user_id": user["id"], "name": user["name"]}
        contact = people.contacts[person - len(people.users)]
        return {"name": contact_name(contact)}

    def _summary(self, position: int, people: People, draws: Draws) -> Record:
        conversation = self._conversations.of(position)
        turns, present = conversation.turns, _present(position, people)
        summary: Record = {
            "full_summary": "\n\n".join(turns[len(turns) * part // 3].text for part in range(3)),
            "topics_discussed": [
                {
                    "name": wording().topics[topic],
                    "start_timestamp": _clock(about[0].start),
                    "end_timestamp": _clock(about[-1].end),
                    "summary": about[0].text,
                }
                for topic, about in conversation.by_topic().items()
            ],
        }
        if draws.below(5):
            summary["key_action_items"] = [
                {
                    "action_item": turn.text,
                    "speaker_name": self._said_by(turn, people, present)["name"],
                    "start_timestamp": _clock(turn.start),
                    "end_timestamp": None if draws.one_in(9) else _clock(turn.end),
                }
                for turn in turns
                if turn.annotations and turn.annotations[0].get("label") == COMMITMENT
            ]
        return summary


def _present(position: int, people: People) -> tuple[int, int]:
    """Return how many users and contacts have joined; of several, the last is away at times."""
    users, contacts = len(people.users), len(people.contacts)
    return (
        users - (users > 1 and position % 4 == 1),
        contacts - (contacts > 1 and position % 5 == 2),
    )


def _person(turn: Turn, people: People, present: tuple[int, int]) -> int:
    """Return the id of the person who speaks, who is there."""
    users, contacts = present
    return turn.speaker % users if turn.ours else len(people.users) + turn.speaker % contacts


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
