"""What a merge moved from one customer to the other: no event names it, and it has changed."""

from __future__ import annotations

import typing as t
from functools import partial

from tap_gladly.changes.told import CONVERSATION, TASK, Change
from tap_gladly.errors import MovedError, NotFoundError
from tap_gladly.wire import Answer, listed

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from tap_gladly.bookmarks import BookmarkedStream

LISTS = {
    CONVERSATION: "/customers/{customerId}/conversations",
    TASK: "/customers/{customerId}/tasks",
}
"""What goes with a customer, and where it is listed."""


def moved_by_merges(
    stream: BookmarkedStream, merges: dict[str, str], kinds: Collection[str]
) -> Iterator[Change]:
    """The conversations and tasks of those who are left of a merge.

    Args:
        stream: By which they are asked for.
        merges: Customers who may be left, each with the time of the merge.
        kinds: What is of interest.
    """
    left = list(merges)
    for kind in sorted({*LISTS}.intersection(kinds)):
        found = list[str]()
        for customer, answer in stream.concurrently(left, partial(_list_of, stream, LISTS[kind])):
            if answer is None:
                continue
            found.append(customer)
            records = listed(answer)
            for record in records:
                if isinstance(moved := record.get("id"), str):
                    yield Change(kind, moved, merges[customer])
            if answer.is_limited:
                stream.warn_once(
                    f"Gladly lists {len(records)} {kind}s of the customer {customer} and no more: "
                    "others that a merge moved there keep the id of the customer they had before "
                    "(customer_profiles.mergedIntoId leads from the one to the other)."
                )
        left = found


def _list_of(stream: BookmarkedStream, path: str, customer: str) -> Answer | None:
    """The list of a customer; none if there is no such customer any more."""
    try:
        return stream.fetch(path, ids={"customerId": customer})
    except (MovedError, NotFoundError):
        # Whoever that one was merged into is asked as well.
        return None
