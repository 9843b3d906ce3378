"""What a merge moved from one customer to the other: no event names it, and it has changed."""

from __future__ import annotations

import typing as t
from functools import partial

from tap_gladly.changes.facts import CONVERSATION, TASK, Change
from tap_gladly.client import MergedCustomerError, RecordUnreadableError, is_limited, records
from tap_gladly.kit.errors import NotFoundError

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from singer_sdk.helpers.types import Record

    from tap_gladly.kit.decoding import Answer
    from tap_gladly.run import GladlyStream

    Listing = tuple[list[Record], bool]

LISTS = {
    CONVERSATION: "/customers/{customerId}/conversations",
    TASK: "/customers/{customerId}/tasks",
}
"""What goes with a customer, and where it is listed."""


def moved_by_merges(
    stream: GladlyStream, merges: Mapping[str, Mapping[str, str]]
) -> Iterator[Change]:
    """The conversations and tasks of those who are left of a merge.

    Args:
        stream: By which they are asked for.
        merges: By kind, customers who may be left, each with the time of the merge.
    """
    gone: set[str] = set()
    for kind, times in merges.items():
        left = [customer for customer in times if customer not in gone]
        for customer, listing in stream.client.map_concurrently(
            left, partial(_list_of, stream, LISTS[kind])
        ):
            if listing is None:
                gone.add(customer)
                continue
            records, is_limited = listing
            for record in records:
                if isinstance(moved := record.get("id"), str):
                    yield Change(kind, moved, times[customer])
            if is_limited:
                stream.warn_once(
                    f"Gladly lists {len(records)} {kind}s of the customer {customer} and no more: "
                    "others that a merge moved there keep the id of the customer they had before "
                    "(customer_profiles.mergedIntoId leads from the one to the other)."
                )


def _list_of(stream: GladlyStream, path: str, customer: str) -> Listing | None:
    """The list of a customer; none if there is no such customer any more."""
    try:
        return stream.client.fetch_one(path, _listing, ids={"customerId": customer})
    except (MergedCustomerError, NotFoundError):
        # Whoever that one was merged into is asked as well.
        return None
    except RecordUnreadableError as error:
        stream.warn_once(
            f"What a merge moved to the customer {customer} cannot be read, and keeps the id of "
            f"the customer it had before. {error.fault}"
        )
        return None


def _listing(answer: Answer) -> Listing:
    return records(answer), is_limited(answer)
