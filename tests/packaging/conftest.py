"""A checkout of one tap and the kit, for builds that change it."""

from __future__ import annotations

import shutil
import typing as t
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


class Checkout(t.NamedTuple):
    """A folder that holds the kit and one tap, as a checkout of the repository does."""

    root: Path
    tap: str
    """Also the name of its folder, and of its command."""

    @property
    def folder(self) -> Path:
        """The tap's folder."""
        return self.root / self.tap

    @property
    def package(self) -> str:
        """The name of the tap's package."""
        return self.tap.replace("-", "_")

    @property
    def link(self) -> Path:
        """The kit within the package."""
        return self.folder / self.package / "kit"


@pytest.fixture(params=["tap-clari", "tap-gladly"])
def checkout(request: pytest.FixtureRequest, tmp_path: Path) -> Checkout:
    """Copy one tap and the kit; links stay links."""
    root = tmp_path / "checkout"
    for folder in ("kit", request.param):
        shutil.copytree(
            ROOT / folder,
            root / folder,
            symlinks=True,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    return Checkout(root, request.param)
