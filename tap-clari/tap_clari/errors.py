"""What a user reads when a sync cannot go on: one sentence that says what to do."""

from __future__ import annotations

import abc
import typing as t
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import requests
from singer_sdk.exceptions import FatalAPIError, RetriableAPIError
from urllib3.exceptions import NewConnectionError

if t.TYPE_CHECKING:
    from collections.abc import Iterator


class RefusedError(FatalAPIError):
    """The API does not do what it is asked, and no retry would change that.

    Args:
        message: The sentence for the user.
        status: The HTTP status.
        code: What the API calls the reason, such as `no_optin`; `None` where it says nothing.
    """

    def __init__(self, message: str, status: int, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class NotFoundError(RefusedError):
    """HTTP 404: ordinary where an id is asked for, a wrong address anywhere else."""


class UnreadableAnswerError(RetriableAPIError):
    """A successful answer with a body that is not JSON."""


class UnansweredError(Exception):
    """Something was asked for that must not be done twice, and no answer came that tells.

    Args:
        cause: Why, in a few words.
        was_sent: Whether it may have been done.
        may_come_late: Whether it may yet be done: the answer took too long.
    """

    def __init__(self, cause: str, *, was_sent: bool, may_come_late: bool) -> None:
        super().__init__(cause)
        self.was_sent = was_sent
        self.may_come_late = may_come_late


class StorageError(FatalAPIError):
    """What came does not fit on this machine."""


class NotJSONAnswerError(FatalAPIError):
    """Even the last try brought no JSON."""


@dataclass(frozen=True)
class ApiErrors(abc.ABC):
    """The sentences for one API of Clari.

    No sentence holds an id, a query or a body: they name the path, the setting and the way out.

    Args:
        api_url: The configured address.
        timeout_seconds: How long a request waits for an answer.
    """

    api_url: str
    timeout_seconds: float

    api: t.ClassVar[str]
    """What the API is called."""

    url_setting: t.ClassVar[str]
    """The setting with its address."""

    check: t.ClassVar[str]
    """The settings that a request can be wrong by."""

    @abc.abstractmethod
    def unauthorized(self, code: str | None) -> str:
        """Say that the credentials are wrong, and where the right ones are found."""

    @abc.abstractmethod
    def spent(self, what_it_says: str) -> str:
        """Say what 429 (too many requests) means."""

    def refused(self, status: int, path: str, code: str | None = None) -> str:
        """Say what a status means that no retry can change."""
        if status == HTTPStatus.UNAUTHORIZED:
            return self.unauthorized(code)
        if status == HTTPStatus.FORBIDDEN:
            return (
                f"{self.api} accepts the credentials but not for {path} (HTTP 403): ask its "
                "administrator for a key that may read it, or deselect the stream."
            )
        if status == HTTPStatus.NOT_FOUND:
            return (
                f"{self.api_url} has no {path} (HTTP 404): check {self.url_setting}, it is not "
                f"the address of the {self.api} API."
            )
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            return (
                f"{self.api_url} redirects {path} elsewhere (HTTP {status}), which the tap does "
                "not follow, so that the credentials go to no other host: check "
                f"{self.url_setting}."
            )
        says = f"HTTP {status}, {code}" if code else f"HTTP {status}"
        return (
            f"{self.api} does not accept the request for {path} ({says}): check the settings "
            f"{self.check}; if they are right, please report it as a bug of tap-clari with this "
            "sentence."
        )

    def wait_too_long(self, status: int, seconds: float) -> str:
        """Say that the API asks for a wait that no sync should sit out."""
        asks = f"answers {status} and asks to wait {timedelta(seconds=round(seconds))} (h:mm:ss)"
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return self.spent(asks)
        return f"{self.api} {asks}: run again then, the sync resumes where it stopped."

    def leads_elsewhere(self, path: str) -> str:
        """Say that the next page is said to be on another host."""
        return (
            f"The next page of {path} is said to be at another address than {self.url_setting} "
            f"({self.api_url}), where the tap does not send the credentials: check "
            f"{self.url_setting}; if it is right, ask Clari support."
        )

    def circular(self, path: str) -> str:
        """Say that the pages of a list lead back to where they were."""
        return (
            f"The pages of {path} lead in a circle, so that the list has no end: the fault is on "
            "Clari's side. Run again later: the sync resumes where it stopped."
        )

    def unexpected(self, path: str, missing: str) -> str:
        """Say that an answer lacks what the vendor's document promises."""
        return (
            f"{self.api_url} answers {path} without {missing}: check {self.url_setting}; if "
            "it is right, Clari has changed its API, please report it as a bug of tap-clari."
        )

    def failed(self, error: Exception, path: str, tries: int) -> str:
        """Say why a request did not succeed after its last try."""
        if isinstance(error, UnreadableAnswerError):
            return (
                f"{self.api_url} answers {path} with something that is not JSON ({tries} tries): "
                f"check {self.url_setting}, and whether a proxy stands in between."
            )
        if isinstance(error, RetriableAPIError) and error.response is not None:
            if error.response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
                return self.spent(f"still answers 429 (too many requests) after {tries} tries")
            return (
                f"{self.api} fails on {path} with HTTP {error.response.status_code} "
                f"({tries} tries): the fault is on Clari's side. Run again later: the sync "
                "resumes where it stopped."
            )
        if isinstance(error, requests.exceptions.Timeout):
            return (
                f"{self.api_url} does not answer {path} within {self.timeout_seconds:g} seconds "
                f"({tries} tries): run again later, or raise request_timeout_seconds."
            )
        return (
            f"No connection to {self.api_url} ({cause_of(error)}, {tries} tries): check "
            f"{self.url_setting}, the network and the proxy. The sync resumes where it stopped."
        )

    def unmade(self, error: Exception) -> str:
        """Say that this machine's own settings keep a request from being made."""
        return (
            f"A request to {self.api_url} cannot even be made ({type(error).__name__}): check the "
            f"setting {self.url_setting}, and the environment variables HTTPS_PROXY, HTTP_PROXY "
            "and REQUESTS_CA_BUNDLE."
        )

    def untrusted(self) -> str:
        """Say that TLS could not be set up."""
        return (
            f"No secure connection to {self.api_url}: its TLS certificate or protocol is not "
            f"accepted. Check {self.url_setting} and this machine's clock; behind a proxy that "
            "opens TLS, set REQUESTS_CA_BUNDLE to the proxy's certificate."
        )


def cause_of(error: BaseException) -> str:
    """Name the innermost cause of a failed request, without its URL."""
    names = {
        "NameResolutionError": "the host name is unknown",
        "gaierror": "the host name is unknown",
        "ConnectionRefusedError": "connection refused",
        "ConnectionResetError": "connection reset",
        "RemoteDisconnected": "connection closed without an answer",
        "IncompleteRead": "the answer was cut off",
        "ProxyError": "the proxy refuses",
    }
    if isinstance(error, RetriableAPIError):
        no_json = isinstance(error, UnreadableAnswerError)
        return "no JSON" if no_json else f"HTTP {_status_of(error)}"
    if isinstance(error, requests.exceptions.Timeout):
        return "no answer in time"
    found = [
        names[type(cause).__name__] for cause in _causes(error) if type(cause).__name__ in names
    ]
    return found[-1] if found else type(error).__name__


def was_sent(error: BaseException) -> bool:
    """Whether the API may have done what it was asked before the request failed."""
    if isinstance(error, RetriableAPIError):
        unsent = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
        return _status_of(error) not in unsent
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return False
    # What fails before there is a connection.
    return not any(isinstance(cause, NewConnectionError) for cause in _causes(error))


def may_come_late(error: BaseException) -> bool:
    """Whether what was asked for may be done after the request failed."""
    if isinstance(error, RetriableAPIError):
        return _status_of(error) in {HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT}
    return isinstance(error, requests.exceptions.ReadTimeout)


def _status_of(error: RetriableAPIError) -> int | None:
    return None if error.response is None else error.response.status_code


def _causes(error: BaseException) -> Iterator[BaseException]:
    pending, seen = [error], set()
    while pending:
        cause = pending.pop()
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        inner = [cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args]
        pending += [each for each in inner if isinstance(each, BaseException)]


def retry_after(response: requests.Response | None) -> float | None:
    """Seconds that the header `Retry-After` asks for, in either of its forms (RFC 9110)."""
    # Not `if response`: a Response is false for every 4xx and 5xx.
    value = None if response is None else response.headers.get("Retry-After")
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            until = parsedate_to_datetime(value)
        except ValueError:
            return None
        if until.tzinfo is None:
            until = until.replace(tzinfo=timezone.utc)
        seconds = (until - datetime.now(timezone.utc)).total_seconds()
    # Neither a past date nor an absurd number is a wait.
    return min(max(0.0, seconds), timedelta(days=365).total_seconds())
