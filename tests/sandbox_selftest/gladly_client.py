"""Asks the local Gladly, for the tests of it."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import requests

from tests.sandbox.gladly.event_types import ENTITIES

if TYPE_CHECKING:
    from tests.sandbox.gladly import GladlySandbox

BASE = "/api/v1"
JOBS = "/export/jobs"
ITEMS = "conversation_items.jsonl"
NOW = datetime.now(timezone.utc)


class Client:
    """Asks one sandbox, over one connection."""

    def __init__(self, gladly: GladlySandbox) -> None:
        self.gladly = gladly
        self.session = requests.Session()
        self.session.headers.update(gladly.headers)

    def ask(self, path: str, method: str = "GET", **options: Any) -> requests.Response:
        """Send a request."""
        return self.session.request(method, self.gladly.url + BASE + path, timeout=20, **options)

    def get(self, path: str, expected: int = 200, **params: Any) -> Any:  # noqa: ANN401
        """Return the body of an answer with the expected status."""
        answer = self.ask(path, params=params)
        assert answer.status_code == expected, answer.text
        return answer.json()

    def lines(self, path: str, **params: Any) -> list[dict[str, Any]]:
        """Return the lines of an answer."""
        answer = self.ask(path, params=params)
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.content.split(b"\n") if line]

    def events(self, start: datetime, *entities: str, **params: str) -> list[dict[str, Any]]:
        """Return events."""
        wanted = list(entities or ENTITIES)
        return self.lines("/events", startAt=start.isoformat(), entities=wanted, **params)
