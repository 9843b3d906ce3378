"""How a request to Gladly is made: signature, pace, retries, errors.

Streams say what to read. Everything a request can run into is dealt with here.
"""

from __future__ import annotations

import logging
import threading
import typing as t
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cached_property, partial
from http import HTTPStatus
from importlib.metadata import version
from itertools import islice
from urllib.parse import quote

import backoff
import msgspec
import requests
from singer_sdk import RESTStream, SchemaDirectory, StreamSchema
from singer_sdk.exceptions import ConfigurationError, FatalAPIError, RetriableAPIError
from singer_sdk.helpers.conform import TypeConformanceLevel

from tap_gladly import schemas
from tap_gladly.address import api_url
from tap_gladly.auth import TokenAuth
from tap_gladly.conform import RecordConformer
from tap_gladly.errors import (
    FailedError,
    FaultyIdError,
    GladlyErrors,
    MovedError,
    NotFoundError,
    RefusedError,
    UnreadableAnswerError,
    cause_of,
    retry_after,
)
from tap_gladly.files import ENCODINGS
from tap_gladly.wire import (
    Answer,
    UnexpectedShapeError,
    UnusableAnswerError,
    clean_json,
    error_detail,
    listed,
    moved_to,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping

    from backoff.types import Details
    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context, Record

    from tap_gladly.run import SharedRun
    from tap_gladly.session import ThrottledSession

    Params = Mapping[str, str] | Mapping[str, str | list[str]]

T = t.TypeVar("T")
R = t.TypeVar("R")

LONGEST_WAIT = 300.0
"""Seconds. A longer `Retry-After` means a spent quota: better a sentence than a silent night."""

LONGEST_REPORT_BACKOFF = 30.0
"""Seconds."""

DOTS = frozenset({".", ".."})

PASSING = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)
"""What may pass, besides 5xx."""

OF_ONE_ID = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.CONFLICT,
    HTTPStatus.GONE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
)
"""What Gladly may answer for a single id, while it gives the others."""

SOUND_RECORDS = "records that can be read"

TRANSIENT = (
    RetriableAPIError,
    requests.exceptions.Timeout,
    requests.exceptions.ConnectionError,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
    ConnectionResetError,
)


@dataclass(frozen=True)
class Question:
    """A request, and how it is spoken of.

    Args:
        path: The endpoint, with `{name}` where an id belongs: what a message shows.
        request: What is sent.
        session: By which it is sent.
    """

    path: str
    request: requests.PreparedRequest
    session: ThrottledSession


