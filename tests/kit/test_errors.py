"""The headers and exceptions behind the sentences."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
import requests
from tap_clari.kit.errors import retry_after


def answer(retry: str | None) -> requests.Response:
    """A refusal with the header `Retry-After`."""
    response = requests.Response()
    response.status_code = 429
    if retry is not None:
        response.headers["Retry-After"] = retry
    return response


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("1.5", 1.5),
        ("-3", 0.0),
        ("1e9", timedelta(days=365).total_seconds()),
        ("Sat, 01 Jan 2000 00:00:00 GMT", 0.0),
        ("Sat, 01 Jan 2000 00:00:00 -0000", 0.0),
        # An absurd date or zone is no wait.
        ("Sat, 99999999999 Feb 2026 00:00:00 +99999999", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert retry_after(answer(header)) == seconds


def test_retry_after_as_a_date() -> None:
    until = datetime.now(timezone.utc) + timedelta(seconds=90)
    assert retry_after(answer(format_datetime(until))) == pytest.approx(90, abs=3)


def test_no_answer_asks_for_no_wait() -> None:
    assert retry_after(None) is None
