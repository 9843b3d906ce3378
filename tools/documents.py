"""`make documents`: tells which of the vendors' documents are not what the schemas were made from.

With `--accept` it writes down what they are now, once the schemas have followed.
"""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path

import requests
import yaml

LIST = Path(__file__).with_suffix(".yml")
TIMEOUT_SECONDS = 60


def digest_of(address: str) -> str | None:
    """The SHA-256 of what an address has now; `None` if it cannot be had."""
    try:
        answer = requests.get(address, timeout=TIMEOUT_SECONDS)
        answer.raise_for_status()
    except requests.RequestException:
        return None
    return hashlib.sha256(answer.content).hexdigest()


def finding(address: str, then: str, now: str | None) -> str | None:
    """What is to be said of a document, if anything; `then` is empty if no digest is known."""
    if now is None:
        return f"{address} cannot be had."
    if not then:
        return f"{address} has no digest yet. Run make documents ARGS=--accept."
    if now != then:
        return (
            f"{address} has changed. Compare it with the schemas, then run "
            "make documents ARGS=--accept."
        )
    return None


def accept(path: Path, digests: dict[str, str]) -> None:
    """Write the digests into the list, whose comments stay."""
    text = path.read_text(encoding="utf-8")
    for address, digest in digests.items():
        line = rf"(address: {re.escape(address)}\n\s*sha256: ).*"
        text = re.sub(line, rf"\g<1>{digest}", text)
    path.write_text(text, encoding="utf-8")


def main(arguments: list[str], path: Path = LIST) -> int:
    """Say what differs; returns the exit code."""
    documents = yaml.safe_load(path.read_text(encoding="utf-8"))
    now = {each["address"]: digest_of(each["address"]) for each in documents}
    if "--accept" in arguments:
        accept(path, {address: digest for address, digest in now.items() if digest})
        documents = yaml.safe_load(path.read_text(encoding="utf-8"))
    found = 0
    for each in documents:
        if said := finding(each["address"], each["sha256"], now[each["address"]]):
            print(f"{each['name']}: {said}")  # noqa: T201 - a command
            found = 1
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
