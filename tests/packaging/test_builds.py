"""Wheel and sdist of a tap hold the kit, whatever the checkout made of the link to it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import typing as t
import zipfile
from pathlib import Path

import pytest

from tests.packaging.conftest import ROOT

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from tests.packaging.conftest import Checkout

Files = dict[str, bytes]


def text_file(link: Path) -> None:
    """Leave what git leaves with core.symlinks=false."""
    link.unlink()
    link.write_text("../../kit")


def broken_link(link: Path) -> None:
    link.unlink()
    link.symlink_to("../kit")


def nothing(link: Path) -> None:
    link.unlink()


without_a_link = pytest.mark.parametrize("change", [text_file, broken_link, nothing])


def hatchling(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Build in a folder, with the hatchling of the tests and without the network."""
    return subprocess.run(
        [sys.executable, "-m", "hatchling", "build", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


class Build(t.NamedTuple):
    """The files of a tap's wheel and of its sdist, by the path in either."""

    wheel: Files
    sdist: Files


def read_wheel(path: Path) -> Files:
    """Read all but the list of the files, whose order says how they got in."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        assert len(names) == len(set(names)), "a file is in the wheel twice"
        return {name: archive.read(name) for name in names if not name.endswith("/RECORD")}


def read_sdist(path: Path) -> Files:
    files = {}
    with tarfile.open(path) as archive:
        for member in archive:
            file = archive.extractfile(member)
            assert member.isfile(), f"{member.name} is no file"
            assert file is not None
            files[member.name.split("/", 1)[1]] = file.read()
    return files


def build(folder: Path, into: Path) -> Build:
    run = hatchling(folder, "-d", str(into))
    assert run.returncode == 0, run.stderr
    (wheel,) = into.glob("*.whl")
    (sdist,) = into.glob("*.tar.gz")
    return Build(read_wheel(wheel), read_sdist(sdist))


def kit_files(files: Files, package: str) -> Files:
    folder = f"{package}/kit"
    return {
        name.removeprefix(folder): content
        for name, content in files.items()
        if name.startswith(folder)
    }


def test_the_hook_is_the_same_in_both() -> None:
    clari, gladly = (
        (ROOT / tap / "hatch_build.py").read_bytes() for tap in ("tap-clari", "tap-gladly")
    )
    assert clari == gladly


def test_a_build_holds_the_kit_and_the_licence(checkout: Checkout, tmp_path: Path) -> None:
    assert checkout.link.readlink() == Path("../../kit")
    kit = {
        f"/{path.relative_to(ROOT / 'kit').as_posix()}": path.read_bytes()
        for path in (ROOT / "kit").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    built = build(checkout.folder, tmp_path / "dist")

    assert "/__init__.py" in kit
    assert kit_files(built.wheel, checkout.package) == kit
    assert kit_files(built.sdist, checkout.package) == kit
    licence = (ROOT / "LICENSE").read_bytes()
    assert built.sdist["LICENSE"] == licence
    (in_wheel,) = (path for path in built.wheel if path.endswith(".dist-info/licenses/LICENSE"))
    assert built.wheel[in_wheel] == licence


def test_the_wheel_of_an_sdist_is_the_wheel(checkout: Checkout, tmp_path: Path) -> None:
    built = build(checkout.folder, tmp_path / "dist")
    for name, content in built.sdist.items():
        path = tmp_path / "unpacked" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    assert build(tmp_path / "unpacked", tmp_path / "dist of the sdist") == built


@without_a_link
def test_a_checkout_without_a_link(
    change: Callable[[Path], None], checkout: Checkout, tmp_path: Path
) -> None:
    with_link = build(checkout.folder, tmp_path / "dist")
    (checkout.root / "kit" / "__pycache__").mkdir()
    (checkout.root / "kit" / "__pycache__" / "session.pyc").touch()
    change(checkout.link)

    assert build(checkout.folder, tmp_path / "dist without a link") == with_link


@without_a_link
@pytest.mark.parametrize("target", ["sdist", "wheel"])
def test_no_kit_at_all(
    change: Callable[[Path], None], target: str, checkout: Checkout, tmp_path: Path
) -> None:
    change(checkout.link)
    shutil.rmtree(checkout.root / "kit")

    run = hatchling(checkout.folder, "-t", target, "-d", str(tmp_path / "dist"))

    assert run.returncode == 1
    assert run.stderr == (
        f"{checkout.package}/kit is no folder, and there is no ../kit to take its place: build "
        "from a whole checkout of the repository (with pip, 21.3 or newer), or from an sdist.\n"
    )
    assert not list(tmp_path.glob("dist/*"))


@without_a_link
def test_an_editable_installation_needs_the_link(
    change: Callable[[Path], None], checkout: Checkout, tmp_path: Path
) -> None:
    change(checkout.link)

    run = hatchling(checkout.folder, "-t", "wheel:editable", "-d", str(tmp_path / "dist"))

    assert run.returncode == 1
    assert run.stderr == (
        f"{checkout.package}/kit is no link to ../../kit, and an editable installation needs it: "
        f"make the link (git config core.symlinks true; git checkout {checkout.package}/kit), or "
        "install without -e.\n"
    )
    assert not list(tmp_path.glob("dist/*"))
