"""What Copilot keeps of the CRM: accounts, contacts and deals, found through the calls."""

from __future__ import annotations

from tap_clari.changed_calls import LinkedObjectsStream


class AccountsStream(LinkedObjectsStream):
    """Accounts that the run's calls belong to (`/get-account`)."""

    name = "accounts"
    path = "/get-account"
    link = "account_id"
    primary_keys = ("id",)


class ContactsStream(LinkedObjectsStream):
    """Contacts that took part in the run's calls (`/get-contact`)."""

    name = "contacts"
    path = "/get-contact"
    link = "contact_ids"
    primary_keys = ("id",)


class DealsStream(LinkedObjectsStream):
    """Deals that the run's calls belong to (`/get-deal`)."""

    name = "deals"
    path = "/get-deal"
    link = "deal_id"
    primary_keys = ("id",)
