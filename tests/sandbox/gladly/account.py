"""The lists of one organization, exactly as they are served: the truth, to read and to change."""

from __future__ import annotations

from datetime import datetime, timezone
from random import Random
from typing import Any

from tests.sandbox.gladly.timestamps import DAY, DIGITS, now, of, slug, stamp

Record = dict[str, Any]

LANGUAGES = ("en-us", "es-419")
MOST_ANSWERS = 1000
TEXT_TYPES = ("public", "email", "messaging", "reference")

_BEGAN = of(datetime(2026, 1, 1, tzinfo=timezone.utc))
"""What was changed at some time was changed before this, whenever the sandbox is started."""
_FIRST = ("Amy", "Björn", "Chloë", "Dmitri", "Eşref", "Fatima", "نور", "明", "O'Neil", "Zoë 🦊")
_LAST = ("Agent", "Åberg", "de la Cruz", 'van "Dutch" Dyk', "Nguyễn", "\\Back", "Smith-Jones")
_TEAMS = (("Night Shift", "Who is up late"), ("Returns", None), ("Nobody yet", ""))
_INBOXES = ("Email Inbox", "Voice, US", "Chat\u2028Inbox", "Old Inbox")
_TOPICS = ("Returns", "Broken", "Sizing", "Shipping", "Late\u0085Delivery", "Praise", "VIP")
_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday")


