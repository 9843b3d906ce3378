"""A vendor's document that changed is named."""

from __future__ import annotations

import threading
import typing as t
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tools import documents

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def vendor(tmp_path: Path) -> Iterator[str]:
    """A server that serves the files of a folder."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


def test_a_document_that_changed_is_named(
    vendor: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    documented = tmp_path / "documents.yml"
    entries = "".join(
        f"- name: {name}\n  address: {vendor}/{name}.yaml\n  sha256: ''\n" for name in ("A", "B")
    )
    documented.write_text(f"# A comment.\n{entries}")
    for name in ("A", "B"):
        (tmp_path / f"{name}.yaml").write_text("paths: [/calls]\n")

    assert documents.main([], documented) == 1
    assert capsys.readouterr().out.count("has no digest yet") == 2
    assert documents.main(["--accept"], documented) == 0
    assert documented.read_text().startswith("# A comment.\n")
    assert documents.main([], documented) == 0
    assert not capsys.readouterr().out

    (tmp_path / "B.yaml").write_text("paths: [/calls, /notes]\n")
    assert documents.main([], documented) == 1
    said = capsys.readouterr().out
    assert said.startswith("B: ")
    assert "has changed" in said
    assert said.count("\n") == 1

    assert documents.main(["--accept"], documented) == 0
    assert documents.main([], documented) == 0
    (tmp_path / "A.yaml").unlink()
    assert documents.main([], documented) == 1
    assert "cannot be had" in capsys.readouterr().out