class GladlyStream(RESTStream[None]):
    """A stream; as it is, one request for one list.

    The SDK's cycle of request and paginator is for one request at a time and for pages, of which
    Gladly has none; so `request_records` takes its place. What the SDK has around it (preparing,
    authenticating, backing off, metrics, state) is used.

    Records are conformed by `RecordConformer`, which keeps what the SDK would drop, and so the
    SDK's own conformance is off (it also costs half of the throughput).

    Args:
        tap: The tap.
        run: What the streams of a run share.
    """

    path: str

    allow_redirects = False
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    schema = StreamSchema(SchemaDirectory(schemas))

    added: tuple[str, ...] = ()
    """What the tap adds to a record."""

    reads_all: t.ClassVar[bool] = True
    """Whether a run without a bookmark gives all that there is. Where it does not, a target that
    empties older versions of a table would lose what Gladly no longer has."""

    def __init__(self, tap: Tap, run: SharedRun) -> None:
        super().__init__(tap)
        self.run = run
        self.run_began = datetime.fromtimestamp(tap.initialized_at / 1000, timezone.utc)
        self._conform = RecordConformer(
            self.schema, self.primary_keys, self.logger, added=self.added
        )
        self._request_counter = self.get_http_request_counter()
        self._counting = threading.Lock()

    @cached_property
    def url_base(self) -> str:
        """The address of the API, without a slash at its end."""
        if not (self.config.get("organization") or self.config.get("api_url")):
            message = (
                "The settings lack organization: its name in the address of Gladly, such as acme "
                "in acme.gladly.com."
            )
            raise ConfigurationError(message)
        return api_url(self.config)

    @cached_property
    def authenticator(self) -> TokenAuth:
        """The credentials, for the configured origin only."""
        for setting in ("username", "api_token"):
            if not self.config.get(setting):
                message = (
                    f"The settings lack {setting}: a token is made in Gladly under Settings > API "
                    "tokens, by an agent whose e-mail is the username."
                )
                raise ConfigurationError(message)
        return TokenAuth(self.url_base, self.config["username"], self.config["api_token"])

    @cached_property
    def errors(self) -> GladlyErrors:
        """The sentences that a user reads."""
        return GladlyErrors(self.url_base, self.timeout)

    @property
    def requests_session(self) -> requests.Session:
        """The session that all streams share."""
        return self.run.session

    @property
    def timeout(self) -> float:  # type: ignore[override]
        """Seconds to wait for an answer."""
        # The SDK reads a fraction in a configuration file as a Decimal, which no socket takes.
        return float(self.config["request_timeout_seconds"])

    @cached_property
    def user_agent(self) -> str:
        """The setting `user_agent`, or the tap's name and version."""
        return t.cast("str", self.config.get("user_agent") or f"tap-gladly/{version('tap-gladly')}")

    @property
    def emit_activate_version_messages(self) -> bool:
        """Where the setting asks for it, and nothing is lost by it."""
        return self.reads_all and super().emit_activate_version_messages

    # Records

    def get_records(self, context: Context | None) -> Iterable[Record]:
        """Read the stream, counting its requests."""
        with self._request_counter:
            try:
                self.run.events.ask_once(self)
                yield from self.request_records(context)
            except UnexpectedShapeError as error:
                message = self.errors.unexpected(error.path, error.missing)
                raise FatalAPIError(message) from error
            except (msgspec.ValidationError, RecursionError) as error:
                # JSON, but with a number or a depth that no machine has.
                message = self.errors.unexpected(self.path, SOUND_RECORDS)
                raise FatalAPIError(message) from error

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Read the one list."""
        return listed(self.fetch(self.path))

    def post_process(self, row: Record, context: Context | None = None) -> Record | None:  # noqa: ARG002
        """Make the record fit its schema, and lose nothing."""
        return self._conform(row)

    # One request

    def fetch(
        self, path: str, params: Params | None = None, *, ids: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask once, retrying what may pass, and return the answer as sound JSON.

        Args:
            path: The endpoint, with `{name}` where an id belongs.
            params: The query.
            ids: What belongs into the path.

        Raises:
            NotFoundError: If there is no such thing (404).
            MovedError: If it is a customer who was merged into another.
            RefusedError: If the API does not do what it is asked.
            FatalAPIError: With the sentence for the user, if the sync cannot go on.
        """
        return self.download(path, partial(_answer, path), params, ids=ids)

    def fetch_one(self, path: str, read: Callable[[Answer], R], *, ids: Mapping[str, str]) -> R:
        """As `fetch`, for one of many ids, which is no reason to give up the others.

        Raises:
            NotFoundError: If there is no such thing (any more).
            MovedError: If it is a customer who was merged into another.
            FailedError: If Gladly fails each time that it is asked.
            FaultyIdError: If Gladly refuses it, or answers with something else.
        """
        try:
            return read(self.fetch(path, ids=ids))
        except RefusedError as error:
            if error.status in OF_ONE_ID:
                raise FaultyIdError(
                    self.errors.refused_one(path, error.status, error.detail)
                ) from error
            raise
        except UnexpectedShapeError as error:
            raise FaultyIdError(self.errors.unexpected(error.path, error.missing)) from error
        except (msgspec.ValidationError, RecursionError) as error:
            raise FaultyIdError(self.errors.unexpected(path, SOUND_RECORDS)) from error

    def download(
        self,
        path: str,
        read: Callable[[requests.Response], R],
        params: Params | None = None,
        *,
        ids: Mapping[str, str] | None = None,
    ) -> R:
        """As `fetch`, for an answer of any size, read by `read`; again from its start if need be.

        `read` raises `UnusableAnswerError` if the answer is not what it should be.
        """
        request = self._prepared("GET", path, ids or {}, params=params or {})
        return self._persistently(Question(path, request, self.run.session), read)

    def report(
        self, path: str, body: Mapping[str, t.Any], read: Callable[[requests.Response], R]
    ) -> R:
        """Have a report made, at the pace of reports; as `download` otherwise.

        It is a POST that changes nothing, and so is asked again where it may help.
        """
        request = self._prepared("POST", path, {}, json=body)
        return self._persistently(Question(path, request, self.run.reports), read)

    def _prepared(
        self, method: str, path: str, ids: Mapping[str, str], **content: t.Any
    ) -> requests.PreparedRequest:
        places = {name: quote(value, safe="") for name, value in ids.items()}
        if not DOTS.isdisjoint(places.values()):
            # No address can hold them, quoted or not: they would lead to another endpoint.
            raise NotFoundError(
                self.errors.refused(HTTPStatus.NOT_FOUND, path), HTTPStatus.NOT_FOUND
            )
        try:
            return self.build_prepared_request(
                method=method,
                url=f"{self.url_base}{path.format_map(places)}",
                headers={**self.http_headers, "Accept-Encoding": ENCODINGS},
                **content,
            )
        except OSError as error:
            # What `requests` says of an address that is none.
            raise FatalAPIError(self.errors.unmade(error)) from error

    def _persistently(self, question: Question, read: Callable[[requests.Response], R]) -> R:
        is_report = question.session is self.run.reports
        again = backoff.on_exception(
            self.report_wait_generator if is_report else self.backoff_wait_generator,
            TRANSIENT,
            max_tries=self.backoff_max_tries,
            on_backoff=partial(self._say_again, question),
            jitter=self.backoff_jitter,
            # Its own lines would name the URL, which holds ids.
            logger=None,
        )
        try:
            return again(self._ask)(question, read)
        except TRANSIENT as error:
            message = self.errors.failed(error, question.path, self.backoff_max_tries())
            failed = FailedError if _is_of_gladly(error) else FatalAPIError
            raise failed(message) from error
        except OSError as error:
            # What is left of `requests`: a proxy that is no URL, a file of certificates that is
            # not there.
            raise FatalAPIError(self.errors.unmade(error)) from error

    def _ask(self, question: Question, read: Callable[[requests.Response], R]) -> R:
        with self._counting:
            self._request_counter.increment()
        try:
            response = question.session.send(
                question.request,
                timeout=self.timeout,
                allow_redirects=self.allow_redirects,
                stream=True,
            )
        except requests.exceptions.SSLError as error:
            raise FatalAPIError(self.errors.untrusted()) from error
        except ValueError as error:
            if isinstance(error, OSError):
                # What `requests` says of a proxy that is no URL.
                raise
            # `requests` reads where a redirect leads, also if it is not to be followed.
            message = self.errors.refused(HTTPStatus.FOUND, question.path)
            raise FatalAPIError(message) from error
        with response:
            self._check_status(response, question)
            try:
                # Here, inside the retries: a body that was cut off is asked for again.
                return read(response)
            except UnusableAnswerError as error:
                raise UnreadableAnswerError(error.wanted, response) from error

    def _check_status(self, response: requests.Response, question: Question) -> None:
        status = response.status_code
        if status in range(HTTPStatus.OK, HTTPStatus.MULTIPLE_CHOICES):
            return
        if status in PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            # A body that is not read costs the connection.
            response.content  # noqa: B018
            wait = retry_after(response)
            if wait is not None:
                if wait > LONGEST_WAIT:
                    raise FatalAPIError(self.errors.wait_too_long(status, wait))
                question.session.pause(wait)
            message = f"HTTP {status}"
            raise RetriableAPIError(message, response)
        detail = error_detail(response.content, self.config["api_token"])
        message = self.errors.refused(status, question.path, detail)
        if status == HTTPStatus.NOT_FOUND:
            raise NotFoundError(message, status, detail)
        if status == HTTPStatus.MOVED_PERMANENTLY and (new := moved_to(response.content)):
            raise MovedError(message, status, new)
        raise RefusedError(message, status, detail)

    # Retries

    def backoff_max_tries(self) -> int:
        """Six tries: waits of 1, 2, 4, 8 and 16 seconds, each with up to a second of jitter."""
        return 6

    def backoff_wait_generator(self) -> Generator[float, t.Any, None]:
        """Wait exponentially longer; a longer `Retry-After` is up to the session's pause."""
        return backoff.expo()

    def report_wait_generator(self) -> Generator[float, t.Any, None]:
        """Wait 5, 10, 20, 30 and 30 seconds: longer than other requests, since reports are fewer.

        Somebody else may have used up a minute's reports: the fifth try comes after that minute.
        """
        return backoff.expo(factor=5, max_value=LONGEST_REPORT_BACKOFF)

    def _say_again(self, question: Question, details: Details) -> None:
        """Say that a request is tried again, and why; not with which ids."""
        error = t.cast("BaseException", details.get("exception"))
        self.log(
            "%s %s: %s; trying again in %.1f s (try %d of %d)",
            question.request.method,
            question.path,
            cause_of(error),
            max(details.get("wait", 0.0), retry_after(getattr(error, "response", None)) or 0.0),
            details["tries"] + 1,
            self.backoff_max_tries(),
            level=logging.WARNING,
        )

    # Many requests

    def concurrently(
        self, items: Iterable[T], ask: Callable[[T], R], at_most: int | None = None
    ) -> Iterator[tuple[T, R]]:
        """Do something for each item, several at once, and yield what came in their order."""
        setting = t.cast("int", self.config["max_concurrent_requests"])
        workers = min(setting, at_most or setting)
        remaining = iter(items)
        pending: deque[tuple[T, Future[R]]] = deque()
        pool = ThreadPoolExecutor(workers, thread_name_prefix=self.name)
        try:
            while True:
                # Twice as many as can be under way: one slow answer does not idle the others.
                for item in islice(remaining, 2 * workers - len(pending)):
                    pending.append((item, pool.submit(ask, item)))
                if not pending:
                    return
                item, answer = pending.popleft()
                yield item, answer.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _is_of_gladly(error: BaseException) -> bool:
    """Whether it came as an answer, and not from the way there; nor is it one of too many."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status is not None and status != HTTPStatus.TOO_MANY_REQUESTS


def _answer(path: str, response: requests.Response) -> Answer:
    # The flag is always there for some, so that its value counts, and not its presence.
    limited = response.headers.get("Gladly-Limited-Data", "").strip().lower()
    return Answer(path, clean_json(response.content), limited == "true")
