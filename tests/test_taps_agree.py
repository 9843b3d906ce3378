"""The taps share no code at run time, so what both need stands in both; it stays the same there."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("module", ["__main__", "cli", "conform", "stopping"])
def test_modules_of_both(module: str) -> None:
    clari, gladly = (
        (ROOT / f"tap-{name}" / f"tap_{name}" / f"{module}.py").read_text(encoding="utf-8")
        for name in ("clari", "gladly")
    )
    for ours in ("tap_clari", "tap-clari", "TapClari"):
        clari = clari.replace(ours, ours.replace("clari", "gladly").replace("Clari", "Gladly"))
    assert gladly == clari