class Account:
    """The lists of one organization; every attribute may be changed while the server runs.

    A member that is not set is absent and never null. ``topics_wrapped`` serves topics as the
    vendor's example has them, below ``value``. ``audienceIds`` of answers are not served by their
    list. Managed answers are by id, and their texts by id, language and type.

    Args:
        seed: Seed of all records.
        frequency: How often export jobs are made: ``HOURLY`` or ``DAILY``.
        present: When the sandbox is started; None for now.
    """

    def __init__(
        self, seed: int, frequency: str = "DAILY", present: datetime | None = None
    ) -> None:
        self._random = Random(f"account {seed}")
        self._stamps = 0
        self.topics_wrapped = False
        self.organization: Record = {
            "id": self.new_id(),
            "loginDomain": "acme.example",
            "name": "Acme & Söhne",
            "timezone": "America/Los_Angeles",
            "gladlyUrl": "https://acme.gladly.com",
        }
        self.agents: list[Record] = [self._agent(number) for number in range(12)]
        del self.agents[5]["name"]
        self.teams: list[Record] = [
            {
                "id": self.new_id(),
                "name": name,
                **({} if description is None else {"description": description}),
                "agentIds": [agent["id"] for agent in self.agents[number::3]][: 4 - 2 * number],
            }
            for number, (name, description) in enumerate(_TEAMS)
        ]
        self.inboxes: list[Record] = [
            {"id": self.new_id(), "name": name, "disabled": name.startswith("Old")}
            for name in _INBOXES
        ]
        # The reports' examples have ids of this shape too.
        self.inboxes[1]["id"] = self._random.randbytes(16).hex()
        self.topics: list[Record] = []
        for number, name in enumerate(_TOPICS):
            topic: Record = {"id": self.new_id(), "name": name, "disabled": number % 3 == 2}
            if number % 2:
                topic["parentId"] = self.topics[number // 2]["id"]
            self.topics.append(topic)
        self.audiences: list[Record] = [
            {"id": self.new_id(), "name": name} for name in ("Retail - USA", "España", "Wholesale")
        ]
        self.business_hours: list[Record] = self._hours()
        self.webhooks: list[Record] = self._webhooks()
        self.schedules: list[Record] = [
            {
                "id": self.new_id(),
                "frequency": frequency,
                "type": "CONVERSATIONS",
                "nextStartAt": stamp(now(present) // DAY * DAY, 2),
                "updatedAt": self._past(40),
            }
        ]
        self.answers: list[Record] = []
        self.managed_answers: dict[str, Record] = {}
        self.answer_texts: dict[tuple[str, str, str], Record] = {}
        self.add_answers(5, "en-us")
        self.add_answers(3, "es-419")

    def new_id(self) -> str:
        """Make an id that no record has."""
        return slug(self._random)

    def add_answers(self, number: int, language: str) -> list[Record]:
        """Add public answers in a language such as ``en-us``, every other one for an audience.

        Each has a public text in its language, and some have texts of other types, and in Spanish.

        Returns:
            The new ones, as they lie in ``answers``.
        """
        first = len(self.answers)
        added: list[Record] = [
            {
                "id": self.new_id(),
                "name": f"{self._random.choice('ÁBcdEzñ¿')}nswer {language} {index:05}",
                "bodyHtml": f'<div>No. {index} <a href="/a?b=1&amp;c=2">\u2028“go”</a>\n</div>',
                "language": language,
                "updatedAt": self._past(1 + index % 90),
                "audienceIds": [self.audiences[index % 3]["id"]] if index % 2 else [],
            }
            for index in range(first, first + number)
        ]
        self.answers.extend(added)
        for index, answer in enumerate(added, start=first):
            self._manage(index, answer)
        return added

    def list_answers(self, language: str, audience: str | None) -> list[Record]:
        """Return answers as they are served: of one language, by name, a thousand at most."""
        found = [
            {name: value for name, value in answer.items() if name != "audienceIds"}
            for answer in list(self.answers)
            if answer["language"] == language
            and (audience is None or audience in answer.get("audienceIds", ()))
        ]
        return sorted(found, key=lambda answer: str(answer["name"]))[:MOST_ANSWERS]

    def _manage(self, index: int, answer: Record) -> None:
        """Keep what only those see who manage an answer, and its texts."""
        managed = {name: answer[name] for name in ("id", "name", "audienceIds", "updatedAt")}
        managed["createdAt"] = stamp(_BEGAN - (100 + index) * DAY, DIGITS[index % len(DIGITS)])
        if index % 3:
            managed["description"] = f"For agents “{index}”"
        self.managed_answers[answer["id"]] = managed
        more: dict[str, Record] = {
            "public": {"title": answer["name"], "bodyHtml": answer["bodyHtml"]},
            "email": {"subject": f"Re: {index}", "bodyHtml": f"<p>Mail {index}</p>"},
            "messaging": {"bodyHtml": f"Text {index} 🦊"},
            "reference": {"bodyHtml": "", "internal": index % 2 == 0},
        }
        kinds = [kind for place, kind in enumerate(TEXT_TYPES) if (index + 1) % (place + 1) == 0]
        wanted = [(answer["language"], kind) for kind in kinds]
        if index % 4 == 1:
            wanted.append(("es-419", "email"))
        for language, kind in wanted:
            ids = {"answerId": answer["id"], "language": language, "type": kind}
            self.answer_texts[answer["id"], language, kind] = {**ids, **more[kind]}

    def _past(self, days: int) -> str:
        """Write some moment of a day in the past, each with other digits of the second."""
        self._stamps += 1
        past = _BEGAN - days * DAY - self._random.randrange(DAY // 2)
        return stamp(past, DIGITS[self._stamps % len(DIGITS)])

    def _agent(self, number: int) -> Record:
        first, last = _FIRST[number % len(_FIRST)], _LAST[number % len(_LAST)]
        return {
            "id": self.new_id(),
            "name": f"{first} {last}",
            "emailAddress": f"agent.{number}@acme.example",
        }

    def _hours(self) -> list[Record]:
        holiday = {
            "name": "New Year's Day",
            "start": "2026-01-01T00:00:00Z",
            "stop": "2026-01-02T00:00:00.00Z",
            "scheduleBlocks": [{"start": "10:00", "stop": "12:30"}],
        }
        days = {
            day: [{"start": "9:00", "stop": "12:00"}, {"start": "13:00", "stop": "17:30"}]
            for day in _WEEK
        }
        bare = {key: value for key, value in holiday.items() if key != "scheduleBlocks"}
        office: list[Record] = [
            {
                "timezone": "America/Los_Angeles",
                **days,
                "saturday": [{"start": "10:00", "stop": "14:00"}],
                "sunday": [],
                "exceptions": [holiday, bare],
            },
            {"timezone": "Europe/Madrid"},
        ]
        return [
            {
                "id": f"bh_{self.new_id()}",
                "version": number + 1,
                "createdAt": self._past(300),
                "updatedAt": self._past(20),
                "name": f"Hours {number}",
                "primary": number == 0,
                "officeHours": hours,
            }
            for number, hours in enumerate(office)
        ]

    def _webhooks(self) -> list[Record]:
        whole: Record = {
            "id": self.new_id(),
            "name": "Survey hook",
            "events": ["CONVERSATION/CLOSED", "CUSTOMER_PROFILE/MERGED (deprecated)"],
            "url": "https://hooks.acme.example/gladly",
            "createdAt": self._past(200),
            "updatedAt": self._past(3),
            "hasCredentials": True,
            "headerKeys": ["X-Hook-Key"],
            "enabled": False,
            "disabledAtDueToRetryLimit": self._past(3),
        }
        bare: Record = {
            "id": self.new_id(),
            "name": "Bare",
            "events": ["EXPORT_JOB/COMPLETED"],
            "url": "https://hooks.acme.example/other",
            "createdAt": self._past(100),
            "updatedAt": self._past(100),
            "hasCredentials": False,
            "headerKeys": [],
            "enabled": True,
        }
        return [whole, bare]
