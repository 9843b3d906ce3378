"""Opportunities with fields of every JSON type, and one ingest job of every outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.sandbox.crm import LOST, OF_STAGE, WON, History
from tests.sandbox.instants import iso
from tests.sandbox.randomness import Draws
from tests.sandbox.revenue.errors import ORG_ID, USER_ID

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sandbox.crm import Crm, Deal

Record = dict[str, Any]

_NEXT_STEPS = dict(
    zip(
        OF_STAGE,
        (
            None,
            "Book a demo",
            "Show it",
            'Send "redlines"\nby Friday',
            "Sign \N{SPARKLES}",
            "",
            None,
        ),
        strict=True,
    )
)
"""What is to be done in each stage."""

INGEST_STATUSES = {
    "SUCCESS": 200,
    "IN_PROGRESS": 202,
    "QUEUED": 202,
    "VALIDATION_ERROR": 400,
    "VALIDATION_FAILED": 400,
    "FAILED": 500,
}
"""The HTTP status that tells how an ingest job is doing."""

_INGEST_MESSAGES: dict[str, str | list[dict[str, str]]] = {
    "SUCCESS": "Ingestion successfully completed.",
    "IN_PROGRESS": "Bulk ingestion job is in progress",
    "VALIDATION_ERROR": [
        {"errorCode": "INVALID_INPUT_FORMAT", "errorSummary": "/email is no string"},
        {"errorCode": "INVALID_INPUT_FORMAT", "errorSummary": 'Field "id" is missing'},
    ],
    "FAILED": "Bulk ingestion job failed. Please retry ingestion.",
}


def some_opportunities(seed: int, crm: Crm) -> dict[str, Record]:
    """Make the opportunities, which are the deals of the CRM, by their ids."""
    return {deal.id: _opportunity(seed, deal) for deal in crm.deals()}


def _opportunity(seed: int, deal: Deal) -> Record:
    draws = Draws(seed, deal.index, b"opportunity")
    score = draws.below(101)
    products = ["Core", "Insights \N{SPARKLES}"][: draws.below(3)]
    histories: dict[str, History[Any]] = {
        "name": _constant(deal.name),
        "amount": deal.amount,
        "stage": deal.stage,
        "closeDate": _mapped(deal.close_date, lambda day: iso(day, milliseconds=False)[:10]),
        "isClosed": _mapped(deal.stage, lambda stage: stage in (WON, LOST)),
        "forecastCategory": _mapped(deal.stage, lambda stage: OF_STAGE[stage][0]),
        "type": _constant("Renewal" if deal.renews else "New Business"),
        "products": _constant(products),
        "owner": _mapped(deal.owner, lambda person: {"id": person.crm_id, "active": True}),
        "nextStep": _mapped(deal.stage, _NEXT_STEPS.__getitem__),
    }
    return {
        "id": deal.id,
        "crmScore": {"message": "On track" if score > 50 else "At risk", "score": score},
        "fields": [
            {
                "id": f"opportunity.{name}",
                "alias": name.capitalize(),
                "value": history.last,
                "originalValue": history.steps[0][1],
                "trend": _trend(history),
                "trendHistory": [
                    {"oldValue": before, "newValue": after, "date": moment // 1000}
                    for moment, before, after in history.changes()
                ],
                "imageUrl": f"/images/card{number}.png",
            }
            for number, (name, history) in enumerate(histories.items())
        ],
    }


def _constant(value: object) -> History[Any]:
    return History([(0, value)])


def _mapped(history: History[Any], of: Callable[[Any], Any]) -> History[Any]:
    """Return what follows from a history; what leaves it as it was, is no change."""
    steps: list[tuple[int, Any]] = []
    for moment, value in history.steps:
        if not steps or steps[-1][1] != of(value):
            steps.append((moment, of(value)))
    return History(steps)


def _trend(history: History[Any]) -> str:
    first, last = history.steps[0][1], history.last
    if first == last or not isinstance(last, float):
        return "SAME"
    return "UP" if last > first else "DOWN"


def some_ingest_jobs(now: int) -> dict[str, Record]:
    """Make one ingest job of every outcome, by their ids."""
    jobs = {}
    for number, (status, message) in enumerate(_INGEST_MESSAGES.items()):
        job_id = f"64eef062b1a00d40e5f0ba{number:02}"
        jobs[job_id] = {
            "jobId": job_id,
            "orgId": ORG_ID,
            "userId": USER_ID,
            "module": "DATA_INGESTION",
            "submittedTime": now - 60_000,
            "startTime": now - 50_000,
            "endTime": None if status == "IN_PROGRESS" else now - 40_000,
            "title": "Data Ingestion",
            "fileName": "accounts.json",
            "status": status,
            "message": message,
        }
    return jobs
