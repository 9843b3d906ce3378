"""Settings that have the right type and cannot work."""

from __future__ import annotations

import pytest
from tap_clari.kit.settings import end_date_errors


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (None, None, None),
        (None, "2026-02-01", None),
        ("2026-01-01", "2026-02-01T00:00:00+02:00", None),
        ("2026-02-01", "2026-02-01", "must be later than start_date"),
        ("2026-02-01T00:00:00Z", "2026-02-01T01:00:00+02:00", "must be later than start_date"),
        (None, "soon", "no ISO 8601 time: 'soon'"),
        (None, "1970-06-01", "before 1971"),
        # Of this one, the sentence about start_date is enough.
        ("soon", "2026-02-01", None),
    ],
)
def test_an_end_date_leaves_something_to_read(
    start: str | None, end: str | None, words: str | None
) -> None:
    config = {"start_date": start, "end_date": end}
    errors = list(end_date_errors({name: each for name, each in config.items() if each}))
    if words is None:
        assert errors == []
    else:
        [error] = errors
        assert words in error
