"""What a page says once a real browser has run its scripts."""

from __future__ import annotations

import shutil
import subprocess
import typing as t

import pytest

if t.TYPE_CHECKING:
    from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def rendered(page: Path, profile: Path) -> str:
    """The page's document after ten seconds of its own time, without a network.

    The test is skipped where no browser is installed.

    Args:
        page: The file.
        profile: An empty folder for the browser.
    """
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip(f"none of {', '.join(BROWSERS)} is installed")
    options = (
        *("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"),
        *("--disable-component-update", "--disable-sync", "--no-first-run"),
        *(f"--user-data-dir={profile}", "--virtual-time-budget=10000"),
        *("--host-resolver-rules=MAP * ~NOTFOUND", "--dump-dom"),
    )
    run = subprocess.run(
        [browser, *options, page.as_uri()], check=True, capture_output=True, text=True, timeout=120
    )
    return run.stdout
