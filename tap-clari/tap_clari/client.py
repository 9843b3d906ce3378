"""How a request to Clari Copilot is made: address, signature, pace, retries, errors.

Streams say what to read. Everything a request can run into is dealt with here.
"""

from __future__ import annotations

import logging
import threading
import typing as t
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from http import HTTPStatus
from importlib.metadata import version
from itertools import islice

import backoff
import msgspec
import requests
from singer_sdk import RESTStream, SchemaDirectory, StreamSchema
from singer_sdk.exceptions import ConfigurationError, FatalAPIError, RetriableAPIError
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.streams.rest import HTTPRequest

from tap_clari import schemas
from tap_clari.auth import CopilotAuth
from tap_clari.conform import RecordConformer
from tap_clari.errors import (
    CopilotErrors,
    NotFoundError,
    UnreadableAnswerError,
    cause_of,
    retry_after,
)
from tap_clari.wire import Answer, NotJSONError, UnexpectedShapeError, clean_json, records

if t.TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping

    from backoff.types import Details
    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context, Record

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


class CopilotStream(RESTStream[None]):
    """A stream of the Copilot API; as it is, one request for one list.

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

    def __init__(self, tap: Tap, session: ThrottledSession) -> None:
        super().__init__(tap)
        self._session = session
        self._conform = RecordConformer(self.schema, self.primary_keys, self.logger)
        self._request_counter = self.get_http_request_counter()
        self._counting = threading.Lock()

    # Address and signature

    @property
    def url_base(self) -> str:
        """The configured address, without a slash at its end."""
        return t.cast("str", self.config["copilot_api_url"]).rstrip("/")

    @cached_property
    def authenticator(self) -> CopilotAuth:
        """The two headers, for the configured origin only."""
        missing = [
            setting
            for setting in ("copilot_api_key", "copilot_api_password")
            if not self.config.get(setting)
        ]
        if missing:
            message = (
                f"The stream {self.name!r} needs {' and '.join(missing)}: both settings are found "
                "in Copilot under Workspace settings > Integrations > Clari Copilot API."
            )
            raise ConfigurationError(message)
        return CopilotAuth(
            self.url_base, self.config["copilot_api_key"], self.config["copilot_api_password"]
        )

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

    @cached_property
    def errors(self) -> CopilotErrors:
        """The sentences that a user reads."""
        return CopilotErrors(self.url_base, self.timeout)

    # Records

    def get_records(self, context: Context | None) -> Iterable[Record]:
        """Read the stream, counting its requests."""
        with self._request_counter:
            try:
                yield from self.request_records(context)
            except UnexpectedShapeError as error:
                message = self.errors.unexpected(error.path, error.missing)
                raise FatalAPIError(message) from error
            except msgspec.ValidationError as error:
                # JSON, and an object, but with a number that no machine has.
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

    def fetch(self, path: str, params: Params) -> Answer:
        """Ask once, retrying what may pass, and return the answer as sound JSON.

        Raises:
            NotFoundError: If there is no such thing (404).
            FatalAPIError: With the sentence for the user, if the sync cannot go on.
        """
        ask = backoff.on_exception(
            self.backoff_wait_generator,
            TRANSIENT,
            max_tries=self.backoff_max_tries,
            on_backoff=self.backoff_handler,
            jitter=self.backoff_jitter,
            # Its own lines would name the URL, which holds ids.
            logger=None,
        )(self._ask)
        try:
            request = self.build_prepared_request(
                method="GET",
                url=f"{self.url_base}{path}",
                params=HTTPRequest(url=path, params=dict(params)).encode_params(),
                headers=self.http_headers,
            )
            return Answer(path, ask(request, path))
        except TRANSIENT as error:
            message = self.errors.failed(error, path, self.backoff_max_tries())
            raise FatalAPIError(message) from error
        except OSError as error:
            # What is left of `requests`: an address or a proxy that is no URL, a file of
            # certificates that is not there.
            raise FatalAPIError(self.errors.unmade(error)) from error

    def _ask(self, request: requests.PreparedRequest, path: str) -> bytes:
        with self._counting:
            self._request_counter.increment()
        try:
            response = self._session.send(
                request, timeout=self.timeout, allow_redirects=self.allow_redirects
            )
        except requests.exceptions.SSLError as error:
            raise FatalAPIError(self.errors.untrusted()) from error
        self._check_status(response, path)
        try:
            # Here, inside the retries: a body that was cut off is asked for again.
            return clean_json(response.content)
        except NotJSONError as error:
            message = "no JSON"
            raise UnreadableAnswerError(message, response) from error

    def _check_status(self, response: requests.Response, path: str) -> None:
        status = response.status_code
        if status in PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            wait = retry_after(response)
            if wait is not None:
                if wait > LONGEST_WAIT:
                    raise FatalAPIError(self.errors.wait_too_long(status, wait))
                self._session.pause(wait)
            message = f"HTTP {status}"
            raise RetriableAPIError(message, response)
        if status == HTTPStatus.NOT_FOUND:
            raise NotFoundError(self.errors.refused(status, path))
        if status != HTTPStatus.OK:
            raise FatalAPIError(self.errors.refused(status, path))

    # Retries

    def backoff_max_tries(self) -> int:
        """Six tries: waits of 1, 2, 4, 8 and 16 seconds, each with up to a second of jitter."""
        return 6

    def backoff_wait_generator(self) -> Generator[float, t.Any, None]:
        """Wait exponentially longer; a longer `Retry-After` is up to the session's pause."""
        return backoff.expo()

    def backoff_handler(self, details: Details) -> None:
        """Say that a request is tried again, and why; not with which ids."""
        error = t.cast("BaseException", details.get("exception"))
        self.log(
            "GET %s: %s; trying again in %.1f s (try %d of %d)",
            details["args"][1],
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
        return self._concurrently(items, lambda item: self.fetch(path, params_of(item)))

    def fetch_each_existing(
        self, path: str, items: Iterable[T], params_of: Callable[[T], Params]
    ) -> Iterator[tuple[T, Answer | None]]:
        """As `fetch_each`, for things that may be gone: `None` where there is none (404)."""

        def ask(item: T) -> Answer | None:
            try:
                return self.fetch(path, params_of(item))
            except NotFoundError:
                return None

        return self._concurrently(items, ask)

    def _concurrently(self, items: Iterable[T], ask: Callable[[T], R]) -> Iterator[tuple[T, R]]:
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
