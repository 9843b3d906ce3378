"""The settings of each tap stand in four places; they say the same."""

from __future__ import annotations

import importlib
import json
import re
import typing as t
from pathlib import Path

import pytest
import yaml

from tests.running import Tap

ROOT = Path(__file__).parent.parent
KINDS = {
    "string": {"string", "date_iso8601"},
    "integer": {"integer"},
    # What Meltano takes from the environment for a decimal, it cannot pass on to a tap.
    "number": {"string"},
    "boolean": {"boolean"},
    "array": {"array"},
}

Setting = dict[str, t.Any]


@pytest.fixture(scope="module", params=["tap-clari", "tap-gladly"])
def tap(request: pytest.FixtureRequest) -> str:
    """The tap's name."""
    return str(request.param)


@pytest.fixture(scope="module")
def about(tap: str) -> dict[str, t.Any]:
    """What the tap says of itself."""
    _, out, _ = Tap(tap, {}).output("--about", "--format=json")
    return dict(json.loads(out))


@pytest.fixture(scope="module")
def settings(about: dict[str, t.Any]) -> dict[str, Setting]:
    """The tap's own settings; those that the SDK adds come after `user_agent`."""
    own: dict[str, Setting] = {}
    for name, setting in about["settings"]["properties"].items():
        own[name] = setting
        if name == "user_agent":
            break
    return own


def test_meltano_yml(tap: str, about: dict[str, t.Any], settings: dict[str, Setting]) -> None:
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    [plugin] = [each for each in project["plugins"]["extractors"] if each["name"] == tap]
    declared = {each["name"]: each for each in plugin["settings"]}
    # With those of the SDK, which Meltano passes on only if it knows them.
    assert list(declared) == list(about["settings"]["properties"])
    assert declared["stream_maps"]["kind"] == declared["batch_config"]["kind"] == "object"
    for name, setting in settings.items():
        there = declared[name]
        assert there["description"] == setting["description"], name
        assert there["label"] == setting["title"], name
        assert there.get("value") == setting.get("default"), name
        assert there.get("sensitive", False) == setting.get("secret", False), name
        assert (there["kind"] == "date_iso8601") == (setting.get("format") == "date-time"), name
        kind = next(each for each in setting["type"] if each != "null")
        assert there["kind"] in KINDS[kind], name
    assert sorted(plugin["capabilities"]) == sorted(about["capabilities"])


def test_env_example(tap: str, settings: dict[str, Setting]) -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    prefix = tap.upper().replace("-", "_")
    lines = dict(re.findall(rf"^#?{prefix}_(\w+)=(.*)$", text, re.MULTILINE))
    assert [name.lower() for name in lines] == list(settings)
    for name, setting in settings.items():
        value = lines[name.upper()]
        if setting.get("secret"):
            assert not value, "a secret must not be committed"
        elif "default" in setting:
            assert value in {str(setting["default"]), json.dumps(setting["default"])}, name


def test_readme(tap: str, settings: dict[str, Setting]) -> None:
    text = (ROOT / tap / "README.md").read_text(encoding="utf-8")
    table = text.split("## Settings", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| `(\w+)` \| (.*?) ?\| (.*) \|$", table, re.MULTILINE)
    assert [name for name, _, _ in rows] == list(settings)
    for name, default, description in rows:
        setting = settings[name]
        shown = f"`{json.dumps(setting['default'])}`" if "default" in setting else ""
        assert (default, description) == (shown, setting["description"]), name


def test_the_setting_names_the_streams_that_rarely_change(
    tap: str, settings: dict[str, Setting]
) -> None:
    package = tap.replace("-", "_")
    rare = set()
    for path in (ROOT / tap / package).rglob("streams/*.py"):
        name = ".".join(path.relative_to(ROOT / tap).with_suffix("").parts)
        for each in vars(importlib.import_module(name.removesuffix(".__init__"))).values():
            if isinstance(each, type) and getattr(each, "is_reference_data", False):
                rare.add(getattr(each, "name", None))
    told = settings["reference_data_interval_hours"]["description"]
    [listed] = re.findall(r"\((.*?)\)", told)
    assert set(listed.split(", ")) == {each for each in rare if isinstance(each, str)}
