"""What a user reads when a sync cannot go on: one sentence that says what to do."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import requests
from singer_sdk.exceptions import FatalAPIError, RetriableAPIError

if t.TYPE_CHECKING:
    from collections.abc import Iterator

URL_SETTINGS = "organization, environment and api_url"


class RefusedError(FatalAPIError):
    """The API does not do what it is asked, and no retry would change that.

    Args:
        message: The sentence for the user.
        status: The HTTP status.
        detail: What the API says of it.
    """

    def __init__(self, message: str, status: int, detail: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.detail = detail


class NotFoundError(RefusedError):
    """HTTP 404: ordinary where an id is asked for, a wrong address anywhere else."""


class MovedError(RefusedError):
    """HTTP 301 with the id of the customer into whom the one that was asked for was merged.

    Args:
        message: The sentence for the user, where nobody expects it.
        status: The HTTP status.
        new: That id.
    """

    def __init__(self, message: str, status: int, new: str) -> None:
        super().__init__(message, status)
        self.new = new


class FailedError(FatalAPIError):
    """Gladly itself fails, each time that it is asked."""


class FaultyIdError(Exception):
    """Gladly does not give what a single id names, and may give all else: see `fetch_one`.

    Args:
        fault: The sentence for the user.
    """

    def __init__(self, fault: str) -> None:
        super().__init__(fault)
        self.fault = fault


class UnreadableAnswerError(RetriableAPIError):
    """A successful answer with a body that is not what it should be."""

    def __init__(self, wanted: str, response: requests.Response) -> None:
        super().__init__(wanted, response)
        self.wanted = wanted


class StorageError(FatalAPIError):
    """What came does not fit on this machine."""

    def __init__(self, cause: str | None) -> None:
        super().__init__(
            f"What Gladly sent cannot be kept on this machine ({cause or 'no reason given'}): the "
            "tap needs room for what it reads in the folder for temporary files (TMPDIR)."
        )


@dataclass(frozen=True)
class GladlyErrors:
    """The sentences for the API.

    No sentence holds an id, a query or a body, but for what Gladly itself says of a bad request:
    they name the path, the setting and the way out.

    Args:
        api_url: The address of the API.
        timeout_seconds: How long a request waits for an answer.
    """

    api_url: str
    timeout_seconds: float

    def refused(self, status: int, path: str, detail: str | None = None) -> str:
        """Say what a status means that no retry can change."""
        says = _says(status, detail)
        if status == HTTPStatus.UNAUTHORIZED:
            return (
                f"Gladly does not accept the credentials ({says}): check username, the e-mail of "
                "the agent who owns the token, and api_token. A token is made in Gladly under "
                "Settings > API tokens; one of production does not open the sandbox."
            )
        if status == HTTPStatus.FORBIDDEN:
            return (
                f"Gladly accepts the credentials but not for {path} ({says}): the agent lacks the "
                "permission API User, which an administrator sets in Gladly under Settings > "
                "Users, in the agent's profile"
                + ("; reports may need the role Administrator." if "report" in path else ".")
            )
        if status == HTTPStatus.NOT_FOUND:
            return (
                f"{self.api_url} has no {path} ({says}): there is no such organization at that "
                f"host, check {URL_SETTINGS}; if other streams are read, deselect this one."
            )
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            return (
                f"{self.api_url} redirects {path} elsewhere ({says}), which the tap does not "
                f"follow, so that the credentials go to no other host: check {URL_SETTINGS}."
            )
        return (
            f"Gladly does not accept the request for {path} ({says}): check the settings that it "
            "is made of; if they are right, please report it as a bug of tap-gladly with this "
            "sentence."
        )

    def refused_one(self, path: str, status: int, detail: str | None) -> str:
        """Say that the API does not give what one of many ids names."""
        return f"Gladly answers {path} with {_says(status, detail)}: ask Gladly support about it."

    def spent(self, what_it_says: str) -> str:
        """Say what 429 (too many requests) means."""
        return (
            f"Gladly {what_it_says}: other clients of the organization use its requests too, or "
            "requests_per_second is too high. Run again later: the sync resumes where it stopped."
        )

    def wait_too_long(self, status: int, seconds: float) -> str:
        """Say that the API asks for a wait that no sync should sit out."""
        asks = f"answers {status} and asks to wait {timedelta(seconds=round(seconds))} (h:mm:ss)"
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return self.spent(asks)
        return f"Gladly {asks}: run again then, the sync resumes where it stopped."

    def unexpected(self, path: str, missing: str) -> str:
        """Say that an answer lacks what the vendor's document promises."""
        return (
            f"{self.api_url} answers {path} without {missing}: check {URL_SETTINGS}; if they are "
            "right, Gladly has changed its API, please report it as a bug of tap-gladly."
        )

    def failed(self, error: Exception, path: str, tries: int) -> str:
        """Say why a request did not succeed after its last try."""
        if isinstance(error, UnreadableAnswerError):
            return (
                f"{self.api_url} answers {path} with something that is not {error.wanted} "
                f"({tries} tries): check {URL_SETTINGS}, and whether a proxy stands in between."
            )
        if isinstance(error, RetriableAPIError) and error.response is not None:
            if error.response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
                return self.spent(f"still answers 429 (too many requests) after {tries} tries")
            return (
                f"Gladly fails on {path} with HTTP {error.response.status_code} ({tries} tries): "
                "the fault is on Gladly's side. Run again later: the sync resumes where it stopped."
            )
        if isinstance(error, requests.exceptions.Timeout):
            return (
                f"{self.api_url} does not answer {path} within {self.timeout_seconds:g} seconds "
                f"({tries} tries): run again later, or raise request_timeout_seconds."
            )
        return (
            f"No connection to {self.api_url} ({cause_of(error)}, {tries} tries): check "
            f"{URL_SETTINGS}, the network and the proxy. The sync resumes where it stopped."
        )

    def unmade(self, error: Exception) -> str:
        """Say that this machine's own settings keep a request from being made."""
        return (
            f"A request to {self.api_url} cannot even be made ({type(error).__name__}): check "
            f"{URL_SETTINGS}, and the environment variables HTTPS_PROXY, HTTP_PROXY and "
            "REQUESTS_CA_BUNDLE."
        )

    def untrusted(self) -> str:
        """Say that TLS could not be set up."""
        return (
            f"No secure connection to {self.api_url}: its TLS certificate or protocol is not "
            f"accepted. Check {URL_SETTINGS} and this machine's clock; behind a proxy that opens "
            "TLS, set REQUESTS_CA_BUNDLE to the proxy's certificate."
        )


def _says(status: int, detail: str | None) -> str:
    return f"HTTP {status}, it says: {detail}" if detail else f"HTTP {status}"


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
    if isinstance(error, UnreadableAnswerError):
        return f"not {error.wanted}"
    if isinstance(error, RetriableAPIError) and error.response is not None:
        return f"HTTP {error.response.status_code}"
    if isinstance(error, requests.exceptions.Timeout):
        return "no answer in time"
    found = [
        names[type(cause).__name__] for cause in _causes(error) if type(cause).__name__ in names
    ]
    return found[-1] if found else type(error).__name__


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
