"""Public answers: the list by language and audience, and all texts of each."""

from __future__ import annotations

import logging
import typing as t
from collections import Counter, deque
from functools import partial
from itertools import chain, product

from tap_gladly.client import records
from tap_gladly.kit.decoding import check_record, decode_object, decode_record, text_id
from tap_gladly.kit.deferred import DeferredIds
from tap_gladly.kit.errors import (
    NotFoundError,
    PersistentServerError,
    RecordUnreadableError,
    UnexpectedResponseError,
)
from tap_gladly.kit.estimate import Estimate
from tap_gladly.kit.progress import ProgressLog
from tap_gladly.run import ORGANIZATION
from tap_gladly.streams.reference import ReferenceStream

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from singer_sdk.helpers.types import Context, Record

    from tap_gladly.kit.decoding import Answer

LIST = "/orgs/{orgId}/answers"

ANSWER = "/answers/{answerId}"

TEXT_TYPES = ("public", "email", "messaging", "reference")
"""What the text of an answer is for (the vendor's document)."""

MOST = 1000
"""Where the list of one language and audience stops (the vendor's document)."""


class AnswerTexts(t.NamedTuple):
    """What an answer says.

    Args:
        texts: Its texts.
        refused: The language of each text that Gladly refuses.
    """

    texts: list[Record]
    refused: list[str]


class AnswerListStream(ReferenceStream):
    """A stream that needs the list of public answers.

    The list takes an audience and does not say which audiences an answer is for; so each audience
    is asked for besides the whole, which also brings some of what lies beyond the list's end.
    """

    is_whole_list = False

    @property
    def languages(self) -> list[str]:
        """The setting `answer_languages`."""
        return list(dict.fromkeys(self.config["answer_languages"]))

    def needed(self) -> Estimate:
        """A list for each language; how many audiences there are is not known yet."""
        needed = ("organization", "audiences")
        requests = len(self.languages) + sum(not self.run.reads(each) for each in needed)
        return Estimate(requests, detail="and 1 for each audience in each language")

    def listed_answers(self) -> Iterator[Record]:
        """The answers, language by language; the run remembers which there are."""
        organization_id = text_id(self.run.organization().get("id"))
        if organization_id is None:
            missing = "the id of the organization"
            raise UnexpectedResponseError(ORGANIZATION, missing)
        audiences = [text_id(each.get("id")) for each in self.run.audiences()]
        for language in self.languages:
            found = self._answers(organization_id, language, audiences)
            self.run.answer_ids[language] = [*filter(None, (text_id(id_) for id_, _ in found))]
            yield from found.values()

    def _answers(
        self, organization_id: str, language: str, audiences: list[str | None]
    ) -> dict[tuple[t.Any, t.Any], Record]:
        def ask(audience: str | None) -> list[Record]:
            params = {"lng": language, **({"audienceId": audience} if audience else {})}
            return self.client.fetch(LIST, records, params, ids={"orgId": organization_id})

        found: dict[tuple[t.Any, t.Any], Record] = {}
        for audience, answers in self.client.map_concurrently(
            [None, *filter(None, audiences)], ask
        ):
            if len(answers) >= MOST:
                whose = f"the audience {audience}" if audience else "all audiences"
                self.warn_once(
                    f"The list of answers in {language} is full: Gladly gives the first {MOST} and "
                    f"no more, here of {whose}. Those beyond are missing."
                )
            for answer in answers:
                key = answer.get("id"), answer.get("language") or language
                kept = found.setdefault(key, {**answer, "language": key[1], "audienceIds": []})
                if audience:
                    kept["audienceIds"].append(audience)
        return found


class AnswersStream(AnswerListStream):
    """The public answers of each language (`/orgs/{orgId}/answers`)."""

    name = "answers"
    path = LIST
    primary_keys = ("id", "language")
    tap_added_properties = ("audienceIds",)

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Read language by language."""
        return self.listed_answers()


class AnswerContentsStream(AnswerListStream):
    """All texts of the public answers, each with what only those see who manage the answer.

    A text is of a language and a type, and no endpoint says which of them an answer has.
    """

    name = "answer_contents"
    path = f"{ANSWER}/languages/{{language}}/type/{{type}}"
    primary_keys = ("answerId", "language", "type")
    tap_added_properties = ("name", "description", "audienceIds", "createdAt", "updatedAt")
    selected_by_default = False

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Read answer by answer."""
        listed = self.run.answer_ids
        if not listed.keys() >= {*self.languages}:
            deque(self.listed_answers(), maxlen=0)
        answers = list(dict.fromkeys(chain.from_iterable(listed.values())))
        refused: Counter[str] = Counter()
        faulty: DeferredIds[str] = DeferredIds()
        progress = ProgressLog(self.log, self.name, len(answers))
        for answer, found in self.client.map_concurrently(answers, self._texts_or_error):
            progress.count()
            if isinstance(found, PersistentServerError):
                message = "The answer %s cannot be read, and is left out. %s"
                self.log(message, answer, found, level=logging.ERROR)
                faulty.add(answer, str(found))
                continue
            faulty.after_success()
            yield from found.texts
            refused.update(found.refused)
        faulty.at_the_end()
        for language, count in refused.items():
            self.warn_once(
                f"Gladly refuses {count:,} texts of answers in {language} (HTTP 400): if it is no "
                "language of your account, take it out of the setting answer_languages."
            )

    def needed(self) -> Estimate:
        """The list, if `answers` does not read it; how many answers there are is not known yet."""
        each = 1 + len(self.languages) * len(TEXT_TYPES)
        requests = 0 if self.run.reads(AnswersStream.name) else super().needed().requests
        return Estimate(requests, detail=f"and {each} for each answer that is listed")

    def _texts_or_error(self, answer: str) -> AnswerTexts | PersistentServerError:
        try:
            return self._texts(answer)
        except NotFoundError:
            # It was there when the answers were listed.
            return AnswerTexts([], [])
        except PersistentServerError as error:
            return error

    def _texts(self, answer: str) -> AnswerTexts:
        """Ask for the answer, and for each text that it may have."""
        added = self.tap_added_properties
        decode = partial(decode_record, identifier=answer, known=added)
        managed = self.client.fetch_one(ANSWER, decode, ids={"answerId": answer})
        own = {name: managed.get(name) for name in added}
        unknown = {name: each for name, each in managed.items() if name not in {"id", *added}}
        found = AnswerTexts([], [])
        for language, kind in product(self.languages, TEXT_TYPES):
            ids = {"answerId": answer, "language": language, "type": kind}
            try:
                text = self.client.fetch_one(self.path, partial(_text, ids), ids=ids)
            except NotFoundError:
                continue
            except RecordUnreadableError:
                found.refused.append(language)
                continue
            found.texts.append(self.with_extra(self.with_added(text, **own, **ids), unknown))
        return found


def _text(ids: Mapping[str, str], answer: Answer) -> Record:
    """The text that was asked for.

    Raises:
        UnexpectedResponseError: If it is another, or none.
    """
    found = decode_object(answer)
    check_record(answer.path, found, (*ids, "bodyHtml", "title", "subject", "internal"))
    if any(str(found.get(name) or id_).lower() != id_.lower() for name, id_ in ids.items()):
        missing = "the text that was asked for"
        raise UnexpectedResponseError(answer.path, missing)
    return found
