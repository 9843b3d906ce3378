"""What a user reads when a sync cannot go on: one sentence that says what to do."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import requests
from singer_sdk.exceptions import FatalAPIError, RetriableAPIError
from urllib3.exceptions import NewConnectionError

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CAUSES = {
    "NameResolutionError": "the host name is unknown",
    "gaierror": "the host name is unknown",
    "ConnectionRefusedError": "connection refused",
    "ConnectionResetError": "connection reset",
    "RemoteDisconnected": "connection closed without an answer",
    "IncompleteRead": "the answer was cut off",
    "ProxyError": "the proxy refuses",
    "BadStatusLine": "the answer is not HTTP",
    "HTTPException": "the answer is not HTTP",
    "ChunkedEncodingError": "the answer was cut off",
    "ContentDecodingError": "the answer cannot be unpacked",
}
"""The words for a failed connection, by the type of its innermost exception."""

LONGEST_SHOWN = 100
"""Characters of a wrong value that a sentence shows."""


def shown(value: object) -> str:
    """A wrong value, as a sentence shows it."""
    return shortened(ascii(value))


def shortened(text: str) -> str:
    """A text, cut where it is long."""
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


class RefusedError(FatalAPIError):
    """The API refuses a request, and no retry would change that.

    Args:
        message: The sentence for the user.
        status: The HTTP status.
        reason: What the API says of it, such as `no_optin`: only what may be shown.
    """

    def __init__(self, message: str, status: int, reason: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


class NotFoundError(RefusedError):
    """HTTP 404: ordinary where an id is asked for, a wrong address anywhere else."""


class ApiFaultError(FatalAPIError):
    """A fault of the API as a whole: no stream of it can be read."""


class UnauthorizedError(RefusedError, ApiFaultError):
    """HTTP 401: the credentials are wrong."""


class PersistentServerError(FatalAPIError):
    """The API itself fails, each time that it is asked."""


class PersistentBodyError(PersistentServerError):
    """The API answers with an unusable body, each time that it is asked."""


class RecordUnreadableError(PersistentServerError):
    """The API refuses the record of a single id, and may give all others."""


class StorageError(FatalAPIError):
    """What was read does not fit on this machine.

    Args:
        cause: What the system says of it.
    """

    def __init__(self, cause: str | None) -> None:
        super().__init__(
            "What was read cannot be stored in this machine's folder for temporary files "
            f"({cause or 'no reason given'}): make room there, or name another folder in the "
            "environment variable TMPDIR. The sync resumes where it stopped."
        )


class MalformedBodyError(ValueError):
    """A body is not what it should be: cut off on the way, or a page of somebody else's.

    Args:
        wanted: What it should be, such as JSON.
        is_empty: Whether it holds nothing.
    """

    def __init__(self, wanted: str, *, is_empty: bool = False) -> None:
        super().__init__(wanted)
        self.wanted = wanted
        self.is_empty = is_empty


class RetriableBodyError(RetriableAPIError):
    """A successful answer whose body is not what it should be: it is asked for again.

    Args:
        wanted: What it should be, such as JSON.
        response: The answer.
        is_empty: Whether its body holds nothing.
    """

    def __init__(self, wanted: str, response: requests.Response, *, is_empty: bool = False) -> None:
        super().__init__(wanted, response)
        self.wanted = wanted
        self.is_empty = is_empty


class UnexpectedBodyError(RetriableBodyError):
    """A successful answer that came whole, and is not what was asked for."""


class SlowAnswerError(requests.exceptions.ReadTimeout):
    """An answer that goes on coming, and takes too long to come whole."""


class UnexpectedResponseError(ValueError):
    """The answer is JSON, but not what the vendor's document promises.

    Args:
        path: The endpoint that was asked.
        missing: What the answer lacks.
    """

    def __init__(self, path: str, missing: str) -> None:
        super().__init__(path, missing)
        self.path = path
        self.missing = missing


class UnknownOutcomeError(Exception):
    """A request that must not be made twice got no answer that tells its outcome.

    Args:
        cause: Why, in a few words.
        was_done: Whether the API says that it has done it, and not what it led to.
        may_have_run: Whether the API may have done it.
        may_still_run: Whether the API may yet do it: the answer took too long.
    """

    def __init__(
        self, cause: str, *, was_done: bool, may_have_run: bool, may_still_run: bool
    ) -> None:
        super().__init__(cause)
        self.was_done = was_done
        self.may_have_run = may_have_run
        self.may_still_run = may_still_run


@dataclass(frozen=True, kw_only=True)
class ApiErrors:
    """The sentences for one API.

    No sentence holds an id, a query, a secret or a body: it names the path, the setting and the
    way out.

    Args:
        api: What the API is called.
        vendor: Whose API it is.
        tap: The tap's name.
        api_url: The configured address.
        url_settings: The settings that make the address.
        checks: What to check where the API refuses a request.
        timeout_seconds: How long a request waits for an answer.
        unauthorized: What 401 means, and where the right credentials are found.
        forbidden: What 403 means, and who can change it.
        quota: What 429 (too many requests) means.
    """

    api: str
    vendor: str
    tap: str
    api_url: str
    url_settings: str
    checks: str
    timeout_seconds: float
    unauthorized: str
    forbidden: str
    quota: str

    def says(self, status: int, reason: str | None) -> str:
        """The status, and what the API says of it."""
        return f"HTTP {status}, {reason}" if reason else f"HTTP {status}"

    def refused(self, status: int, path: str, reason: str | None = None) -> str:
        """Explain a status that no retry can change."""
        says = self.says(status, reason)
        if status == HTTPStatus.UNAUTHORIZED:
            return f"{self.api} does not accept the credentials ({says}): {self.unauthorized}"
        if status == HTTPStatus.FORBIDDEN:
            return (
                f"{self.api} accepts the credentials but not for {path} ({says}): {self.forbidden}"
            )
        if status == HTTPStatus.NOT_FOUND:
            return (
                f"{self.api_url} has no {path} ({says}): check {self.url_settings}, it is not "
                f"the address of the {self.api} API; if other streams are read, deselect this one."
            )
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            return (
                f"{self.api_url} redirects {path} elsewhere ({says}), which the tap does not "
                f"follow, so that the credentials go to no other host: check {self.url_settings}."
            )
        return (
            f"{self.api} does not accept the request for {path} ({says}): check {self.checks}; if "
            f"they are right, please report it as a bug of {self.tap} with this sentence."
        )

    def record_refused(self, path: str, status: int, reason: str | None) -> str:
        """Explain that the API does not give the record of a single id."""
        return (
            f"{self.api} answers {path} with {self.says(status, reason)}: ask {self.vendor} "
            "support about it."
        )

    def quota_now(self) -> str:
        """What 429 means at this moment."""
        return self.quota

    def wait_too_long(self, status: int, seconds: float) -> str:
        """Explain that the API asks for a wait that no sync should sit out."""
        wait = timedelta(seconds=round(seconds))
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return f"{self.api} answers 429 and asks to wait {wait} (h:mm:ss): {self.quota_now()}"
        return (
            f"{self.api} answers {status} and asks to wait {wait} (h:mm:ss): run again then, the "
            "sync resumes where it stopped."
        )

    def leads_elsewhere(self, path: str) -> str:
        """Explain that the link to the next page leads to another host."""
        return (
            f"The next page of {path} is said to be at another address than {self.url_settings} "
            f"({self.api_url}), where the tap does not send the credentials: check "
            f"{self.url_settings}; if it is right, ask {self.vendor} support."
        )

    def many_endpoints_failed(self, count: int) -> str:
        """Explain that one endpoint after the other fails."""
        return (
            f"{self.api} fails on {count} endpoints, one after the other: the fault is on "
            f"{self.vendor}'s side. Run again later: the sync resumes where it stopped."
        )

    def circular(self, path: str) -> str:
        """Explain that the pages of a list lead back to one that was read."""
        return (
            f"The pages of {path} lead in a circle, so that the list has no end: the fault is on "
            f"{self.vendor}'s side. Run again later: the sync resumes where it stopped."
        )

    def unexpected(self, path: str, missing: str) -> str:
        """Explain that an answer lacks what the vendor's document promises."""
        return (
            f"{self.api_url} answers {path} without {missing}: check {self.url_settings}; if that "
            f"is right, {self.vendor} has changed its API, please report it as a bug of "
            f"{self.tap}."
        )

    def unusable(self, error: RetriableBodyError, path: str, tries: int) -> str:
        """Explain that an answer is not what was asked for, whatever its status says."""
        if not isinstance(error, UnexpectedBodyError):
            found = "nothing" if error.is_empty else f"something that is not {error.wanted}"
            return (
                f"{self.api_url} answers {path} with {found} "
                f"({tries} tries): check {self.url_settings}, and whether a proxy stands in "
                "between."
            )
        if status_of(error) == HTTPStatus.NOT_FOUND:
            return (
                f"{self.api_url} answers {path} with HTTP 404, and not in the form in which "
                f"{self.api} says that a record is gone ({tries} tries): check "
                f"{self.url_settings}, and whether a proxy or a gateway stands in between."
            )
        return self.unexpected(path, error.wanted)

    def failed(self, error: Exception, path: str, tries: int) -> str:
        """Explain why a request did not succeed after its last try."""
        if isinstance(error, RetriableBodyError):
            return self.unusable(error, path, tries)
        if isinstance(error, RetriableAPIError) and error.response is not None:
            status = error.response.status_code
            if status == HTTPStatus.TOO_MANY_REQUESTS:
                return (
                    f"{self.api} still answers 429 (too many requests) after {tries} tries: "
                    f"{self.quota_now()}"
                )
            return (
                f"{self.api} fails on {path} with HTTP {status} ({tries} tries): the fault is on "
                f"{self.vendor}'s side. Run again later: the sync resumes where it stopped."
            )
        if isinstance(error, requests.exceptions.Timeout):
            return (
                f"{self.api_url} does not answer {path} within {self.timeout_seconds:g} seconds "
                f"({tries} tries): run again later, or raise request_timeout_seconds."
            )
        return (
            f"No connection to {self.api_url} ({cause_of(error)}, {tries} tries): check "
            f"{self.url_settings}, the network and the proxy. The sync resumes where it stopped."
        )

    def request_invalid(self, error: Exception) -> str:
        """Explain that this machine's own settings keep a request from being made."""
        return (
            f"A request to {self.api_url} cannot even be made ({type(error).__name__}): check "
            f"{self.url_settings}, and the environment variables HTTPS_PROXY, HTTP_PROXY and "
            "REQUESTS_CA_BUNDLE."
        )

    def tls_failed(self) -> str:
        """Explain that TLS could not be set up."""
        return (
            f"No secure connection to {self.api_url}: its TLS certificate or protocol is not "
            f"accepted. Check {self.url_settings} and this machine's clock; behind a proxy that "
            "opens TLS, add the proxy's certificate to the system's trust store, or set "
            "REQUESTS_CA_BUNDLE to its file."
        )


