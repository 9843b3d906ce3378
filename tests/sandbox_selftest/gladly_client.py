"""Asks the local Gladly, for the tests of it."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from tests.sandbox.gladly.event_types import ENTITIES
from tests.sandbox_selftest.client import ApiClient

if TYPE_CHECKING:
    from tests.sandbox.gladly import GladlySandbox

BASE = "/api/v1"
JOBS = "/export/jobs"
ITEMS = "conversation_items.jsonl"
NOW = datetime.now(timezone.utc)


class Client(ApiClient):
    """Asks one sandbox."""

    def __init__(self, gladly: GladlySandbox) -> None:
        super().__init__(gladly, gladly.headers, BASE)
        self.gladly = gladly

    def lines(self, path: str, **params: Any) -> list[dict[str, Any]]:
        """Return the lines of an answer."""
        answer = self.ask(path, params=params)
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.content.split(b"\n") if line]

    def events(self, start: datetime, *entities: str, **params: str) -> list[dict[str, Any]]:
        """Return events."""
        wanted = list(entities or ENTITIES)
        return self.lines("/events", startAt=start.isoformat(), entities=wanted, **params)
