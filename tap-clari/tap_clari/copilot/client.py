"""The client of Clari Copilot: its address, its credentials and its errors."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from singer_sdk import SchemaDirectory, StreamSchema

from tap_clari import schemas
from tap_clari.client import ClariClient
from tap_clari.kit.decoding import decode_json, raw_records
from tap_clari.kit.errors import ApiErrors
from tap_clari.kit.stream import ApiStream, RunContext
from tap_clari.kit.times import parse_time_or_epoch

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context, Record

    from tap_clari.kit.decoding import Answer
    from tap_clari.kit.tap import ApiTap
    from tap_clari.linked_deals import LinkedDeals

CREDENTIALS = ("copilot_api_key", "copilot_api_password")
WHERE = "in Copilot under Workspace settings > Integrations > Clari Copilot API"


class CopilotClient(ClariClient):
    """Makes the requests to Copilot."""

    def __init__(self, tap: ApiTap) -> None:
        url = tap.config["copilot_api_url"].rstrip("/")
        super().__init__(
            url=url,
            headers={
                "X-Api-Key": tap.config.get("copilot_api_key", ""),
                "X-Api-Password": tap.config.get("copilot_api_password", ""),
            },
            errors=CopilotErrors(
                api="Clari Copilot",
                vendor="Clari",
                tap=tap.name,
                api_url=url,
                url_settings="copilot_api_url",
                checks="the settings start_date and call_detail_statuses",
                timeout_seconds=float(tap.config["request_timeout_seconds"]),
                unauthorized=(
                    "check copilot_api_key (the header X-Api-Key) and copilot_api_password (the "
                    f"header X-Api-Password); both are found {WHERE}."
                ),
                forbidden=(
                    "ask its administrator for a key that may read it, or deselect the stream."
                ),
                quota=(
                    "either something else uses up the 10 requests a second of this key, or the "
                    "100,000 requests of the week are spent; the week turns on Sunday 00:00 GMT "
                    "(next: {next_week}). Run again then: the sync resumes where it stopped."
                ),
            ),
            session=tap.new_session(),
            config=tap.config,
            user_agent=tap.user_agent,
            logger=tap.logger,
        )


class CopilotErrors(ApiErrors):
    """The sentences for Copilot. The one for a spent quota names the start of the next week."""

    def quota_now(self) -> str:
        """What 429 means: the rate, or the week's quota."""
        today = datetime.now(timezone.utc)
        sunday = today + timedelta(days=7 - (today.weekday() + 1) % 7)
        return self.quota.format(next_week=f"{sunday:%Y-%m-%d}")


@dataclass(kw_only=True)
class CopilotRun(RunContext):
    """What the streams of the Copilot API share in a run.

    Args:
        deals: Takes the deals of calls to the other API.
        counts: What was counted, by the query: several streams count the same.
    """

    deals: LinkedDeals
    counts: dict[str, int | None] = field(default_factory=dict)


class CopilotStream(ApiStream):
    """A stream of the Copilot API. Unless a subclass differs, one request gives the whole list.

    Args:
        tap: The tap.
        run: What the streams of this API share.
    """

    def __init__(self, tap: Tap, run: CopilotRun) -> None:
        super().__init__(tap, run)
        self.run = run

    schema = StreamSchema(SchemaDirectory(schemas))

    list_names: tuple[str, ...]
    """The names of the member of the answer that holds the records."""

    def read_time(self, value: object) -> datetime:
        """Read ISO 8601, or milliseconds since 1970."""
        return parse_time_or_epoch(value)

    def missing_settings(self) -> str | None:
        """Name the credentials that lack. Both are needed."""
        missing = [setting for setting in CREDENTIALS if not self.config.get(setting)]
        if not missing:
            return None
        return (
            f"The stream {self.name!r} needs {' and '.join(missing)}: both settings are found "
            f"{WHERE}."
        )

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Read the one list."""
        yield from self.client.fetch(self.path, self._decode)

    def _decode(self, answer: Answer) -> list[Record]:
        return [decode_json(each) for each in raw_records(answer, *self.list_names)]
