"""The made-up sales organization: one chief, three teams, three representatives in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.sandbox.wording import wording

_NAMES = (
    "Nora Lindqvist",
    "Tomás Herrera",
    "Mei Watanabe",
    "Oluwaseun Adeyemi",
    "Ava O'Brien",
    "Jonas Weiß",
    "Priya Raman",
    "Luca Moretti",
    "Zoë Martin",
    "Samuel Okafor",
    "Ines Duarte",
    "Yusuf Demir",
    "Hanna Kowalska",
)
TEAMS = ("East", "West", "EMEA")
_REPRESENTATIVES = 3
_CHIEF_ID = 1905
_SHARED_CRM_IDS = {6: 5, 9: 8}


def user_email(index: int) -> str:
    """Return the address of a colleague; the first ones are in the forecast."""
    return f"user{index}@sales.example.com"


def user_name(index: int) -> str:
    """Return the full name of a colleague."""
    return _NAMES[index] if index < len(_NAMES) else " ".join(wording().person(index * 3 + 1))


def user_crm_id(index: int) -> str:
    """Return the id of a colleague in the CRM, which several can share."""
    return f"0054x00000Q{_SHARED_CRM_IDS.get(index, index):04}KAA"


def user_manager(index: int) -> int | None:
    """Return who is above a colleague; nobody is above the first one."""
    return PEOPLE[index].above if index < len(PEOPLE) else 1 + index % len(TEAMS)


@dataclass(frozen=True, kw_only=True)
class Person:
    """One user of the forecast.

    Attributes:
        index: Position in `PEOPLE`.
        above: Position of the manager; None for the chief.
        reports: Positions of the representatives whose numbers add up to this user's; the user's
            own for a representative.
        name: Full name.
        email: Address.
        user_id: Id in the forecast.
        crm_id: Id in the CRM, which several users can share.
        hierarchy: Name of the place in the hierarchy.
    """

    index: int
    above: int | None
    reports: tuple[int, ...]
    name: str
    email: str
    user_id: str
    crm_id: str
    hierarchy: str

    @property
    def scope(self) -> str:
        """The scope that is this user's place in the hierarchy."""
        return f"{self.user_id}::{'REP' if self.reports == (self.index,) else 'MGR'}"

    @property
    def hierarchy_id(self) -> str:
        """Id of the place in the hierarchy."""
        return f"H{self.index:03}"

    def row(self) -> dict[str, Any]:
        """Return the user as a forecast result shows it."""
        above = None if self.above is None else PEOPLE[self.above]
        split = self.index % 3 == 2
        return {
            "userId": self.user_id,
            "crmId": self.crm_id,
            "email": self.email,
            "name": self.name,
            "hierarchyId": self.hierarchy_id,
            "hierarchyName": self.hierarchy,
            "parentHierarchyId": None if above is None else above.hierarchy_id,
            "parentHierarchyName": None if above is None else above.hierarchy,
            "scopeId": dict(zip(("id", "type"), self.scope.split("::"), strict=True))
            if split
            else self.scope,
        }


def _people() -> list[Person]:
    managers = range(1, len(TEAMS) + 1)
    teams: list[tuple[int, ...]] = [
        tuple(range(first, first + _REPRESENTATIVES))
        for first in range(len(TEAMS) + 1, len(_NAMES), _REPRESENTATIVES)
    ]
    everybody = tuple(index for team in teams for index in team)
    places: list[tuple[int | None, tuple[int, ...], str]] = [(None, everybody, "Worldwide")]
    places += [(0, teams[index - 1], TEAMS[index - 1]) for index in managers]
    places += [
        (index, (member,), f"{TEAMS[index - 1]} Rep {number}")
        for index in managers
        for number, member in enumerate(teams[index - 1], 1)
    ]
    return [
        Person(
            index=index,
            above=above,
            reports=reports,
            name=_NAMES[index],
            email=user_email(index),
            user_id=str(_CHIEF_ID + index),
            crm_id=user_crm_id(index),
            hierarchy=hierarchy,
        )
        for index, (above, reports, hierarchy) in enumerate(places)
    ]


PEOPLE = _people()
REPRESENTATIVES = PEOPLE[len(TEAMS) + 1 :]


def within(scope: str | None) -> list[Person] | None:
    """Return the people of a scope, the root first; None when there is no such scope."""
    if scope is None:
        return PEOPLE
    root = next((person for person in PEOPLE if person.scope == scope), None)
    if root is None:
        return None
    return [person for person in PEOPLE if set(person.reports) <= set(root.reports)]
