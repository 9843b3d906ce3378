"""How a request is made: signature, pace, retries, errors, and many of them at once.

Streams say what to read. Everything that a request can run into is handled here.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import typing as t
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from itertools import islice
from urllib.parse import quote

import backoff
import msgspec
import requests
from singer_sdk.exceptions import FatalAPIError, RetriableAPIError

from .auth import HeaderAuth, origin
from .decoding import Answer, sanitize_json
from .errors import (
    ApiFaultError,
    MalformedBodyError,
    NotFoundError,
    PersistentBodyError,
    PersistentServerError,
    RecordUnreadableError,
    RefusedError,
    RetriableBodyError,
    SlowAnswerError,
    UnauthorizedError,
    UnexpectedBodyError,
    UnexpectedResponseError,
    UnknownOutcomeError,
    cause_of,
    is_unreachable,
    may_have_run,
    may_still_run,
    retry_after,
    status_of,
)
from .spool import ENCODINGS

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from backoff.types import Details
    from singer_sdk.metrics import Counter

    from .errors import ApiErrors
    from .session import ThrottledSession

    Params = Mapping[str, str] | Mapping[str, str | list[str]]

T = t.TypeVar("T")
R = t.TypeVar("R")

MAX_TRIES = 6
"""Tries of a request: the waits between them are the session's, with up to a second of jitter."""

LONGEST_WAIT = 300.0
"""Seconds. A longer `Retry-After` means a spent quota: better a sentence than a silent night."""

DECISIVE = (UnexpectedBodyError, SlowAnswerError)
"""What is less likely to pass: an answer that came whole and is not what was asked for, and one
that takes too long although it goes on coming."""

DECISIVE_TRIES = 3
"""Tries of a request that runs into one of these."""

LONGEST_ANSWER = 10
"""Times `request_timeout_seconds`: how long a whole answer may take. The timeout alone holds for
each piece of it, so that an answer which comes byte by byte would never end."""

SOUND_RECORDS = "records that can be read"
"""What an answer lacks whose JSON has a number or a depth that no machine has."""

AS_SAID = "what its headers say"
"""What an answer is not that cannot be unpacked."""

REFUSED_FOR_ONE_ID = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.CONFLICT,
    HTTPStatus.GONE,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
)
"""What an API may answer for a single id, while it gives the others."""

PASSING = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)
"""The statuses, besides 5xx, of a failure that may pass."""

TRANSIENT = (
    RetriableAPIError,
    requests.exceptions.Timeout,
    requests.exceptions.ConnectionError,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
    ConnectionResetError,
)

FAILED_ENDPOINTS = 10
"""Different endpoints that fail one after the other, with no answer in between: then the API is
taken for failing as a whole."""

FEW_AT_ONCE = 8
"""Requests that are under way at once if the API answers at once."""

GLANCE = 0.05
"""Seconds between two looks at whether more requests are needed while an answer is waited for."""

DOTS = frozenset({".", ".."})
"""Ids that no address can hold, quoted or not: they would lead to another endpoint."""


def _is_success(response: requests.Response) -> bool:
    return response.status_code in range(HTTPStatus.OK, HTTPStatus.MULTIPLE_CHOICES)


class Handling(t.NamedTuple):
    """How the answers to a request are taken.

    Args:
        is_data: Which answers hold data, whatever their status says.
        may_be_gone: Whether 404 can mean that a record is gone, and not that the address is wrong:
            then only the API's own counts.
        tries: How often it is sent at most.
        server_tries: How often at most if it is the server that fails: fewer where another request
            may do better.
    """

    is_data: Callable[[requests.Response], bool] = _is_success
    may_be_gone: bool = False
    tries: int = MAX_TRIES
    server_tries: int = MAX_TRIES


ORDINARY = Handling()
MAY_BE_GONE = Handling(may_be_gone=True)


@dataclass(frozen=True)
class ApiRequest:
    """A request, and how messages name it.

    Args:
        path: The endpoint, with `{name}` where an id belongs.
        prepared: What is sent.
        session: By which it is sent.
        handling: How its answers are taken.
    """

    path: str
    prepared: requests.PreparedRequest
    session: ThrottledSession
    handling: Handling = ORDINARY


