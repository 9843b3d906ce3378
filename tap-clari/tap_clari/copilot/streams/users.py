"""Users of Copilot."""

from __future__ import annotations

from tap_clari.copilot.client import CopilotStream


class UsersStream(CopilotStream):
    """All current users (`/users`)."""

    name = "users"
    path = "/users"
    list_names = ("users",)
    primary_keys = ("id",)
    is_reference_data = True
