"""The recipes: what stands in `docs/recipes.md` works as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
import typing as t
from fnmatch import fnmatch
from pathlib import Path

import yaml

from tests.running import selected_by_default

ROOT = Path(__file__).parent.parent


def yaml_blocks(page: str) -> list[dict[str, t.Any]]:
    """The pieces of `meltano.yml` that a page shows."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]


def test_meltano_takes_what_the_page_shows(tmp_path: Path) -> None:
    blocks = yaml_blocks("docs/recipes.md")
    assert blocks
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    for block in blocks:
        plugins = {
            kind: [*there, *block.get("plugins", {}).get(kind, ())]
            for kind, there in project["plugins"].items()
        }
        project = {**project, **block, "plugins": plugins}
        jobs = {job["name"] for job in project["jobs"]}
        assert {schedule["job"] for schedule in project["schedules"]} <= jobs
        named = {each["name"] for each in plugins["extractors"]}
        tasks = [task.split()[0] for job in project["jobs"] for task in job["tasks"]]
        assert set(tasks) <= named
    path = tmp_path / "meltano.yml"
    path.write_text(yaml.safe_dump(project))
    check = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        "vendor.meltano",
        str(path),
    ]
    run = subprocess.run(check, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


def selects(rules: list[str], stream: str) -> bool:
    """Whether a list of rules selects a stream, as Meltano reads it."""
    wanted = any(fnmatch(stream, rule.removesuffix(".*")) for rule in rules if rule[0] != "!")
    refused = any(fnmatch(stream, rule[1:].removesuffix(".*")) for rule in rules if rule[0] == "!")
    return wanted and not refused


def test_each_stream_is_read_every_hour_or_every_night() -> None:
    [recipe] = [block for block in yaml_blocks("docs/recipes.md") if "schedules" in block]
    rules = {each["name"]: each["select"] for each in recipe["plugins"]["extractors"]}
    for name, selected in selected_by_default("tap-gladly").items():
        readers = [plugin for plugin, each in rules.items() if selects(each, name)]
        assert len(readers) == (1 if selected else 0), (name, readers)
