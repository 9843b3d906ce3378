"""Accounts, contacts and deals of the CRM, found through the calls."""

from __future__ import annotations

import typing as t

import msgspec

from tap_clari.copilot.relisted_calls import RelistedCallsStream
from tap_clari.kit.dedup import SeenIds
from tap_clari.kit.estimate import Estimate

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from singer_sdk.helpers.types import Context, Record


class _LinkedObjectsStream(RelistedCallsStream):
    """Objects that calls refer to, each fetched once a run by its id.

    It has no replication key, since the objects show no time of change. Its bookmark is a time of
    the calls, so that a run asks only for objects of changed calls.
    """

    always_has_bookmark = True

    link: str
    """The member of a call's `crm_info` that holds the ids, one or a list."""

    def estimate_of(self, calls: int) -> Estimate:
        """How many objects the calls refer to is seen when they are listed."""
        return Estimate(detail=f"and 1 for each of the {self.name} of {calls:,} calls")

    def request_records(self, context: Context | None) -> Iterable[Record]:
        """Read the objects, and log how many were gone."""
        self._seen = SeenIds()
        # An object may be known by two ids, such as the short and the long one of Salesforce.
        self._written = SeenIds()
        self._gone = 0
        yield from super().request_records(context)
        if self._gone:
            self.log("%d ids that calls refer to are unknown to Copilot: ordinary", self._gone)

    def read_changed(self, calls: Iterator[msgspec.Raw]) -> Iterator[Record]:
        """Read the objects that these calls refer to, and that were not yet read."""
        for identifier, linked in self.fetch_each(self._new_ids(calls), {}):
            if linked is None:
                self._gone += 1
                continue
            if linked.get("id") is None:
                linked["id"] = identifier
            if self._written.add(str(linked["id"])):
                yield linked

    def _new_ids(self, calls: Iterator[msgspec.Raw]) -> Iterator[str]:
        for call in calls:
            crm_info = msgspec.json.decode(call, type=_Linking).crm_info
            ids = crm_info.get(self.link) if isinstance(crm_info, dict) else None
            for each in ids if isinstance(ids, list) else [ids]:
                if each and self._seen.add(str(each)):
                    yield str(each)
            self.progress.count()


class _Linking(msgspec.Struct):
    crm_info: t.Any = None


class AccountsStream(_LinkedObjectsStream):
    """Accounts that the run's calls belong to (`/get-account`)."""

    name = "accounts"
    path = "/get-account"
    link = "account_id"
    primary_keys = ("id",)


class ContactsStream(_LinkedObjectsStream):
    """Contacts that took part in the run's calls (`/get-contact`)."""

    name = "contacts"
    path = "/get-contact"
    link = "contact_ids"
    primary_keys = ("id",)


class DealsStream(_LinkedObjectsStream):
    """Deals that the run's calls belong to (`/get-deal`)."""

    name = "deals"
    path = "/get-deal"
    link = "deal_id"
    primary_keys = ("id",)
