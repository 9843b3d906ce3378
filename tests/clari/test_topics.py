"""Topics, with all that the API knows of them, and the bare names of the keyword topics."""

from __future__ import annotations

import typing as t

from tests.expected import expected

if t.TYPE_CHECKING:
    from tests.clari.conftest import Copilot


def test_all_topics_arrive(copilot: Copilot) -> None:
    run = copilot.tap.run("topics")
    truth = {topic["topic_id"]: topic for topic in copilot.sandbox.account.topics()}
    records = run.by_id("topics", "topic_id")
    assert len(run.records["topics"]) == len(truth) > 0
    assert records == {k: expected(topic, run.schemas["topics"]) for k, topic in truth.items()}


def test_all_keyword_topics_arrive_as_records(copilot: Copilot) -> None:
    run = copilot.tap.run("keyword_topics")
    names = copilot.sandbox.account.keyword_topics()
    assert run.records["keyword_topics"] == [{"name": name} for name in names]
    assert names
