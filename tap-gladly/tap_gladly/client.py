"""Gladly: its address, its signature, its two paces, and what its errors mean."""

from __future__ import annotations

import base64
import math
import re
import time
import typing as t
from collections import deque
from dataclasses import replace
from http import HTTPStatus
from urllib.parse import unquote

from tap_gladly.address import api_url
from tap_gladly.kit.client import MAX_TRIES, ApiClient, Handling
from tap_gladly.kit.decoding import Answer, decode_list, raw_errors, text_id
from tap_gladly.kit.errors import ApiErrors, RefusedError, UnexpectedResponseError
from tap_gladly.kit.session import Pace, ThrottledSession

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import requests
    from singer_sdk.helpers.types import Record

    from tap_gladly.kit.tap import ApiTap

R = t.TypeVar("R")

URL_SETTINGS = "organization, environment and api_url"

REPORTS = "/reports"
"""Where most reports are asked for."""

REPORTS_PER_MINUTE = 10
"""What Gladly allows to an organization (facts, section on reports)."""

CONCURRENT_REPORTS = 2
"""What Gladly allows to an organization."""

OWN_SHARE = 0.75
"""Of a second's requests. What the tap counts in its second, the server may count in another."""

OWN_ERRORS = re.compile(rb'^\s*\{\s*"errors"\s*:\s*[\[{]')
"""How the body of each of Gladly's own errors begins."""

CUSTOMER_IN_PATH = re.compile(r"/customer(?:s|-profiles)/([^/?#]+)")

ERROR_CODE = re.compile(r"[a-z]+(_[a-z]+)*")
"""The form of the code that each of Gladly's own errors has."""

HARMLESS = re.compile(r"[A-Za-z][A-Za-z0-9_.\[\]-]{0,60}")
"""The form of an attribute or a code."""

LONGEST_DETAIL = 200

CAPS = {
    "/conversations/{conversationId}/items": 1000,
    "/tasks/{taskId}/comments": 1000,
    "/customers/{customerId}/conversations": 100,
    "/customers/{customerId}/tasks": 2000,
}
"""How many a list has at most (the vendor's document). Gladly flags one that is cut in a header,
which a gateway may take out."""


class MergedCustomerError(RefusedError):
    """HTTP 301: the customer was merged into another one.

    Args:
        message: The sentence for the user, where nobody expects it.
        surviving_id: The id of the other one.
    """

    def __init__(self, message: str, surviving_id: str) -> None:
        super().__init__(message, HTTPStatus.MOVED_PERMANENTLY)
        self.surviving_id = surviving_id


class GladlySession(ThrottledSession):
    """A session that leaves requests to other clients of the organization.

    Args:
        answered: When requests were answered, of all sessions of the run: Gladly counts them as
            one client's.
        own: The pace of this session.
        common: The pace that it shares with others, if there is one besides.
        connections: The most requests under way at once.
    """

    def __init__(
        self,
        answered: deque[float],
        own: Pace,
        common: Pace | None = None,
        *,
        connections: int,
    ) -> None:
        super().__init__(own, common, connections=connections)
        self._answered = answered

    def send(self, request: requests.PreparedRequest, **kwargs: t.Any) -> requests.Response:
        """Send when it is this request's turn, and look at what is left of the second."""
        response = super().send(request, **kwargs)
        self._answered.append(time.monotonic())
        self._yield_to_other_clients(response)
        return response

    def _yield_to_other_clients(self, response: requests.Response) -> None:
        """Wait for the next second where other clients have used up this one, and send less.

        What the tap alone has used up is no reason to stop: its pace takes care of that. Once it
        has slowed down for others, what Gladly refuses tells more than an answer's old headers. The
        same is so for a slow answer, as that of a report: its second may be long over.
        """
        if response.elapsed.total_seconds() > 1:
            return
        try:
            # As floats: what no machine has becomes infinite.
            limit, remaining = (
                float(response.headers[f"Ratelimit-{name}-Second"])
                for name in ("Limit", "Remaining")
            )
        except (KeyError, ValueError):
            return
        a_second_ago = time.monotonic() - 1
        own = sum(answered > a_second_ago for answered in tuple(self._answered))
        if remaining <= 0 and own < OWN_SHARE * limit and self._common.share() == 1:
            self._common.pause(1.0)
            self._common.slow_down(own)


