"""Profiles of customers, by id and by search, and lists of what a customer has."""

from __future__ import annotations

import typing as t

from tap_gladly.changes.facts import CUSTOMER
from tap_gladly.client import MergedCustomerError, records
from tap_gladly.kit.times import format_time
from tap_gladly.streams.changed import ChangedStream, IdResult, SingleRecordStream

if t.TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from singer_sdk.helpers.types import Context, Record

    from tap_gladly.changes.facts import Change
    from tap_gladly.changes.index import ChangeIndex
    from tap_gladly.streams.changed import Outcome

SEARCH = "/customer-profiles"

SEARCHES = {
    "customer_emails": "email",
    "customer_phone_numbers": "phoneNumber",
    "customer_external_ids": "externalCustomerId",
}
"""The settings that name customers, each with the parameter that looks for them."""

MOST_FOUND = 50
"""What a search gives at most, without saying that there is more."""


class CustomerProfilesStream(SingleRecordStream):
    """Profiles of customers (`/customer-profiles/{customerId}`)."""

    name = "customer_profiles"
    path = "/customer-profiles/{customerId}"
    place = "customerId"
    kind = CUSTOMER
    tap_added_properties = ("changedAt", "mergedIntoId")

    def requests_of(self, index: ChangeIndex) -> int:
        """One for each profile, and one for each search."""
        return super().requests_of(index) + len(self._searches())

    def extra_records(self, index: ChangeIndex, since: datetime) -> Iterable[Record]:
        """The customers that the settings name, in every run, unless their turn comes anyway."""
        for (setting, _), found in self.client.map_concurrently(self._searches(), self._search):
            if len(found) >= MOST_FOUND:
                self.warn_once(
                    f"An entry of the setting {setting} finds {len(found)} customers or more: "
                    "Gladly gives no more of a search."
                )
            for profile in found:
                if not index.has(self.kind, str(profile.get("id")), since):
                    yield self.with_added(profile, changedAt=format_time(index.end))

    def records_of(self, index: ChangeIndex, change: Change, outcome: Outcome) -> Iterable[Record]:
        """The profile; or that it was deleted, or into whom it was merged."""
        if isinstance(outcome, MergedCustomerError):
            return [{"id": change.id, "mergedIntoId": outcome.surviving_id}]
        return super().records_of(index, change, outcome)

    def deleted_at(self, index: ChangeIndex, change: Change) -> str:
        """When the customer was deleted, if an event tells."""
        return index.deleted_at(change.id) or super().deleted_at(index, change)

    def post_process(self, row: Record, context: Context | None = None) -> Record | None:
        """Leave out a phone's type where it is not set: Gladly has an empty text there."""
        phones = row.get("phones")
        if isinstance(phones, list):
            row["phones"] = [
                {**phone, "type": None}
                if isinstance(phone, dict) and phone.get("type") == ""
                else phone
                for phone in phones
            ]
        return super().post_process(row, context)

    def _searches(self) -> list[tuple[str, str]]:
        return [(name, value) for name in SEARCHES for value in dict.fromkeys(self.config[name])]

    def _search(self, search: tuple[str, str]) -> list[Record]:
        setting, value = search
        return self.client.fetch(SEARCH, records, {SEARCHES[setting]: value})


class CustomerListStream(ChangedStream):
    """All that customers have of one kind, of those of whom something changed."""

    place = "customerId"
    kind = CUSTOMER
    selected_by_default = False
    listed: str
    """What is listed, which is also the stream of those that change."""

    def records_of(self, index: ChangeIndex, change: Change, outcome: Outcome) -> Iterable[Record]:
        """The records; a list that was cut is named."""
        if isinstance(outcome, IdResult) and outcome.is_limited:
            self.warn_once(
                f"{self.name}: Gladly lists {len(outcome.records):,} {self.listed} of the customer "
                f"{change.id} and no more. Those that change are in the stream {self.listed}."
            )
        return super().records_of(index, change, outcome)
