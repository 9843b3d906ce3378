"""Topics that Copilot listens for."""

from __future__ import annotations

import typing as t

from tap_clari.copilot.client import CopilotStream
from tap_clari.kit.decoding import decode_json, raw_items

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from singer_sdk.helpers.types import Context, Record


class TopicsStream(CopilotStream):
    """Topics with their type, teams and trackers (`/v2/topics`).

    The API filters by a modified time that the records do not show, so there is no bookmark to
    read on from; one request reads them all.
    """

    name = "topics"
    path = "/v2/topics"
    list_names = ("topics",)
    primary_keys = ("topic_id",)
    is_reference_data = True


class KeywordTopicsStream(CopilotStream):
    """Names of the keyword topics (`/topics`), which the API gives as bare strings."""

    name = "keyword_topics"
    path = "/topics"
    list_names = ("topics",)
    primary_keys = ("name",)
    is_reference_data = True

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Read the names, each as a record."""
        for name in self.client.fetch(self.path, lambda answer: raw_items(answer, "topics")):
            yield {"name": decode_json(name)}
