"""The loaders of the recipes: DuckDB is loaded, the others have the settings that are shown."""

from __future__ import annotations

import json
import subprocess
import typing as t

import pytest
import yaml

from tests.meltano.conftest import ClariPipeline
from tests.pipeline import Meltano
from tests.postgres import PostgresServer
from tests.sandbox.copilot import CopilotSandbox
from tests.sandbox.revenue import RevenueSandbox
from tests.targets.environments import environment
from tests.targets.targets import TARGETS
from tests.targets.translators import TRANSLATORS
from tests.test_recipes import yaml_blocks

if t.TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.recipes


def loaders() -> dict[str, dict[str, t.Any]]:
    """The loaders of the recipe, by name."""
    [block] = [each for each in yaml_blocks("docs/recipes.md") if "loaders" in each["plugins"]]
    return {each["name"]: each for each in block["plugins"]["loaders"]}


@pytest.mark.parametrize("name", ["target-snowflake", "target-bigquery"])
def test_a_warehouse_has_the_settings_that_are_shown(name: str) -> None:
    loader = loaders()[name]
    [tried] = [each for each in TRANSLATORS.values() if name.split("-")[1] in each.requirement]
    assert loader["pip_url"].split() == [tried.requirement.replace("==", "~="), *tried.also]
    programs = environment(tried.requirement, tried.pythons, *tried.also)
    about = subprocess.run(
        [programs / name, "--about", "--format=json"], check=True, capture_output=True, text=True
    )
    known = json.loads(about.stdout)["settings"]["properties"]
    assert set(loader["config"]) <= set(known)
    assert {each["name"] for each in loader.get("settings", ())} <= set(known)


def test_duckdb_is_loaded_with_the_settings_that_are_shown(tmp_path: Path) -> None:
    loader = loaders()["target-duckdb"]
    assert loader["pip_url"] == TARGETS["target-duckdb"].requirement.replace("==", "~=")
    with (
        PostgresServer() as postgres,
        CopilotSandbox(calls=30, requests_per_second=None) as copilot,
        RevenueSandbox() as revenue,
    ):
        meltano = Meltano(tmp_path / "project", postgres, copilot=copilot, revenue=revenue)
        file = tmp_path / "project" / "meltano.yml"
        project = yaml.safe_load(file.read_text(encoding="utf-8"))
        project["plugins"]["loaders"].append(loader)
        file.write_text(yaml.safe_dump(project), encoding="utf-8")
        meltano.install("tap-clari", "target-duckdb")
        for _ in range(2):
            meltano.run("tap-clari", "target-duckdb")
        python = environment(TARGETS["target-duckdb"].requirement, ()) / "python"
        count = (
            "import duckdb, json; connection = duckdb.connect('warehouse.duckdb'); "
            "print(json.dumps(connection.execute("
            "'SELECT id FROM tap_clari.calls').fetchall()))"
        )
        read = subprocess.run(
            [python, "-c", count], cwd=file.parent, check=True, capture_output=True, text=True
        )
        pipeline = ClariPipeline(postgres, meltano, copilot, revenue)
        calls = pipeline.copilot.account.call_ids(private=False)
        assert sorted(each for (each,) in json.loads(read.stdout)) == sorted(calls)
