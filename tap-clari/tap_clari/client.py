"""How a request to Clari is made: signature, pace, retries, errors.

Streams say what to read. Everything a request can run into is dealt with here. What the two APIs
of Clari do not share (address, credentials, sentences) stands in `copilot.py` and `revenue.py`.
"""

from __future__ import annotations

import abc
import logging
import threading
import typing as t
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from http import HTTPStatus
from importlib.metadata import version
from itertools import islice
from urllib.parse import quote

import backoff
import msgspec
import requests
from singer_sdk import RESTStream, SchemaDirectory, StreamSchema
from singer_sdk.exceptions import FatalAPIError, RetriableAPIError
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.streams.rest import HTTPRequest

from tap_clari import schemas
from tap_clari.auth import origin
from tap_clari.conform import RecordConformer
from tap_clari.errors import (
    NotFoundError,
    NotJSONAnswerError,
    RefusedError,
    UnansweredError,
    UnreadableAnswerError,
    cause_of,
    may_come_late,
    retry_after,
    was_sent,
)
from tap_clari.wire import (
    Answer,
    NotJSONError,
    UnexpectedShapeError,
    clean_json,
    error_code,
    records,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping

    from backoff.types import Details
    from requests.auth import AuthBase
    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context, Record

    from tap_clari.errors import ApiErrors
    from tap_clari.session import ThrottledSession

    Params = Mapping[str, str | list[str]]

T = t.TypeVar("T")
R = t.TypeVar("R")

LONGEST_WAIT = 300.0
"""Seconds. A longer `Retry-After` means a spent quota: better a sentence than a silent night."""

PASSING = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)
"""What may pass, besides 5xx."""

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
        is_data: Which answers hold data, whatever their status says.
    """

    path: str
    request: requests.PreparedRequest
    is_data: Callable[[requests.Response], bool]


class ClariStream(RESTStream[None]):
    """A stream of either API; as it is, one request for one list.

    The SDK's cycle of request and paginator is one request at a time; here several are under way
    at once, so `request_records` and the paginators of `pagination.py` take its place. What the
    SDK has around it (preparing, authenticating, backing off, metrics, state) is used.

    Records are conformed by `RecordConformer`, which keeps what the SDK would drop, and so the
    SDK's own conformance is off (it also costs half of the throughput).

    Args:
        tap: The tap.
        session: The session that all streams of the API share, so that they share one rate.
    """

    path: str
    records_key: str
    """The member of the answer that holds the records."""

    allow_redirects = False
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    schema = StreamSchema(SchemaDirectory(schemas))

    added: t.ClassVar[tuple[str, ...]] = ()
    """What the tap adds to a record."""

    reads_all: t.ClassVar[bool] = True
    """Whether a run without a bookmark gives all that there is. Where it does not, a target that
    empties older versions of a table would lose what this run need not read."""

    def __init__(self, tap: Tap, session: ThrottledSession) -> None:
        super().__init__(tap)
        self._session = session
        self._conform = RecordConformer(
            self.schema, self.primary_keys, self.logger, added=self.added
        )
        self._request_counter = self.get_http_request_counter()
        self._counting = threading.Lock()

    # What differs between the APIs

    @property
    @abc.abstractmethod
    def url_base(self) -> str:
        """The configured address, without a slash at its end."""

    @property
    @abc.abstractmethod
    def authenticator(self) -> AuthBase:
        """The signature, for the configured origin only."""

    @property
    @abc.abstractmethod
    def errors(self) -> ApiErrors:
        """The sentences that a user reads."""

    # What is the same

    @property
    def requests_session(self) -> requests.Session:
        """The session that all streams of the API share."""
        return self._session

    @property
    def timeout(self) -> float:  # type: ignore[override]
        """Seconds to wait for an answer."""
        # The SDK reads a fraction in a configuration file as a Decimal, which no socket takes.
        return float(self.config["request_timeout_seconds"])

    @cached_property
    def user_agent(self) -> str:
        """The setting `user_agent`, or the tap's name and version."""
        return t.cast("str", self.config.get("user_agent") or f"tap-clari/{version('tap-clari')}")

    @property
    def emit_activate_version_messages(self) -> bool:
        """Where the setting asks for it, and nothing is lost by it."""
        return self.reads_all and super().emit_activate_version_messages

    # Records

    def get_records(self, context: Context | None) -> Iterable[Record]:
        """Read the stream, counting its requests."""
        with self._request_counter:
            try:
                yield from self.request_records(context)
            except UnexpectedShapeError as error:
                message = self.errors.unexpected(error.path, error.missing)
                raise FatalAPIError(message) from error
            except (msgspec.ValidationError, RecursionError) as error:
                # JSON, but with a number or a depth that no machine has.
                message = self.errors.unexpected(self.path, "records that can be read")
                raise FatalAPIError(message) from error

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Read the one list."""
        for each in records(self.fetch(self.path, {}), self.records_key):
            yield msgspec.json.decode(each)

    def post_process(self, row: Record, context: Context | None = None) -> Record | None:  # noqa: ARG002
        """Make the record fit its schema, and lose nothing."""
        return self._conform(row)

    # One request

    def fetch(
        self,
        path: str,
        params: Params,
        *,
        ids: Mapping[str, str] | None = None,
        is_data: Callable[[requests.Response], bool] | None = None,
    ) -> Answer:
        """Ask once, retrying what may pass, and return the answer as sound JSON.

        Args:
            path: The endpoint, with `{name}` where an id belongs.
            params: The query.
            ids: What belongs into the path.
            is_data: Which answers hold data, if it is not those with a status below 300.

        Raises:
            NotFoundError: If there is no such thing (404).
            RefusedError: If the API does not do what it is asked.
            FatalAPIError: With the sentence for the user, if the sync cannot go on.
        """
        url = self.url(path, ids or {})
        return Answer(path, self._get(url, path, params, _sound_json, is_data or _is_success))

    def fetch_link(self, url: str, path: str) -> Answer:
        """As `fetch`, from an address that the API gave; `path` is what a message calls it.

        Raises:
            FatalAPIError: If it leads to another origin: credentials do not go there, and what
                comes from there is not the API's.
        """
        # As it will be sent: `requests` may read an address otherwise than it looks.
        if origin(self._prepared("GET", url).url) != origin(self.url_base):
            raise FatalAPIError(self.errors.leads_elsewhere(path))
        return Answer(path, self._get(url, path, {}, _sound_json, _is_success))

    def download(self, url: str, path: str, read: Callable[[requests.Response], R]) -> R:
        """Read an answer of any size from any address, and again from its start if it breaks off.

        Args:
            url: The address; only the configured origin gets the credentials.
            path: What a message calls it.
            read: Reads the answer; it raises `NotJSONError` if that is not what it should be.

        Raises:
            RefusedError: If the API does not give it.
            FatalAPIError: With the sentence for the user, if the sync cannot go on.
        """
        return self._get(url, path, {}, read, _is_success)

    def url(self, path: str, ids: Mapping[str, str]) -> str:
        """The address of an endpoint, with ids in its path."""
        places = {name: quote(value, safe="") for name, value in ids.items()}
        return f"{self.url_base}{path.format_map(places)}"

    def _get(
        self,
        url: str,
        path: str,
        params: Params,
        read: Callable[[requests.Response], R],
        is_data: Callable[[requests.Response], bool],
    ) -> R:
        query = HTTPRequest(url=path, params=dict(params)).encode_params()
        question = Question(path, self._prepared("GET", url, params=query), is_data)
        return self._persistently(question, lambda: self._ask(question, read))

    def post(self, path: str, ids: Mapping[str, str], body: Mapping[str, t.Any]) -> Answer:
        """Have something done. It is asked for once: whether to ask again is not known here.

        Raises:
            UnansweredError: If no answer came that says what became of it.
            RefusedError: If the API does not do what it is asked.
            FatalAPIError: With the sentence for the user, if the sync cannot go on.
        """
        request = self._prepared("POST", self.url(path, ids), json=body)
        question = Question(path, request, _is_success)
        try:
            return Answer(path, self._ask(question, _sound_json))
        except TRANSIENT as error:
            raise UnansweredError(
                cause_of(error), was_sent=was_sent(error), may_come_late=may_come_late(error)
            ) from error
        except OSError as error:
            raise FatalAPIError(self.errors.unmade(error)) from error

    def _prepared(self, method: str, url: str, **content: t.Any) -> requests.PreparedRequest:
        try:
            return self.build_prepared_request(
                method=method, url=url, headers=self.http_headers, **content
            )
        except OSError as error:
            # What `requests` says of an address that is none.
            raise FatalAPIError(self.errors.unmade(error)) from error

    def _persistently(self, question: Question, ask: Callable[[], R]) -> R:
        again = backoff.on_exception(
            self.backoff_wait_generator,
            TRANSIENT,
            max_tries=self.backoff_max_tries,
            on_backoff=partial(self._say_again, question),
            jitter=self.backoff_jitter,
            # Its own lines would name the URL, which holds ids.
            logger=None,
        )
        try:
            return again(ask)()
        except TRANSIENT as error:
            message = self.errors.failed(error, question.path, self.backoff_max_tries())
            is_no_json = isinstance(error, UnreadableAnswerError)
            raise (NotJSONAnswerError if is_no_json else FatalAPIError)(message) from error
        except OSError as error:
            # What is left of `requests`: a proxy that is no URL, a file of certificates that is
            # not there.
            raise FatalAPIError(self.errors.unmade(error)) from error

    def _ask(self, question: Question, read: Callable[[requests.Response], R]) -> R:
        with self._counting:
            self._request_counter.increment()
        try:
            response = self._session.send(
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
            except NotJSONError as error:
                message = "no JSON"
                raise UnreadableAnswerError(message, response) from error

    def _check_status(self, response: requests.Response, question: Question) -> None:
        if question.is_data(response):
            return
        status = response.status_code
        if status in PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            # A body that is not read costs the connection.
            response.content  # noqa: B018
            wait = retry_after(response)
            if wait is not None:
                if wait > LONGEST_WAIT:
                    raise FatalAPIError(self.errors.wait_too_long(status, wait))
                self._session.pause(wait)
            message = f"HTTP {status}"
            raise RetriableAPIError(message, response)
        code = error_code(response.content)
        refused = NotFoundError if status == HTTPStatus.NOT_FOUND else RefusedError
        raise refused(self.errors.refused(status, question.path, code), status, code)

    # Retries

    def backoff_max_tries(self) -> int:
        """Six tries: waits of 1, 2, 4, 8 and 16 seconds, each with up to a second of jitter."""
        return 6

    def backoff_wait_generator(self) -> Generator[float, t.Any, None]:
        """Wait exponentially longer; a longer `Retry-After` is up to the session's pause."""
        return backoff.expo()

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

    def fetch_each(
        self, path: str, items: Iterable[T], params_of: Callable[[T], Params]
    ) -> Iterator[tuple[T, Answer]]:
        """Ask for each item, several at once, and yield the answers in the items' order.

        Not more than a few answers wait to be taken, however many items there are.
        """
        return self.concurrently(items, lambda item: self.fetch(path, params_of(item)))

    def fetch_each_existing(
        self, path: str, items: Iterable[T], params_of: Callable[[T], Params]
    ) -> Iterator[tuple[T, Answer | None]]:
        """As `fetch_each`, for things that may be gone: `None` where there is none (404)."""

        def ask(item: T) -> Answer | None:
            try:
                return self.fetch(path, params_of(item))
            except NotFoundError:
                return None

        return self.concurrently(items, ask)

    def concurrently(self, items: Iterable[T], ask: Callable[[T], R]) -> Iterator[tuple[T, R]]:
        """Do something for each item, several at once, and yield what came in their order."""
        workers = t.cast("int", self.config["max_concurrent_requests"])
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


def _is_success(response: requests.Response) -> bool:
    return response.status_code in range(HTTPStatus.OK, HTTPStatus.MULTIPLE_CHOICES)


def _sound_json(response: requests.Response) -> bytes:
    return clean_json(response.content)
