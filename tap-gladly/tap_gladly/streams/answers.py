"""Public answers, by language and audience."""

from __future__ import annotations

import logging
import typing as t

from tap_gladly.client import records
from tap_gladly.kit.errors import UnexpectedResponseError
from tap_gladly.run import ORGANIZATION, GladlyStream
from tap_gladly.streams.reference import AudiencesStream

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from singer_sdk.helpers.types import Context, Record

MOST = 1000
"""Where the list of one language and audience stops (the vendor's document)."""


class AnswersStream(GladlyStream):
    """The public answers of each language (`/orgs/{orgId}/answers`).

    The list takes an audience and does not say which audiences an answer is for; so each audience
    is asked for besides the whole, which also brings some of what lies beyond the list's end.
    """

    name = "answers"
    path = "/orgs/{orgId}/answers"
    primary_keys = ("id", "language")
    tap_added_properties = ("audienceIds",)

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Read language by language."""
        organization_id = self.run.organization().get("id")
        if not isinstance(organization_id, str):
            missing = "the id of the organization"
            raise UnexpectedResponseError(ORGANIZATION, missing)
        listed = self.client.fetch(AudiencesStream.path, records)
        audiences = [each.get("id") for each in listed]
        for language in dict.fromkeys(self.config["answer_languages"]):
            yield from self._answers(organization_id, language, audiences)

    def _answers(
        self, organization_id: str, language: str, audiences: list[str | None]
    ) -> Iterator[Record]:
        def ask(audience: str | None) -> list[Record]:
            params = {"lng": language, **({"audienceId": audience} if audience else {})}
            ids = {"orgId": organization_id}
            return self.client.fetch(self.path, records, params, ids=ids)

        found: dict[t.Any, Record] = {}
        for audience, answers in self.client.map_concurrently(
            [None, *filter(None, audiences)], ask
        ):
            if len(answers) >= MOST:
                self.log(
                    "The list of answers in %s is full: Gladly gives the first %d and no more, "
                    "%s. Those beyond are missing",
                    language,
                    MOST,
                    f"here of the audience {audience}" if audience else "here of all audiences",
                    level=logging.WARNING,
                )
            for answer in answers:
                key = answer.get("id"), answer.get("language") or language
                kept = found.setdefault(key, {**answer, "language": key[1], "audienceIds": []})
                if audience:
                    kept["audienceIds"].append(audience)
        yield from found.values()
