"""A virtual environment for each target, made once and kept in `.tools`."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from tests.running import BIN

if t.TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parents[2] / ".tools" / "targets"


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """Let one of the processes that run tests do something at a time."""
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def environment(requirement: str, pythons: t.Sequence[str], *also: str) -> Path:
    """The folder of a target's programs, installed if need be.

    Args:
        requirement: The target's package and version.
        pythons: Versions of Python that it can be installed with; none for any.
        also: Packages that it needs without saying so.
    """
    python = _python(pythons)
    if python is None:
        pytest.skip(f"{requirement} needs Python {' or '.join(pythons)}, and here is none.")
    FOLDER.mkdir(parents=True, exist_ok=True)
    name = requirement.replace("==", "-")
    venv, stamp = FOLDER / name, FOLDER / f"{name}.made"
    made_with = f"{python} {venv} {also}"
    with locked(FOLDER / f"{name}.lock"):
        if not stamp.exists() or stamp.read_text(encoding="utf-8") != made_with:
            shutil.rmtree(venv, ignore_errors=True)
            _run(BIN / "uv", "venv", "--quiet", "--python", python, venv)
            _run(BIN / "uv", "pip", "install", "--quiet", "--python", venv, requirement, *also)
            stamp.write_text(made_with, encoding="utf-8")
    return venv / "bin"


def _python(versions: t.Sequence[str]) -> str | None:
    """A Python of one of these versions: the running one, or one on the PATH that does run."""
    if not versions or "{}.{}".format(*sys.version_info) in versions:
        return sys.executable
    candidates = filter(None, (shutil.which(f"python{version}") for version in versions))
    for found in candidates:
        if subprocess.run([found, "--version"], capture_output=True, check=False).returncode == 0:
            return found
    return None


def _run(*command: str | Path) -> None:
    done = subprocess.run(
        command,
        env={**os.environ, "UV_PYTHON_DOWNLOADS": "never"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