class GladlyClient(ApiClient):
    """Makes the requests to Gladly."""

    def __init__(self, tap: ApiTap) -> None:
        config = tap.config
        url = api_url(config) if is_addressed(config) else ""
        pace = tap.new_pace()
        answered: deque[float] = deque(maxlen=1000)
        super().__init__(
            url=url,
            headers=basic_auth(config.get("username", ""), config.get("api_token", "")),
            errors=GladlyErrors(
                api="Gladly",
                vendor="Gladly",
                tap=tap.name,
                api_url=url,
                url_settings=URL_SETTINGS,
                checks="the settings that it is made of",
                timeout_seconds=float(config["request_timeout_seconds"]),
                unauthorized=(
                    "check username, the e-mail of the agent who owns the token, and api_token. A "
                    "token is made in Gladly under Settings > API tokens; one of production does "
                    "not open the sandbox."
                ),
                forbidden=(
                    "the agent lacks the permission API User, which an administrator sets in "
                    "Gladly under Settings > Users, in the agent's profile."
                ),
                quota=(
                    "other clients of the organization use its requests too, or "
                    "requests_per_second is too high. Run again later: the sync resumes where it "
                    "stopped."
                ),
            ),
            session=GladlySession(answered, pace, connections=config["max_concurrent_requests"]),
            config=config,
            user_agent=tap.user_agent,
            logger=tap.logger,
        )
        self.requests_per_second = float(config["requests_per_second"])
        self._reports = GladlySession(
            answered, Pace.per_minute(REPORTS_PER_MINUTE), pace, connections=CONCURRENT_REPORTS
        )

    def report(
        self,
        path: str,
        body: Mapping[str, t.Any],
        read: Callable[[requests.Response], R],
        *,
        tries: int = MAX_TRIES,
    ) -> R:
        """Have a report made, at the pace of reports; as `download` otherwise.

        It is a POST that changes nothing, and so is asked again where it may help.
        """
        request = self._request("POST", path, self.url(path), session=self._reports, json=body)
        return self._send_with_retries(replace(request, handling=Handling(tries=tries)), read)

    def refusal(self, response: requests.Response, path: str) -> RefusedError:
        """The exception for an answer that no retry can change."""
        refused = super().refusal(response, path)
        if response.status_code == HTTPStatus.MOVED_PERMANENTLY:
            surviving_id = _surviving_id(response)
            if surviving_id:
                return MergedCustomerError(str(refused), surviving_id)
        return refused

    def says_gone(self, content: bytes) -> bool:
        """Whether the body of a 404 has `errors` with a code, as all of Gladly's own have."""
        codes = [str(each.get("code")) for each in raw_errors(content)]
        return bool(OWN_ERRORS.search(content)) and any(map(ERROR_CODE.fullmatch, codes))

    def reason_of(self, content: bytes) -> str | None:
        """What an error says of itself, as far as it is harmless."""
        return error_detail(content)


class GladlyErrors(ApiErrors):
    """The sentences for Gladly, which says in words what is wrong."""

    def says(self, status: int, reason: str | None) -> str:
        """The status, and what Gladly says of it."""
        return super().says(status, reason and f"it says: {reason}")

    def refused(self, status: int, path: str, reason: str | None = None) -> str:
        """Explain a status that no retry can change."""
        if status == HTTPStatus.NOT_FOUND:
            return (
                f"{self.api_url} has no {path} ({self.says(status, reason)}): there is no such "
                f"organization at that host, check {self.url_settings}; if other streams are "
                "read, deselect this one."
            )
        sentence = super().refused(status, path, reason)
        if status == HTTPStatus.FORBIDDEN and "report" in path:
            return f"{sentence.rstrip('.')}; reports may need the role Administrator."
        return sentence


def error_detail(content: bytes) -> str | None:
    """What an error says of itself, as far as it is harmless: attributes and codes.

    Its text is not shown, since it may hold what was sent: a name, an address, a credential.
    """
    said = [
        " ".join(
            part
            for name in ("attr", "code")
            if isinstance(part := each.get(name), str) and HARMLESS.fullmatch(part)
        )
        for each in raw_errors(content)
    ]
    return "; ".join(filter(None, said))[:LONGEST_DETAIL] or None


def basic_auth(username: str, api_token: str) -> dict[str, str]:
    """The header of HTTP Basic, in UTF-8: `requests` would take text for Latin-1."""
    credentials = base64.b64encode(f"{username}:{api_token}".encode()).decode()
    return {"Authorization": f"Basic {credentials}"}


def is_addressed(config: Mapping[str, t.Any]) -> bool:
    """Whether the settings say where Gladly is."""
    return bool(config.get("organization") or config.get("api_url"))


def missing_settings(config: Mapping[str, t.Any]) -> str | None:
    """The sentence for settings that lack, without which no request can be made."""
    if not is_addressed(config):
        return (
            "The settings lack organization: its name in the address of Gladly, such as acme in "
            "acme.gladly.com."
        )
    for setting in ("username", "api_token"):
        if not config.get(setting):
            return (
                f"The settings lack {setting}: a token is made in Gladly under Settings > API "
                "tokens, by an agent whose e-mail is the username."
            )
    return None


def records(answer: Answer) -> list[Record]:
    """The records of a list, which Gladly gives bare, or as `value` of an object.

    Raises:
        UnexpectedResponseError: If there is no such list, or something else in it.
    """
    found = decode_list(answer, "value")
    if found and all(each.get("id") is None for each in found):
        missing = "records with an id"
        raise UnexpectedResponseError(answer.path, missing)
    return found


def is_limited(answer: Answer, count: int) -> bool:
    """Whether Gladly says that there is more than it gives; without its word, whether that may be.

    Args:
        answer: The answer.
        count: How many it gives.
    """
    # The flag is always there for some, so that its value counts, and not its presence.
    flag = answer.headers.get("Gladly-Limited-Data")
    if flag is None:
        return count >= CAPS.get(answer.path, math.inf)
    return flag.strip().lower() == "true"


def _surviving_id(response: requests.Response) -> str | None:
    """The id of the customer into whom the one that was asked for was merged.

    It stands in the body, and in the path of the address that `Location` names. A gateway redirects
    too, and then the address names the same customer, or another page.
    """
    asked, found = (
        _customer_in(url) for url in (response.request.url, response.headers.get("Location"))
    )
    for each in raw_errors(response.content):
        meta = each.get("meta")
        if each.get("code") == "moved" and isinstance(meta, dict):
            found = text_id(meta.get("new")) or found
    return found if asked and found != asked else None


def _customer_in(url: str | None) -> str | None:
    """The id of the customer in the path of an address."""
    found = CUSTOMER_IN_PATH.search((url or "").partition("?")[0])
    return unquote(found[1]) if found else None
