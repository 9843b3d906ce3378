"""Builds the tap with its kit, also where the checkout has no symbolic links.

The package's `kit` is a link to `../../kit`. A checkout without links (Windows' default, some zip
archives) has a text file or nothing in its place, and hatchling would leave the kit out in silence.

Both taps have this file, and a test keeps the two alike. A tap is built from its own folder or from
its sdist, which hold nothing beside them, and a link to one file would fail where it is needed.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class KitHook(BuildHookInterface[t.Any]):
    """Adds the folder `../kit` to wheel and sdist if the package does not hold it."""

    def initialize(self, version: str, build_data: dict[str, t.Any]) -> None:
        """Add the folder, or end the build with a sentence; `version` is standard or editable."""
        package = self.metadata.core.name.replace("-", "_")
        if Path(self.root, package, "kit", "__init__.py").is_file():
            return  # A link that works, or the real folder in an sdist.
        kit = Path(self.root).parent / "kit"
        if not (kit / "__init__.py").is_file():
            self.app.abort(
                f"{package}/kit is no folder, and there is no ../kit to take its place: build "
                "from a whole checkout of the repository (with pip, 21.3 or newer), or from an "
                "sdist."
            )
        if version == "editable":
            self.app.abort(
                f"{package}/kit is no link to ../../kit, and an editable installation needs it: "
                "make the link (git config core.symlinks true; git checkout "
                f"{package}/kit), or install without -e."
            )
        build_data["force_include"][str(kit)] = f"{package}/kit"
