"""Opportunities with fields of every JSON type, and one ingest job of every outcome."""

from __future__ import annotations

from typing import Any

from tests.sandbox.crm import (
    ACCOUNTS,
    opportunity_amount,
    opportunity_id,
    opportunity_name,
    opportunity_owner,
)
from tests.sandbox.instants import DAY_MS
from tests.sandbox.randomness import Draws
from tests.sandbox.revenue.activities import OPPORTUNITIES
from tests.sandbox.revenue.errors import ORG_ID, USER_ID

Record = dict[str, Any]

_OTHERS = 10
"""How many opportunities no activity is about."""

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


def some_opportunities(seed: int, now: int) -> dict[str, Record]:
    """Make the opportunities that activities can be about, and some more, by their ids."""
    made = [_opportunity(seed, index, now) for index in range(OPPORTUNITIES + _OTHERS)]
    return {one["id"]: one for one in made}


def _opportunity(seed: int, index: int, now: int) -> Record:
    draws = Draws(seed, index, b"opportunity")
    amount = opportunity_amount(seed, index)
    before = amount - 500 * draws.below(20)
    steps = [
        {"oldValue": before, "newValue": amount, "date": now - draws.below(90) * DAY_MS},
        {"oldValue": {"stage": "Discovery"}, "newValue": {"stage": "Proposal"}, "date": now},
    ]
    values: dict[str, Any] = {
        "opportunity.name": opportunity_name(index, index % ACCOUNTS),
        "opportunity.amount": amount,
        "opportunity.isClosed": draws.one_in(2),
        "opportunity.products": ["Core", "Insights \N{SPARKLES}"][: draws.below(3)],
        "opportunity.owner": {"id": opportunity_owner(index), "active": True},
        "opportunity.nextStep": None if draws.one_in(2) else 'Send "redlines"\nby Friday',
    }
    return {
        "id": opportunity_id(index),
        "crmScore": {"message": "On track" if index % 2 else "At risk", "score": draws.below(101)},
        "fields": [
            {
                "id": name,
                "alias": name.partition(".")[2].capitalize(),
                "value": value,
                "originalValue": before if name == "opportunity.amount" else value,
                "trend": ("UP", "DOWN", "SAME")[number % 3],
                "trendHistory": steps[:number],
                "imageUrl": f"/images/card{number}.png",
            }
            for number, (name, value) in enumerate(values.items())
        ],
    }


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
