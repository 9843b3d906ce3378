"""The Dockerfile's commands make a project whose runs write into its volumes and nowhere else.

`make recipes` runs it, without Docker: the project is a folder that the run's user cannot write.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path

import pytest
import yaml

from tests.meltano.comparing import assert_table
from tests.meltano.conftest import ClariPipeline
from tests.pipeline import Meltano
from tests.postgres import PostgresServer
from tests.sandbox.copilot import CopilotSandbox
from tests.sandbox.revenue import RevenueSandbox

if t.TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = Path(__file__).parents[2] / "examples"
NOBODY = 65534


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile, each in a line."""
    text = (EXAMPLES / "container" / "Dockerfile").read_text(encoding="utf-8")
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    lines = [line.split(" ", 1) for line in text.splitlines() if line.strip()]
    return [(word, rest) for word, rest in lines]


def volumes() -> list[str]:
    """What a run writes."""
    [found] = [rest for word, rest in instructions() if word == "VOLUME"]
    return list(yaml.safe_load(found))


def test_kubernetes_gives_the_image_what_it_needs() -> None:
    text = (EXAMPLES / "kubernetes" / "cronjob.yaml").read_text(encoding="utf-8")
    job = yaml.safe_load(text)["spec"]["jobTemplate"]["spec"]
    pod = job["template"]["spec"]
    [container] = pod["containers"]
    mounted = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
    assert sorted(mounted.values()) == sorted(volumes())
    assert {each["name"] for each in pod["volumes"]} == set(mounted)
    [user] = [rest for word, rest in instructions() if word == "RUN" and "useradd" in rest]
    assert f"--uid {pod['securityContext']['runAsUser']} " in user
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["args"][0] == "run"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that another user may enter, other than those of pytest."""
    with tempfile.TemporaryDirectory(prefix="image-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def python_for_anyone() -> str:
    """A Python that another user can start too: root's own may lie where nobody else may look."""
    for python in (
        sys.executable,
        *filter(None, map(shutil.which, ("python3", "/usr/bin/python3"))),
    ):
        with contextlib.suppress(PermissionError):
            command = [
                os.path.realpath(python),
                "-c",
                "import sys; sys.exit(sys.version_info < (3, 10))",
            ]
            if subprocess.run(command, user=NOBODY, check=False).returncode == 0:
                return python
    pytest.skip("no Python here can be started by another user")


@pytest.mark.recipes
@pytest.mark.skipif(os.getuid() != 0, reason="only root can run something as another user")
def test_the_image_writes_into_its_volumes_only(folder: Path) -> None:
    project = folder / "project"
    python = python_for_anyone()
    with contextlib.ExitStack() as running:
        postgres = running.enter_context(PostgresServer())
        copilot = running.enter_context(CopilotSandbox(calls=30, requests_per_second=None))
        revenue = running.enter_context(RevenueSandbox())
        meltano = Meltano(project, postgres, copilot=copilot, revenue=revenue)
        said = [(word, rest) for word, rest in instructions() if word in {"RUN", "USER"}]
        begun = said.index(("USER", "meltano"))
        [pip] = [rest for word, rest in said[:begun] if "pip install" in rest]
        subprocess.run([python, "-m", "venv", folder / "venv"], check=True)
        path = f"{folder / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
        made = {**meltano.environment, "PATH": path}
        for command in (pip, *(rest for word, rest in said[begun:] if word == "RUN")):
            subprocess.run(["bash", "-ec", command], cwd=project, env=made, check=True)

        written = []
        for volume in volumes():
            place = folder / volume.lstrip("/")
            place.mkdir(exist_ok=True)
            os.chown(place, NOBODY, NOBODY)
            written.append(place)
        before = files(folder, written)
        dsn = postgres.dsn.replace("postgresql://", "postgresql+psycopg://")
        done = subprocess.run(
            [folder / "venv" / "bin" / "meltano", "run", "tap-clari", "target-postgres"],
            cwd=project,
            env={
                **made,
                "HOME": str(folder / "tmp"),
                "TMPDIR": str(folder / "tmp"),
                "MELTANO_DATABASE_URI": f"{dsn}?sslmode=disable",
            },
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-6000:]
        assert files(folder, written) == before
        pipeline = ClariPipeline(postgres, meltano, copilot, revenue)
        account = copilot.account
        calls = [account.listed(each) for each in account.call_ids(private=False)]
        assert_table(pipeline, "calls", ("id",), calls)


def files(folder: Path, without: t.Iterable[Path]) -> dict[Path, int]:
    """When each file of a folder was written last."""
    excluded = tuple(without)
    return {
        path: path.lstat().st_mtime_ns
        for path in folder.rglob("*")
        if not any(path.is_relative_to(each) for each in excluded)
    }
