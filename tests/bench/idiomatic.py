"""`python -m tests.bench.idiomatic --config FILE`: taps as the SDK's template has them.

The schemas are those of tap-clari and tap-gladly; nothing else is.
"""

from __future__ import annotations

import json
import typing as t

import tap_clari.schemas
import tap_gladly.schemas
from singer_sdk import RESTStream, SchemaDirectory, StreamSchema, Tap
from singer_sdk import typing as th
from singer_sdk.pagination import BaseOffsetPaginator

from tests.bench.records import KINDS

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    import requests
    from singer_sdk.helpers.types import Context

PAGE_SIZE = 100


class _Paginator(BaseOffsetPaginator):
    def has_more(self, response: requests.Response) -> bool:
        return bool(response.json()["pagination"]["hasMore"])


class CallsStream(RESTStream[int]):
    """A list by pages."""

    name = "calls"
    path = KINDS["calls"].path
    primary_keys = ("id",)
    records_jsonpath = "$.calls[*]"
    schema = StreamSchema(SchemaDirectory(tap_clari.schemas))

    @property
    def url_base(self) -> str:
        """The server."""
        return str(self.config["url"])

    def get_new_paginator(self) -> _Paginator:
        """Go on by `skip`."""
        return _Paginator(0, PAGE_SIZE)

    def get_url_params(
        self,
        context: Context | None,  # noqa: ARG002
        next_page_token: int | None,
    ) -> dict[str, t.Any]:
        """The page."""
        return {"skip": next_page_token or 0, "limit": PAGE_SIZE}


class ActivitiesStream(RESTStream[t.Any]):
    """One document."""

    name = "activities"
    path = KINDS["activities"].path
    primary_keys = ("activityId",)
    records_jsonpath = "$.activities[*]"
    schema = StreamSchema(SchemaDirectory(tap_clari.schemas))
    url_base = CallsStream.url_base


class ItemsStream(RESTStream[t.Any]):
    """One file of JSON lines."""

    name = "items"
    path = KINDS["items"].path
    primary_keys = ("id",)
    schema = StreamSchema(SchemaDirectory(tap_gladly.schemas), key="export_conversation_items")
    url_base = CallsStream.url_base

    def parse_response(self, response: requests.Response) -> Iterable[dict[str, t.Any]]:
        """A record a line."""
        for line in response.iter_lines():
            yield json.loads(line)


class IdiomaticTap(Tap):
    """One stream at a time."""

    name = "tap-idiomatic"
    config_jsonschema = th.PropertiesList(
        th.Property("url", th.StringType, required=True),
        th.Property("stream", th.StringType, required=True),
    ).to_dict()

    def discover_streams(self) -> list[RESTStream[t.Any]]:
        """The one that is asked for."""
        streams = (CallsStream, ActivitiesStream, ItemsStream)
        return [stream(self) for stream in streams if stream.name == self.config["stream"]]


if __name__ == "__main__":
    IdiomaticTap.cli()
