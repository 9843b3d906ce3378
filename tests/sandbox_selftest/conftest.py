"""A local Gladly for the tests of it; other modules have their servers themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sandbox.gladly import GladlySandbox
from tests.sandbox_selftest.gladly_client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def shared() -> Iterator[GladlySandbox]:
    with GladlySandbox(seed=3) as gladly:
        yield gladly


@pytest.fixture
def client(shared: GladlySandbox) -> Client:
    """Return a client of a sandbox that the test must not change."""
    return Client(shared)


@pytest.fixture
def own() -> Iterator[Client]:
    with GladlySandbox(history_days=2) as gladly:
        yield Client(gladly)
