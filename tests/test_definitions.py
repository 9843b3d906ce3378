"""What is written of the taps is what they say themselves, and Meltano takes it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml

from tests.pipeline import MELTANO
from tests.relations import relations
from tests.running import discovered, selected_by_default, walk
from tools import definitions

ROOT = Path(__file__).parent.parent

Fields = dict[str, t.Any]


@pytest.fixture(params=definitions.TAPS)
def tap(request: pytest.FixtureRequest) -> str:
    """The tap's name."""
    return str(request.param)


def test_every_file_says_what_the_taps_say() -> None:
    differing = [
        str(path.relative_to(ROOT))
        for path, text in definitions.files().items()
        if path.read_text(encoding="utf-8") != text
    ]
    assert not differing, "make definitions"


def test_the_owner_names_the_repository_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "checkout"
    shutil.copytree(
        ROOT, copy, symlinks=True, ignore=lambda _, names: [n for n in names if n.startswith(".")]
    )
    texts = (copy / "tools" / "definitions.yml").read_text()
    placeholder = yaml.safe_load(texts)["repository"]
    address = "https://forge.example/acme/taps"
    (copy / "tools" / "definitions.yml").write_text(texts.replace(placeholder, address))
    monkeypatch.setattr(definitions, "ROOT", copy)
    monkeypatch.setattr(definitions, "TEXTS", copy / "tools" / "definitions.yml")

    definitions.main()

    for tap in definitions.TAPS:
        plugin = yaml.safe_load((copy / tap / "plugin.yml").read_text())
        assert plugin["pip_url"] == f"git+{address}.git#subdirectory={tap}"
        assert plugin["variant"] == "acme"
        assert f'Repository = "{address}"' in (copy / tap / "pyproject.toml").read_text()
    left = [
        path
        for path in copy.rglob("*")
        if path.is_file() and not path.is_symlink() and placeholder.encode() in path.read_bytes()
    ]
    assert not left


def test_the_readme_lists_every_stream(tap: str) -> None:
    readme = (ROOT / tap / "README.md").read_text(encoding="utf-8")
    section = readme.split("\n## Streams\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    listed = [name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert sorted(listed) == sorted(selected_by_default(tap))


def test_the_streams_to_leave_out_are_those_that_the_tap_leaves_out(tap: str) -> None:
    left_out = [name for name, selected in selected_by_default(tap).items() if not selected]
    plugin = yaml.safe_load((ROOT / tap / "plugin.yml").read_text(encoding="utf-8"))
    assert plugin["select"][0] == "*.*"
    assert sorted(plugin["select"][1:]) == sorted(f"!{name}.*" for name in left_out)
    in_one_command = f"meltano config set {tap} _select '{json.dumps(plugin['select'])}'"
    assert in_one_command in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_hub_has_its_order_of_keys_and_hides_secrets_only(tap: str) -> None:
    hub = yaml.safe_load((ROOT / tap / "hub.yml").read_text(encoding="utf-8"))
    for fields in (hub, *hub["settings"]):
        assert list(fields) == sorted(fields)
    secret = {
        name
        for name, setting in definitions.about(tap)["settings"]["properties"].items()
        if setting.get("secret")
    }
    assert secret
    hidden = {each["name"] for each in hub["settings"] if each["kind"] == "password"}
    assert hidden == secret == {each["name"] for each in hub["settings"] if each.get("sensitive")}
    # The Hub's tools take these for secrets, unless they are told.
    for setting in hub["settings"]:
        looks_secret = re.search("id|key|token|secret|password", setting["name"])
        if setting["kind"] == "string" and looks_secret:
            assert setting["sensitive"] is False


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty Meltano project."""
    (tmp_path / "meltano.yml").write_text("send_anonymous_usage_stats: false\n")
    return tmp_path


def meltano(project: Path, *arguments: str, **environment: str) -> str:
    """What a command of Meltano prints."""
    run = subprocess.run(
        [MELTANO, *arguments],
        cwd=project,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def test_meltano_takes_the_definition_and_leaves_out_what_the_readme_says(project: Path) -> None:
    tap = "tap-clari"
    adding = ("add", "--no-install", "--plugin-type", "extractor", tap)
    meltano(project, *adding, "--from-ref", str(ROOT / tap / "plugin.yml"))
    readme = (ROOT / tap / "README.md").read_text(encoding="utf-8")
    commands = re.findall(rf"^meltano (select {tap} .*)$", readme, re.MULTILINE)
    for command in commands:
        meltano(project, *command.replace("'", "").split())

    [plugin] = yaml.safe_load((project / "meltano.yml").read_text())["plugins"]["extractors"]
    definition = yaml.safe_load((ROOT / tap / "plugin.yml").read_text(encoding="utf-8"))
    assert plugin["select"] == definition["select"]
    assert plugin["settings"] == definition["settings"]

    # The SDK's settings are known with their kinds, so that a text of the environment becomes one.
    prefix = tap.upper().replace("-", "_")
    maps = {"agents": {"email": "md5(email)"}}
    environment = {
        f"{prefix}_STREAM_MAPS": json.dumps(maps),
        f"{prefix}_FLATTENING_ENABLED": "true",
    }
    config = json.loads(meltano(project, "config", "print", tap, "--format=json", **environment))
    assert config["stream_maps"] == maps
    assert config["flattening_enabled"] is True


def test_a_page_lists_every_table_with_its_columns_and_relations(tap: str) -> None:
    page = (ROOT / "docs" / f"tables-{tap.removeprefix('tap-')}.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## `(\w+)`\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    streams = {each["tap_stream_id"]: each for each in discovered(tap)["streams"]}
    assert sorted(sections) == sorted(streams)
    for name, section in sections.items():
        for path, member in walk(streams[name]["schema"]):
            if not path.startswith("_extra") and "[][]" not in path:
                column = f"| `{path.replace('.[]', '[]')}` |"
                assert (column in section) == (not path.endswith("[]")), (name, path)
                assert path.endswith("[]") or member["description"] in section.replace("\\|", "|")
    for relation in relations(tap):
        columns = ", ".join(f"`{each}`" for each in relation.columns)
        assert f"- {columns} refers to " in sections[relation.stream]
        assert f"[`{relation.to}`](#{relation.to})" in sections[relation.stream]