def incomplete_streams(reasons: Mapping[str, str], read: int) -> str:
    """The last line of a run that could not read all of its streams.

    Args:
        reasons: The sentence of each stream that is incomplete, by its name.
        read: How many streams the run was to read.
    """
    by_reason: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        by_reason.setdefault(reason, []).append(name)
    if len(by_reason) == 1:
        [(reason, names)] = by_reason.items()
        if read == len(names):
            return reason
        return f"{reason} Incomplete for this: {', '.join(names)}. The other streams are whole."
    listed = " ".join(f"({', '.join(names)}) {reason}" for reason, names in by_reason.items())
    others = "" if read == len(reasons) else " The other streams are whole."
    return f"{len(reasons)} of {read} streams are incomplete. {listed}{others}"


def cause_of(error: BaseException) -> str:
    """Name the innermost cause of a failed request, without its URL."""
    if isinstance(error, UnexpectedBodyError):
        foreign = status_of(error) == HTTPStatus.NOT_FOUND
        return "HTTP 404 of another form" if foreign else f"an answer without {error.wanted}"
    if isinstance(error, RetriableBodyError):
        return "an empty answer" if error.is_empty else f"not {error.wanted}"
    if isinstance(error, RetriableAPIError) and error.response is not None:
        return f"HTTP {error.response.status_code}"
    if isinstance(error, requests.exceptions.Timeout):
        return "no answer in time"
    known = [CAUSES[name] for each in _causes(error) if (name := type(each).__name__) in CAUSES]
    return known[-1] if known else type(error).__name__


