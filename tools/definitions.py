"""`make definitions`: writes what is told of the taps into every file that tells it.

The taps tell their settings and capabilities themselves (`--about`), `definitions.yml` the rest.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import typing as t
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from tools import dictionary

if t.TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
TEXTS = Path(__file__).with_suffix(".yml")
TAPS = ("tap-clari", "tap-gladly")
LOADER = "target-postgres"
"""The one of `meltano.yml` that a README adds to a project of one's own."""

KINDS = {
    "array": "array",
    "boolean": "boolean",
    "integer": "integer",
    # What Meltano takes for a decimal from the environment, it cannot pass on to a tap, which takes
    # a text as well.
    "number": "string",
    "object": "object",
    "string": "string",
}
"""The kind of a setting, by its type in JSON."""

LOOKS_SECRET = re.compile("id|key|token|secret|password")
"""Names of settings that the Hub's tools hide, unless the definition says otherwise."""

Fields = dict[str, t.Any]


LONGEST_ON_A_LINE = 75


class _Dumper(yaml.SafeDumper):
    """Writes long texts, and those of several lines, as blocks."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else ">" if len(text) > LONGEST_ON_A_LINE and " " in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def _yaml(fields: Fields | list[Fields], *, sort_keys: bool = False) -> str:
    return yaml.dump(fields, Dumper=_Dumper, sort_keys=sort_keys, allow_unicode=True, width=90)


def about(tap: str) -> Fields:
    """What a tap says of itself."""
    return _output(tap, "--about", "--format=json")


def _output(tap: str, *options: str) -> Fields:
    command = [str(Path(sys.executable).parent / tap), *options]
    run = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - ours
    return t.cast("Fields", json.loads(run.stdout))


def _kind(setting: Fields) -> str:
    if setting.get("format") == "date-time":
        return "date_iso8601"
    return KINDS[next(kind for kind in setting["type"] if kind != "null")]


def _settings(properties: Fields) -> Iterator[Fields]:
    for name, setting in properties.items():
        fields = {"name": name, "label": setting["title"], "kind": _kind(setting)}
        if "default" in setting:
            fields["value"] = setting["default"]
        if setting.get("secret"):
            fields["sensitive"] = True
        yield {**fields, "description": setting["description"]}


def _for_the_hub(setting: Fields) -> Fields:
    if setting.get("sensitive"):
        return {**setting, "kind": "password"}
    if setting["kind"] == "string" and LOOKS_SECRET.search(setting["name"]):
        return {**setting, "sensitive": False}
    return setting


def _groups(needs: dict[str, list[str]]) -> list[list[str]]:
    """The settings that suffice together; each set once."""
    sets: dict[frozenset[str], list[str]] = {}
    for name, others in needs.items():
        sets.setdefault(frozenset((name, *others)), [name, *others])
    return list(sets.values())


class Definition:
    """The definition of a tap, in each form that is asked for.

    Args:
        tap: The tap's name.
        repository: The address of the repository.
        texts: What the tap does not say itself.
    """

    def __init__(self, tap: str, repository: str, texts: Fields) -> None:
        self._tap = tap
        self._repository = repository
        self._texts = texts
        self._about = about(tap)
        self._settings = list(_settings(self._about["settings"]["properties"]))

    def _plugin(self, pip_url: str) -> Fields:
        return {
            "name": self._tap,
            "namespace": self._tap.replace("-", "_"),
            "label": self._texts["label"],
            "description": self._texts["description"],
            "pip_url": pip_url,
            "executable": self._tap,
            "capabilities": sorted(self._about["capabilities"]),
            "select": ["*.*", *(f"!{stream}.*" for stream in self._texts["deselected"])],
            "settings_group_validation": _groups(self._about["settings"]["dependentRequired"]),
            "settings": self._settings,
        }

    def _published(self) -> Fields:
        return {
            **self._plugin(f"git+{self._repository}.git#subdirectory={self._tap}"),
            "variant": urlsplit(self._repository).path.split("/")[1].lower(),
            "repo": self._repository,
            "docs": f"{self._repository}/blob/main/{self._tap}/README.md",
        }

    def deselecting(self) -> str:
        """The commands that keep Meltano from reading the streams that are not for every day."""
        lines = [f"meltano select {self._tap} '*' '*'"]
        lines += [
            f"meltano select {self._tap} --exclude {stream} '*'"
            for stream in self._texts["deselected"]
        ]
        return "\n".join(lines) + "\n"

    def plugin_yml(self) -> str:
        """The definition that `meltano add --from-ref` takes."""
        comments = [
            "For meltano add --from-ref. Written by `make definitions`.",
            "Meltano does not take `select` from here and reads all streams. To leave out some:",
            *self.deselecting().splitlines(),
        ]
        return "".join(f"# {line}\n" for line in comments) + _yaml(self._published())

    def hub_yml(self) -> str:
        """The definition that Meltano Hub lists."""
        published = self._published()
        del published["executable"]  # It is the name.
        return _yaml(
            {
                **published,
                "settings": [_for_the_hub(each) for each in self._settings],
                "domain_url": self._texts["domain_url"],
                "keywords": self._texts["keywords"],
                "logo_url": f"/assets/logos/extractors/{self._tap.removeprefix('tap-')}.png",
                "maintenance_status": "active",
                "next_steps": "",
                "prereq": self._texts["prereq"],
                "quality": "silver",
                "settings_preamble": "",
                "supported_python_versions": self._about["supported_python_versions"],
                "usage": self._usage(),
            },
            sort_keys=True,
        )

    def _usage(self) -> str:
        return (
            "## Streams that are not for every day\n\n"
            f"Meltano reads all streams. {self._texts['deselected_because']} Leave out "
            f"{' and '.join(self._texts['deselected'])}, unless you need what they hold:\n\n"
            f"```sh\n{self.deselecting()}```\n"
        )

    def in_project(self, project: str) -> str:
        """The text of `meltano.yml` with the plugin in it."""
        entry = _yaml([self._plugin(f"-e ./{self._tap}")])
        entry = "".join(
            f"  {line}" if line.strip() else line for line in entry.splitlines(keepends=True)
        )
        return _replaced(rf"^  - name: {self._tap}\n    namespace:.*?\n(?=\n|  - )", entry, project)

    def in_readme(self, readme: str) -> str:
        """The text of the tap's README with its own settings in it."""
        rows = ["| setting | default | what it does |", "| --- | --- | --- |"]
        for setting in self._settings:
            default = f"`{json.dumps(setting['value'])}`" if "value" in setting else ""
            rows.append(f"| `{setting['name']}` | {default} | {setting['description']} |")
            if setting["name"] == "user_agent":
                break  # The SDK's own follow.
        text = _replaced(r"^\| setting \|.*?\n(?=\n)", "\n".join(rows) + "\n", readme)
        return _replaced(rf"^meltano select {self._tap}.*?(?=```)", self.deselecting(), text)

    def tables(self, readme: str) -> str:
        """The page of the tap's tables, with the catalog that it has without settings."""
        relations = yaml.safe_load((ROOT / self._tap / "relations.yml").read_text(encoding="utf-8"))
        found = ROOT / self._tap / "words.md"
        words = found.read_text(encoding="utf-8") if found.exists() else ""
        catalog = _output(self._tap, "--discover")
        return dictionary.page(self._tap, catalog, readme, relations, words)