class ApiClient:
    """Makes the requests to one API, from any thread.

    Args:
        url: The configured address, without a slash at its end.
        headers: The credentials by header, for the configured origin only.
        errors: The sentences that a user reads.
        session: The session, and so the rate.
        config: The tap's settings.
        user_agent: The header `User-Agent`.
        logger: Where retries are logged.
    """

    def __init__(  # noqa: PLR0913 - each is needed, and named
        self,
        *,
        url: str,
        headers: Mapping[str, str],
        errors: ApiErrors,
        session: ThrottledSession,
        config: Mapping[str, t.Any],
        user_agent: str,
        logger: logging.Logger,
    ) -> None:
        self.url_base = url
        self.errors = errors
        self.logger = logger
        self.timeout = float(config["request_timeout_seconds"])
        self._session = session
        self._auth = HeaderAuth(url, headers)
        self._headers = {"User-Agent": user_agent, "Accept-Encoding": ENCODINGS}
        self._max_concurrent = t.cast("int", config["max_concurrent_requests"])
        self.fault: ApiFaultError | None = None
        self._has_answered = False
        self._failed_paths: set[str] = set()
        self._counter: Counter | None = None
        self._uncounted = 0
        self._counting = threading.Lock()

    @contextlib.contextmanager
    def counted_by(self, counter: Counter) -> Iterator[None]:
        """Count requests in the metric of the stream that is read."""
        with counter:
            self._counter = counter
            try:
                yield
            finally:
                self._counter = None

    # One request

    def fetch(
        self,
        path: str,
        decode: Callable[[Answer], R],
        params: Params | None = None,
        *,
        ids: Mapping[str, str] | None = None,
        handling: Handling = ORDINARY,
    ) -> R:
        """Ask once, retry what may pass, and return what the answer holds.

        An answer that is not what was asked for is asked for again, whatever its status says.

        Args:
            path: The endpoint, with `{name}` where an id belongs.
            decode: Takes what was asked for out of the answer, which is sound JSON; it raises
                `UnexpectedResponseError` if that is not there.
            params: The query.
            ids: The ids in the path.
            handling: How its answers are taken.

        Raises:
            NotFoundError: If the API says that it is not there (any more).
            RefusedError: If the API refuses the request.
            PersistentServerError: If the API fails each time, or answers with something else.
            FatalAPIError: With the sentence for the user, if the sync cannot go on.
        """
        request = replace(self._get(path, self.url(path, ids), params), handling=handling)
        return self._send_with_retries(request, partial(_read_json, path, decode))

    def fetch_one(
        self,
        path: str,
        decode: Callable[[Answer], R],
        params: Params | None = None,
        *,
        ids: Mapping[str, str] | None = None,
    ) -> R:
        """Ask for one of many, so that one which cannot be had does not stop the others.

        Args:
            path: The endpoint, with `{name}` where an id belongs.
            decode: As in `fetch`.
            params: The query.
            ids: The ids in the path.

        Raises:
            NotFoundError: If the API says that it is not there (any more).
            PersistentServerError: If the API fails each time, answers with something else, or
                refuses this one, and perhaps all.
            RecordUnreadableError: If the API refuses this one, and gives the others.
            UnauthorizedError: If the API refuses them all.
        """
        try:
            return self.fetch(path, decode, params, ids=ids, handling=MAY_BE_GONE)
        except RefusedError as error:
            if error.status in REFUSED_FOR_ONE_ID:
                message = self.errors.record_refused(path, error.status, error.reason)
                raise RecordUnreadableError(message) from error
            if type(error) is RefusedError:
                # Whether it is refused for all shows when others are asked for.
                raise PersistentServerError(str(error)) from error
            raise

    def fetch_link(self, url: str, path: str, decode: Callable[[Answer], R]) -> R:
        """As `fetch`, from an address that the API gave; `path` is its name in messages.

        Raises:
            FatalAPIError: If it leads to another origin: credentials do not go there, and what
                comes from there is not the API's.
        """
        request = self._get(path, url)
        # As it will be sent: `requests` may read an address otherwise than it looks.
        if not self._is_own(request):
            raise FatalAPIError(self.errors.leads_elsewhere(path))
        return self._send_with_retries(request, partial(_read_json, path, decode))

    def download(  # noqa: PLR0913 - each is needed, and named
        self,
        path: str,
        read: Callable[[requests.Response], R],
        params: Params | None = None,
        *,
        ids: Mapping[str, str] | None = None,
        url: str | None = None,
        tries: int = MAX_TRIES,
    ) -> R:
        """Read an answer of any size, and again from its start if it breaks off.

        Args:
            path: The endpoint, with `{name}` where an id belongs.
            read: Reads the answer; it raises `MalformedBodyError` if that is not what it should be.
            params: The query.
            ids: The ids in the path. What has one may be gone.
            url: Another address, which gets the credentials if it is of the configured origin;
                `path` is then its name in messages.
            tries: How often at most.

        Raises:
            NotFoundError: If the API says that it is not there (any more).
            RefusedError: If the API does not give it.
            FatalAPIError: With the sentence for the user, if the sync cannot go on.
        """
        request = self._get(path, url or self.url(path, ids), params)
        handling = Handling(may_be_gone=bool(ids), tries=tries)
        return self._send_with_retries(replace(request, handling=handling), read)

    def post(
        self,
        path: str,
        decode: Callable[[Answer], R],
        ids: Mapping[str, str],
        body: Mapping[str, t.Any],
    ) -> R:
        """Have something done. It is sent once: only the caller knows whether to send it again.

        Raises:
            UnknownOutcomeError: If no answer came that tells whether it was done.
            RefusedError: If the API refuses the request.
            FatalAPIError: With the sentence for the user, if the sync cannot go on.
        """
        request = self._request("POST", path, self.url(path, ids), json=body)
        try:
            return self._send_once(request, partial(_read_json, path, decode))
        except TRANSIENT as error:
            raise UnknownOutcomeError(
                cause_of(error),
                was_done=isinstance(error, UnexpectedBodyError),
                may_have_run=may_have_run(error),
                may_still_run=may_still_run(error),
            ) from error
        except OSError as error:
            raise FatalAPIError(self.errors.request_invalid(error)) from error

    def url(self, path: str, ids: Mapping[str, str] | None = None) -> str:
        """The address of an endpoint, with ids in its path.

        Raises:
            NotFoundError: If an id is one that no address can hold.
        """
        places = {name: quote(value, safe="") for name, value in (ids or {}).items()}
        if not DOTS.isdisjoint(places.values()):
            message = self.errors.refused(HTTPStatus.NOT_FOUND, path)
            raise NotFoundError(message, HTTPStatus.NOT_FOUND)
        return f"{self.url_base}{path.format_map(places)}"

    def refusal(self, response: requests.Response, path: str) -> RefusedError:
        """The exception for an answer that no retry can change."""
        status, reason = response.status_code, self.reason_of(response.content)
        kinds: dict[int, type[RefusedError]] = {
            HTTPStatus.UNAUTHORIZED: UnauthorizedError,
            HTTPStatus.NOT_FOUND: NotFoundError,
        }
        return kinds.get(status, RefusedError)(
            self.errors.refused(status, path, reason), status, reason
        )

    def reason_of(self, content: bytes) -> str | None:
        """What a refusal says of itself, if that may be shown."""
        raise NotImplementedError

    def says_gone(self, content: bytes) -> bool:
        """Whether the body of a 404 has the form in which the API itself says that there is none.

        A gateway's 404 says nothing about the record.
        """
        raise NotImplementedError

    def _get(self, path: str, url: str, params: Params | None = None) -> ApiRequest:
        return self._request("GET", path, url, params=params or {})

    def _is_own(self, request: ApiRequest) -> bool:
        return origin(request.prepared.url) == origin(self.url_base)

    def _request(
        self,
        method: str,
        path: str,
        url: str,
        *,
        session: ThrottledSession | None = None,
        **content: t.Any,
    ) -> ApiRequest:
        session = session or self._session
        try:
            prepared = session.prepare_request(
                requests.Request(method, url, headers=self._headers, auth=self._auth, **content)
            )
        except OSError as error:
            # `requests` raises this for an address that is none.
            raise FatalAPIError(self.errors.request_invalid(error)) from error
        return ApiRequest(path, prepared, session)

    def _send_with_retries(self, request: ApiRequest, read: Callable[[requests.Response], R]) -> R:
        """Send until there is an answer, and remember a fault of the API as a whole."""
        if self.fault:
            raise self.fault
        try:
            result = self._retry(request, read)
        except ApiFaultError as error:
            # What another host or a session with limits of its own runs into is not the API's.
            if self._is_own(request) and request.session is self._session:
                self.fault = error
            raise
        except PersistentServerError:
            self._failed_paths.add(request.path)
            if len(self._failed_paths) >= FAILED_ENDPOINTS:
                message = self.errors.many_endpoints_failed(len(self._failed_paths))
                self.fault = ApiFaultError(message)
            raise
        self._failed_paths.clear()
        self._has_answered = True
        return result

    def _retry(self, request: ApiRequest, read: Callable[[requests.Response], R]) -> R:
        tries = 0

        def is_final(error: Exception) -> bool:
            nonlocal tries
            tries += 1
            return tries >= self._most_tries(request, error)

        retried = backoff.on_exception(
            request.session.retry_waits,
            TRANSIENT,
            giveup=is_final,
            on_backoff=partial(self._log_retry, request),
            jitter=backoff.random_jitter,
            # Its own lines would name the URL, which holds ids.
            logger=None,
        )
        try:
            return retried(self._send_once)(request, read)
        except TRANSIENT as error:
            message = self.errors.failed(error, request.path, tries)
            raise self._persistent(error)(message) from error
        except OSError as error:
            # What is left of `requests`: a proxy that is no URL, a file of certificates that is
            # not there.
            raise ApiFaultError(self.errors.request_invalid(error)) from error

    def _most_tries(self, request: ApiRequest, error: BaseException) -> int:
        """How often a request is sent at most that runs into this."""
        handling = request.handling
        if isinstance(error, DECISIVE):
            return min(DECISIVE_TRIES, handling.tries)
        if self._persistent(error) is PersistentServerError:
            return min(handling.server_tries, handling.tries)
        return handling.tries

    def _persistent(self, error: BaseException) -> type[FatalAPIError]:
        """The exception for what still fails after the last try.

        Where there is no connection, or an answer of too many requests, nothing else would be
        answered either. The same holds where nothing has been answered yet.
        """
        if isinstance(error, RetriableBodyError):
            return PersistentBodyError
        status = status_of(error)
        if status == HTTPStatus.TOO_MANY_REQUESTS or is_unreachable(error):
            return ApiFaultError
        has_answered = self._has_answered or isinstance(error, SlowAnswerError)
        if status is None and not has_answered:
            return ApiFaultError
        return PersistentServerError

    def _send_once(self, request: ApiRequest, read: Callable[[requests.Response], R]) -> R:
        self._count()
        try:
            response = request.session.send(
                request.prepared, timeout=self.timeout, allow_redirects=False, stream=True
            )
        except requests.exceptions.SSLError as error:
            raise ApiFaultError(self.errors.tls_failed()) from error
        except ValueError as error:
            if isinstance(error, OSError):
                # `requests` raises this for a proxy that is no URL.
                raise
            # `requests` reads where a redirect leads, also if it is not to be followed.
            message = self.errors.refused(HTTPStatus.FOUND, request.path)
            raise FatalAPIError(message) from error
        with response, _time_limit(response, LONGEST_ANSWER * self.timeout):
            if not request.handling.is_data(response):
                self._raise_for_status(response, request)
            # What goes wrong with the rest of it is the endpoint's, and not the whole API's.
            self._has_answered = True
            try:
                # Here, inside the retries: a body that was cut off is asked for again.
                return read(response)
            except MalformedBodyError as error:
                raise RetriableBodyError(error.wanted, response, is_empty=error.is_empty) from error
            except UnexpectedResponseError as error:
                raise UnexpectedBodyError(error.missing, response) from error
            except (msgspec.ValidationError, RecursionError) as error:
                raise UnexpectedBodyError(SOUND_RECORDS, response) from error
            except requests.exceptions.ContentDecodingError as error:
                raise RetriableBodyError(AS_SAID, response) from error

    def _raise_for_status(self, response: requests.Response, request: ApiRequest) -> t.NoReturn:
        status = response.status_code
        if status not in PASSING and status < HTTPStatus.INTERNAL_SERVER_ERROR:
            if (
                status == HTTPStatus.NOT_FOUND
                and request.handling.may_be_gone
                and not self.says_gone(response.content)
            ):
                raise UnexpectedBodyError(SOUND_RECORDS, response)
            raise self.refusal(response, request.path)
        # A body that is not read costs the connection.
        response.content  # noqa: B018
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            request.session.slow_down()
        wait = retry_after(response)
        if wait is not None:
            if wait > LONGEST_WAIT:
                raise ApiFaultError(self.errors.wait_too_long(status, wait))
            request.session.pause(wait)
        message = f"HTTP {status}"
        raise RetriableAPIError(message, response)

    def _count(self) -> None:
        with self._counting:
            self._uncounted += 1
            if self._counter:
                self._counter.increment(self._uncounted)
                self._uncounted = 0

    def _log_retry(self, request: ApiRequest, details: Details) -> None:
        """Log that a request is tried again, and why; not with which ids.

        An answer may be empty because there is nothing; for the first one of too many requests the
        pace slows down. Neither is something to look at.
        """
        error = t.cast("BaseException", details.get("exception"))
        is_empty = isinstance(error, RetriableBodyError) and error.is_empty
        is_ordinary = is_empty or status_of(error) == HTTPStatus.TOO_MANY_REQUESTS
        self.logger.log(
            logging.INFO if is_ordinary and details["tries"] == 1 else logging.WARNING,
            "%s %s: %s; trying again in %.1f s (try %d of %d)",
            request.prepared.method,
            request.path,
            cause_of(error),
            max(details.get("wait", 0.0), retry_after(getattr(error, "response", None)) or 0.0),
            details["tries"] + 1,
            self._most_tries(request, error),
        )

    # Many requests

    def map_concurrently(
        self, items: Iterable[T], ask: Callable[[T], R], at_most: int | None = None
    ) -> Iterator[tuple[T, R]]:
        """Ask for each item, several at once, and yield the answers in the items' order.

        As many are under way as the rate needs: as long as the next answer is waited for and no
        request waits for its turn, another one is sent. So a slow API is asked more at once. Not
        more than a few answers wait to be taken, however many items there are.

        Args:
            items: The items; read as they are needed.
            ask: Asks for one of them, in a thread of its own.
            at_most: How many at once, if less than `max_concurrent_requests`.
        """
        workers = min(self._max_concurrent, at_most or self._max_concurrent)
        remaining = iter(items)
        pending: deque[tuple[T, Future[R]]] = deque()
        pool = ThreadPoolExecutor(workers, thread_name_prefix="requests")

        def begin(number: int) -> None:
            pending.extend(
                (item, pool.submit(ask, item)) for item in islice(remaining, max(0, number))
            )

        ahead = min(2 * workers, FEW_AT_ONCE)
        try:
            while True:
                begin(ahead - len(pending))
                if not pending:
                    return
                item, answer = pending[0]
                while not wait([answer], GLANCE).done:
                    if not self._session.has_line():
                        begin(min(1 + len(pending) // FEW_AT_ONCE, workers - len(pending)))
                pending.popleft()
                yield item, answer.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _read_json(path: str, decode: Callable[[Answer], R], response: requests.Response) -> R:
    if not response.content:
        wanted = "JSON"
        raise MalformedBodyError(wanted, is_empty=True)
    return decode(Answer(path, sanitize_json(response.content), response.headers))


@contextlib.contextmanager
def _time_limit(response: requests.Response, seconds: float) -> Iterator[None]:
    """Cut an answer off that takes longer, whoever reads it.

    Raises:
        SlowAnswerError: If it was cut off.
    """
    is_over = threading.Event()

    def cut_off() -> None:
        is_over.set()
        # It may have been read whole meanwhile, and its connection be in use again.
        with contextlib.suppress(ValueError, RuntimeError):
            response.raw.shutdown()

    timer = threading.Timer(seconds, cut_off)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception as error:
        if is_over.is_set():
            raise SlowAnswerError from error
        raise
    finally:
        timer.cancel()
    if is_over.is_set():
        # HTTP does not tell the end of each answer.
        raise SlowAnswerError
