"""A tap installs alone, with pip and with uv, from a folder and from git: real installations.

`make test-install` runs them. They need the network, for hatchling and what the taps depend on.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import typing as t

import pytest

from tests.running import BIN

if t.TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.packaging.conftest import Checkout

pytestmark = pytest.mark.install

NO_LINKS = {
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "core.symlinks",
    "GIT_CONFIG_VALUE_0": "false",
}
"""Makes git write links as text files, as it does on Windows by default."""

Environment = dict[str, str]


def run(*command: str | Path, **environment: str) -> str:
    """Run a command to its end, and return what it writes to stdout and stderr."""
    done = subprocess.run(
        command,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def install_with_pip(source: str, venv: Path, environment: Environment) -> None:
    run(sys.executable, "-m", "venv", venv)
    run(venv / "bin" / "python", "-m", "pip", "install", source, **environment)


def install_with_uv(source: str, venv: Path, environment: Environment) -> None:
    """Install without uv's cache of what it built, in which an earlier build would be found."""
    run(BIN / "uv", "venv", "--python", sys.executable, venv)
    python = venv / "bin" / "python"
    run(BIN / "uv", "pip", "install", "--refresh", "--python", python, source, **environment)


def from_folder(checkout: Checkout) -> tuple[str, Environment]:
    return str(checkout.folder), {}


def from_git(checkout: Checkout) -> tuple[str, Environment]:
    """Commit the checkout."""
    git = ("git", "-C", checkout.root, "-c", "user.name=x", "-c", "user.email=x@example.com")
    run(*git, "init", "--quiet")
    run(*git, "add", "--all")
    run(*git, "commit", "--quiet", "--message=x")
    return f"git+file://{checkout.root}#subdirectory={checkout.tap}", {}


def from_git_without_links(checkout: Checkout) -> tuple[str, Environment]:
    return from_git(checkout)[0], NO_LINKS


@pytest.mark.parametrize("install", [install_with_pip, install_with_uv])
@pytest.mark.parametrize("source", [from_folder, from_git, from_git_without_links])
def test_the_tap_installs_alone(
    install: Callable[[str, Path, Environment], None],
    source: Callable[[Checkout], tuple[str, Environment]],
    checkout: Checkout,
    tmp_path: Path,
) -> None:
    venv = tmp_path / "venv"
    address, environment = source(checkout)
    install(address, venv, environment)
    shutil.rmtree(checkout.root)

    about = run(venv / "bin" / checkout.tap, "--about")
    kit = run(
        venv / "bin" / "python", "-c", f"import {checkout.package}.kit as k; print(k.__file__)"
    )

    assert about.startswith(f"Name: {checkout.tap}\n")
    assert kit.startswith(str(venv))
