"""The CRM that both APIs of Clari show: its ids, and which deal is of which account and owner."""

from __future__ import annotations

from tests.sandbox.people import PEOPLE
from tests.sandbox.randomness import Draws
from tests.sandbox.wording import wording

ACCOUNTS = 5
"""How many accounts there are at least; up to there, both APIs agree on a deal's account."""


def account_id(index: int) -> str:
    """Return the id of an account."""
    return f"0014x000018Ac{index:03}AA"


def opportunity_id(index: int) -> str:
    """Return the id of an opportunity, which Copilot calls a deal."""
    return f"0064x00000Op{index:04}AA"


def opportunity_name(index: int, account: int) -> str:
    """Return the name of an opportunity of an account."""
    return f"{wording().company(account)} / {index}"


def opportunity_owner(index: int) -> str:
    """Return the id in the CRM of an opportunity's owner, who is a representative."""
    return PEOPLE[4 + index % 9].crm_id


def opportunity_amount(seed: int, index: int) -> float:
    """Return what an opportunity is worth."""
    return 10_000.5 + 500 * Draws(seed, index, b"amount").below(200)


def user_email(index: int) -> str:
    """Return the email address of a colleague; the first ones are in the forecast."""
    return f"user{index}@sales.example.com"


def contact_email(index: int) -> str | None:
    """Return the email address of a contact; some have a telephone only."""
    return None if index % 7 == 3 else f"contact{index}@example.com"