def is_unreachable(error: BaseException) -> bool:
    """Whether there was no connection to the API at all."""
    unreachable = (requests.exceptions.ConnectTimeout, requests.exceptions.ProxyError)
    return isinstance(error, unreachable) or any(
        isinstance(cause, NewConnectionError) for cause in _causes(error)
    )


def may_have_run(error: BaseException) -> bool:
    """Whether the API may have done what it was asked before the request failed."""
    if isinstance(error, RetriableAPIError):
        refused = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
        return status_of(error) not in refused
    return not is_unreachable(error)


def may_still_run(error: BaseException) -> bool:
    """Whether the API may do what it was asked after the request has failed."""
    if isinstance(error, RetriableAPIError):
        return status_of(error) in {HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT}
    return isinstance(error, requests.exceptions.ReadTimeout)


def status_of(error: BaseException) -> int | None:
    """The HTTP status of the answer that an error came with; `None` if none came."""
    return getattr(getattr(error, "response", None), "status_code", None)


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
        except (ValueError, OverflowError):
            return None
        if until.tzinfo is None:
            until = until.replace(tzinfo=timezone.utc)
        seconds = (until - datetime.now(timezone.utc)).total_seconds()
    # Neither a past date nor an absurd number is a wait.
    return min(max(0.0, seconds), timedelta(days=365).total_seconds())
