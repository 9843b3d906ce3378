"""The settings of the SDK reach a tap through Meltano, whichever way they are set."""

from __future__ import annotations

import json
import os
import subprocess
import typing as t

import pytest
import yaml

from tests.clari.conftest import config as copilot_config
from tests.pipeline import MELTANO, ROOT
from tests.running import BIN
from tests.sandbox.copilot import CopilotSandbox

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.running import Record

TAP = "tap-clari"
MAP = {"email": "md5(email + config['salt'])", "crm__id": "id"}


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    """The environment that points the tap at an account of its own."""
    with CopilotSandbox(calls=1, requests_per_second=None) as copilot:
        own = {
            f"TAP_CLARI_{name.upper()}": str(value)
            for name, value in copilot_config(copilot).items()
        }
        others = {name: each for name, each in os.environ.items() if not name.startswith("TAP_")}
        yield {**others, **own, "TAP_CLARI__SELECT": '["users.*"]'}


def test_a_map_is_applied_whichever_way_it_is_set(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    plugin: Record = yaml.safe_load((ROOT / TAP / "plugin.yml").read_text(encoding="utf-8"))
    del plugin["pip_url"]
    # One setting by each way; each of them was tried with each setting by hand.
    plugin |= {"executable": str(BIN / TAP), "config": {"flattening_enabled": True}}
    project = {"send_anonymous_usage_stats": False, "plugins": {"extractors": [plugin]}}
    (tmp_path / "meltano.yml").write_text(yaml.safe_dump(project), encoding="utf-8")
    environment |= {
        "TAP_CLARI_STREAM_MAP_CONFIG": '{"salt": "pepper"}',
        "TAP_CLARI_FLATTENING_MAX_DEPTH": "1",
    }

    def meltano(*arguments: str) -> str:
        return subprocess.run(
            [MELTANO, *arguments],
            cwd=tmp_path,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    meltano("config", "set", TAP, "stream_maps.users", json.dumps(MAP))
    messages = [json.loads(line) for line in meltano("invoke", TAP).splitlines()]
    records = [each["record"] for each in messages if each["type"] == "RECORD"]
    assert records
    assert all(len(each["email"]) == 32 and each["crm__id"] == each["id"] for each in records)
    [schema] = [each["schema"] for each in messages if each["type"] == "SCHEMA"]
    assert schema["properties"]["_extra"]["type"] == ["string", "null"]
