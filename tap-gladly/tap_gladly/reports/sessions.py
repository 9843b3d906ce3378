"""Rows of work sessions: one for each contact and agent, once the contact has ended."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Row = dict[str, str | None]

NOBODY = "none"
"""The agent of a contact that nobody handled: no target takes an empty key from a CSV."""


def ended_sessions(rows: Iterable[Row]) -> Iterator[Row]:
    """The rows of contacts that have ended.

    A row of an open contact has no agent yet. With another key than the row of its end, it would
    stay open in the target for ever.
    """
    for row in rows:
        if row.get("contact_session_ended_at") or "contact_session_ended_at" not in row:
            yield {**row, "agent_id": row.get("agent_id") or NOBODY}
