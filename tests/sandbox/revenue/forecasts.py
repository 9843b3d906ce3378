"""The forecast of a made-up sales organization, week by week."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from tests.sandbox.crm import OF_STAGE
from tests.sandbox.instants import DAY
from tests.sandbox.randomness import Draws
from tests.sandbox.revenue.results import Result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sandbox.crm import Crm
    from tests.sandbox.people import Person

    Record = dict[str, Any]

WEEKS = 13
SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
FIELDS = {
    "commit": ("Commit", "FORECAST"),
    "best_case": ("Best Case", "FORECAST"),
    "quota": ("Quota", "QUOTA"),
    "closed": ("Closed", "CRM"),
}
FRAMES = [f"W{number:02}" for number in range(1, WEEKS + 1)]
"""The ids of the weeks of any quarter."""

_FIELDS_OF_TYPE = {
    "forecast": ("commit", "best_case"),
    "forecast_updated": ("commit", "best_case"),
    "adjustment": ("commit", "best_case"),
    "quota": ("quota",),
    "crm_total": ("commit", "best_case", "closed"),
    "crm_closed": ("closed",),
}
_FIELDS_OF_CATEGORY = {
    "Closed": ("closed", "commit", "best_case"),
    "Commit": ("commit", "best_case"),
    "Best Case": ("best_case",),
}
"""Which fields count a deal of a category in the CRM."""

_COLUMN_OF_TYPE = {
    "forecast": "forecastValue",
    "adjustment": "adjustmentValue",
    "quota": "quotaValue",
    "crm_total": "crmTotal",
    "crm_closed": "crmClosed",
}


@dataclass(frozen=True)
class Quarter:
    """A calendar quarter.

    Attributes:
        year: Year.
        number: From 1 to 4.
    """

    year: int
    number: int

    @classmethod
    def of(cls, day: date) -> Quarter:
        """Return the quarter of a day."""
        return cls(day.year, (day.month + 2) // 3)

    @property
    def name(self) -> str:
        """The id on the wire, such as ``2026_Q4``."""
        return f"{self.year}_Q{self.number}"

    @property
    def first_day(self) -> date:
        """The day on which it begins."""
        return date(self.year, 3 * self.number - 2, 1)

    @property
    def last_day(self) -> date:
        """The day on which it ends."""
        return self.next.first_day - timedelta(days=1)

    @property
    def next(self) -> Quarter:
        """The quarter after it."""
        return Quarter.of(self.first_day + timedelta(days=100))

    @property
    def previous(self) -> Quarter:
        """The quarter before it."""
        return Quarter.of(self.first_day - timedelta(days=1))

    def week(self, index: int) -> tuple[date, date]:
        """Return the first and last day of a week; the thirteenth lasts until the end."""
        first = self.first_day + timedelta(days=7 * index)
        return first, self.last_day if index == WEEKS - 1 else first + timedelta(days=6)

    def week_of(self, day: date) -> int:
        """Return the index of the week of a day, or of the last week after its end."""
        return min((day - self.first_day).days // 7, WEEKS - 1)

    def row(self, dates: tuple[date, date]) -> Record:
        """Return the quarter as a forecast result shows it; its year is text now and then."""
        first_day, last_day = dates
        return {
            "timePeriodId": self.name,
            "label": f"Q{self.number} {self.year}",
            "type": "QUARTER",
            "year": str(self.year) if self.number % 2 else self.year,
            "startDate": first_day.isoformat(),
            "endDate": last_day.isoformat(),
            "crmId": f"0264x000000{self.year}{self.number}AAA",
        }


@dataclass(frozen=True, kw_only=True)
class ForecastTable:
    """One forecast as it was when an export started.

    Attributes:
        crm: Whose deals the numbers of the CRM are of.
        weeks: Indexes of the weeks that are exported.
        past_weeks: How many weeks of the quarter are over.
        dates: The first and the last day of the quarter, as the result shows them.
        restated: How often past weeks were restated.
        tenant_columns: Further columns of entries and users.
        by_type: Whether every kind of value has an entry of its own.
    """

    seed: int
    crm: Crm
    forecast_id: str
    quarter: Quarter
    weeks: list[int]
    past_weeks: int
    dates: tuple[date, date]
    people: list[Person]
    types: list[str]
    currency: str
    restated: int
    tenant_columns: Record
    by_type: bool

    def result(self) -> Result:
        """Return the five lists of the result."""
        return Result(
            "entries",
            {
                "entries": self.entries,
                "users": self._users,
                "fields": self._fields,
                "timePeriods": lambda: iter([self.quarter.row(self.dates)]),
                "timeFrames": self._time_frames,
            },
        )

    def entries(self) -> Iterator[Record]:
        """Make the entries, in an order that means nothing."""
        wanted = [
            (week, person, field)
            for week in self.weeks
            for person in self.people
            for field in FIELDS
        ]
        Random(f"{self.seed} {self.quarter.name}").shuffle(wanted)
        of_crm = {week: self._of_crm(week) for week in self.weeks}
        for week, person, field in wanted:
            columns = [
                self._columns(kind, week, person, field, of_crm[week])
                for kind in self.types
                if field in _FIELDS_OF_TYPE[kind]
            ]
            if not self.by_type:
                columns = [{name: value for some in columns for name, value in some.items()}]
            for some in filter(None, columns):
                yield {
                    "timePeriodId": self.quarter.name,
                    "timeFrameId": FRAMES[week],
                    "userId": person.user_id,
                    "fieldId": field,
                    **some,
                    **deepcopy(self.tenant_columns),
                }

    def _columns(
        self, kind: str, week: int, person: Person, field: str, of_crm: dict[tuple[str, int], float]
    ) -> Record:
        draws = Draws(self.seed, week * 100 + person.index, self.quarter.name.encode())
        if kind == "forecast_updated":
            if draws.one_in(4):
                return {"isUpdated": False, "updatedBy": None, "updatedOn": None}
            first, _ = self.quarter.week(week)
            days = (first - date(1970, 1, 1)).days
            moment = days * 86_400_000 + draws.below(3_600_000)
            text = draws.one_in(3)
            return {
                "isUpdated": True,
                "updatedBy": person.user_id,
                "updatedOn": str(moment) if text else moment,
            }
        if kind == "adjustment" and not draws.one_in(2):
            return {} if self.by_type else {_COLUMN_OF_TYPE[kind]: None}
        value = sum(
            of_crm.get((field, member), 0.0)
            if kind in ("crm_total", "crm_closed")
            else self._value(kind, week, member, field)
            for member in person.reports
        )
        symbol = SYMBOLS[self.currency]
        return {_COLUMN_OF_TYPE[kind]: value, "currency": {"code": self.currency, "symbol": symbol}}

    def _of_crm(self, week: int) -> dict[tuple[str, int], float]:
        """Return what the CRM had in a field for a representative, when a week was over.

        These are the amounts of the deals that were to close in the quarter, for who owns them by
        now. Renewals are those that follow others.
        """
        first, after = _moment(self.quarter.first_day), _moment(self.quarter.next.first_day)
        end = _moment(self.quarter.week(week)[1] + timedelta(days=1)) - 1
        sums: dict[tuple[str, int], float] = {}
        for deal in self.crm.deals():
            stage, day = deal.stage.at(end), deal.close_date.at(end)
            if stage is None or day is None or not first <= day < after:
                continue
            if deal.renews or self.forecast_id != "renewals":
                for field in _FIELDS_OF_CATEGORY.get(OF_STAGE[stage][0], ()):
                    key = field, deal.owner.last.index
                    sums[key] = sums.get(key, 0.0) + (deal.amount.at(end) or 0.0)
        return sums

    def _value(self, kind: str, week: int, member: int, field: str) -> float:
        """Return a representative's number; quarters of a unit, so that sums are exact."""
        number = self.quarter.year * 4 + self.quarter.number
        draws = Draws(self.seed, number * 100 + member, self.forecast_id.encode()[:16])
        quota = 150_000 + 250 * draws.below(800)
        if kind == "quota":
            return float(quota)
        begin, end = 30 + draws.below(20), 85 + draws.below(25)
        share = (begin + (end - begin) * week / (WEEKS - 1)) / 100
        share *= {"commit": 1.0, "best_case": 1.25}[field]
        share *= {"forecast": 1.0, "adjustment": 0.95}[kind]
        restated = self.restated if kind == "forecast" and week < self.past_weeks else 0
        return round(quota * share * 4) / 4 + 1250.5 * restated

    def _users(self) -> Iterator[Record]:
        for person in self.people:
            yield {**person.row(), **deepcopy(self.tenant_columns)}

    def _fields(self) -> Iterator[Record]:
        for field, (name, kind) in FIELDS.items():
            yield {"fieldId": field, "fieldName": name, "fieldType": kind}

    def _time_frames(self) -> Iterator[Record]:
        weeks = list(self.weeks)
        Random(f"{self.seed} frames").shuffle(weeks)
        for week in weeks:
            first, last = self.quarter.week(week)
            yield {
                "timeFrameId": FRAMES[week],
                "startDate": first.isoformat(),
                "endDate": last.isoformat(),
            }


def _moment(day: date) -> int:
    """Return when a day begins, in microseconds since 1970."""
    return (day - date(1970, 1, 1)).days * DAY
