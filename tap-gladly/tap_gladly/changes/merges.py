"""A merge reassigns conversations and tasks to another customer.

No event lists them, so they are looked up: each of them has changed.
"""

from __future__ import annotations

import typing as t
from functools import partial

from tap_gladly.changes.facts import CONVERSATION, TASK, Change
from tap_gladly.client import MergedCustomerError, is_limited, records
from tap_gladly.kit.decoding import text_id
from tap_gladly.kit.errors import NotFoundError, PersistentServerError

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from singer_sdk.helpers.types import Record

    from tap_gladly.client import GladlyClient
    from tap_gladly.kit.decoding import Answer

    Listing = tuple[list[Record], bool]

LISTS = {
    CONVERSATION: "/customers/{customerId}/conversations",
    TASK: "/customers/{customerId}/tasks",
}
"""The endpoint that lists the conversations, or tasks, of a customer."""


def moved_by_merges(
    client: GladlyClient,
    warn_once: Callable[[str], None],
    merges: Mapping[str, Mapping[str, str]],
) -> Iterator[Change]:
    """The conversations and tasks of the customers who remain after a merge.

    Args:
        client: Makes the requests.
        warn_once: Logs a warning.
        merges: By kind, customers who may remain, each with the time of the merge.
    """
    gone: set[str] = set()
    for kind, times in merges.items():
        remaining = [customer for customer in times if customer not in gone]
        for customer, listing in client.map_concurrently(
            remaining, partial(_list_of, client, LISTS[kind])
        ):
            if isinstance(listing, PersistentServerError):
                warn_once(
                    f"What a merge moved to the customer {customer} cannot be read, and keeps the "
                    f"id of the customer it had before. {listing}"
                )
            elif listing is None:
                gone.add(customer)
            else:
                found, has_more = listing
                for record in found:
                    if moved := text_id(record.get("id")):
                        yield Change(kind, moved, times[customer])
                if has_more:
                    warn_once(
                        f"Gladly lists {len(found)} {kind}s of the customer {customer} and no "
                        "more: others that a merge moved there keep the id of the customer they "
                        "had before (customer_profiles.mergedIntoId leads from the one to the "
                        "other)."
                    )


def _list_of(
    client: GladlyClient, path: str, customer: str
) -> Listing | PersistentServerError | None:
    """The list of a customer; `None` if there is no such customer any more."""
    try:
        return client.fetch_one(path, _listing, ids={"customerId": customer})
    except (MergedCustomerError, NotFoundError):
        # The customer into whom that one was merged is asked as well.
        return None
    except PersistentServerError as error:
        return error


def _listing(answer: Answer) -> Listing:
    found = records(answer)
    return found, is_limited(answer, len(found))