def loader_yml(project: str) -> str:
    """The loader of a project's `meltano.yml`, as `meltano add --from-ref` takes it."""
    loaders = yaml.safe_load(project)["plugins"]["loaders"]
    [loader] = [each for each in loaders if each["name"] == LOADER]
    return "# For meltano add --from-ref. `make definitions` takes it from meltano.yml.\n" + _yaml(
        loader
    )


def _replaced(pattern: str, text: str, whole: str) -> str:
    replaced, count = re.subn(pattern, lambda _: text, whole, flags=re.MULTILINE | re.DOTALL)
    if count != 1:
        message = f"{pattern!r} is there {count} times, and belongs there once"
        raise ValueError(message)
    return replaced


def _named_repository() -> str:
    """The address of the repository that the files have now."""
    text = (ROOT / TAPS[0] / "pyproject.toml").read_text(encoding="utf-8")
    [address] = re.findall(r'^Repository = "(.*)"$', text, re.MULTILINE)
    return str(address)


def files() -> dict[Path, str]:
    """Every file that tells of the taps, and what it has to say."""
    texts = yaml.safe_load(TEXTS.read_text(encoding="utf-8"))
    definitions = {tap: Definition(tap, texts["repository"], texts["taps"][tap]) for tap in TAPS}
    named = _named_repository()
    pages = (
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("tap-*/*.md"),
        *ROOT.glob("tap-*/pyproject.toml"),
        ROOT / "meltano.yml",
    )
    told = {
        page: page.read_text(encoding="utf-8").replace(named, texts["repository"]) for page in pages
    }
    for tap, definition in definitions.items():
        told[ROOT / tap / "plugin.yml"] = definition.plugin_yml()
        told[ROOT / tap / "hub.yml"] = definition.hub_yml()
        told[ROOT / "meltano.yml"] = definition.in_project(told[ROOT / "meltano.yml"])
        readme = ROOT / tap / "README.md"
        told[readme] = definition.in_readme(told[readme])
        tables = ROOT / "docs" / f"tables-{tap.removeprefix('tap-')}.md"
        told[tables] = definition.tables(told[readme])
    told[ROOT / "docs" / f"{LOADER}.yml"] = loader_yml(told[ROOT / "meltano.yml"])
    return told


def main() -> None:
    """Write the files that differ, and name them."""
    for path, text in files().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")  # noqa: T201 - a command


if __name__ == "__main__":
    main()
