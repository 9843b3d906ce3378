"""What the users of a made-up organization did, and what the system did by itself."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from tests.sandbox.instants import DAY_MS, iso, micros
from tests.sandbox.people import PEOPLE

if TYPE_CHECKING:
    from tests.sandbox.revenue.requests import AuditQuery

    Record = dict[str, Any]

Bounds = Literal["inclusive", "strict"]

_WINDOW_MS = 30 * DAY_MS
_USERS = PEOPLE[:6]
_PARAMETERS: list[Record] = [
    {},
    {"exportId": "6073683781a6da229df71e00", "rows": 1250},
    {"field": {"name": "Amount", "old": 10.5, "new": None}, "tags": ["a", "b"]},
    {"path": 'C:\\reports\\"Q4"', "ok": True},
]
_EVENTS = ("api.accessed", "user.login", "forecast.updated", "settings.changed", "export.created")


def audit_event(rng: Random, moment: int) -> Record:
    """Make an event at a moment in milliseconds since 1970.

    One in five is of the system or of a scheduled job.
    """
    actor_type = rng.choice(["USER", "USER", "USER", "USER", "USER", "SYSTEM", "JOB"])
    by_user = actor_type == "USER"
    return {
        "correlationID": f"{rng.getrandbits(64):016x}",
        "actorId": rng.choice(_USERS).user_id if by_user else "0",
        "impersonatingActorId": PEOPLE[0].user_id if by_user and rng.random() < 0.2 else None,
        "actorType": actor_type,
        "sessionId": str(UUID(int=rng.getrandbits(128), version=4)),
        "ipAddress": f"198.51.100.{rng.randrange(1, 255)}",
        "sessionType": rng.choice(["WEB", "WEB", "IOS", "ANDROID"]),
        "event": rng.choice(_EVENTS),
        "eventParameters": rng.choice(_PARAMETERS).copy(),
        "eventTimestamp": iso(moment * 1000, milliseconds=True),
    }


def some_audit_events(seed: int, count: int, now: int) -> list[Record]:
    """Make events of the last 60 days, oldest first; the present is in milliseconds since 1970.

    Every eighth happens in the millisecond of another.
    """
    rng = Random(f"{seed} audit")
    moments: list[int] = []
    for index in range(count):
        again = index % 8 == 7
        moment = now - 1000 - rng.randrange(60 * DAY_MS - 2000)
        moments.append(moments[-1] if again else moment)
    return [audit_event(rng, moment) for moment in sorted(moments)]


def moment_of(event: Record) -> int:
    """Return when an event happened, in milliseconds since 1970."""
    return micros(event["eventTimestamp"]) // 1000


def find(events: list[Record], wanted: AuditQuery, now: int, bounds: Bounds) -> list[Record]:
    """Return the events of a time, newest first; without bounds, of the last 30 days.

    The events come oldest first; the present is in milliseconds since 1970.
    """
    first, last = now - _WINDOW_MS, now
    strict = bounds == "strict"
    if wanted.date_from is not None:
        first = wanted.date_from // 1000 + strict
    if wanted.date_to is not None:
        last = wanted.date_to // 1000 - strict
    return [event for event in reversed(events) if first <= moment_of(event) <= last]


def actors_of(events: list[Record]) -> list[Record]:
    """Return the users who act in some events; the system and the jobs are no users."""
    acting = {event["actorId"] for event in events}
    acting |= {event["impersonatingActorId"] for event in events}
    return [
        {
            "actorType": "USER",
            "actorId": person.user_id,
            "name": person.name,
            "email": person.email,
        }
        for person in PEOPLE
        if person.user_id in acting
    ]
