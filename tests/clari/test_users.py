"""Users."""

from __future__ import annotations

import typing as t

from tests.clari.truth import assert_loaded

if t.TYPE_CHECKING:
    from tests.clari.conftest import Copilot


def test_all_users_arrive(copilot: Copilot) -> None:
    run = copilot.tap.run("users")
    assert_loaded(run, "users", {user["id"]: user for user in copilot.sandbox.account.users()})
    assert copilot.sandbox.traffic.count() == 1
