"""Public answers: by language, with the audiences under which each is listed."""

from __future__ import annotations

import typing as t

from tests.expected import expected
from tests.gladly.truth import API, readable

if t.TYPE_CHECKING:
    from tests.gladly.conftest import Gladly
    from tests.running import Record, Run


def truth(gladly: Gladly, run: Run, *languages: str) -> dict[tuple[str, str], Record]:
    """The answers in these languages, by key."""
    schema = run.schemas["answers"]
    return {
        (each["id"], each["language"]): expected(readable(each), schema)
        for each in gladly.sandbox.account.answers
        if each["language"] in languages
    }


def found(run: Run) -> dict[tuple[str, str], Record]:
    """What came, by key."""
    assert run.returncode == 0, run.log
    answers = {(each["id"], each["language"]): each for each in run.records["answers"]}
    assert len(answers) == len(run.records["answers"])
    return answers


def test_answers_come_with_their_audiences(gladly: Gladly) -> None:
    run = gladly.tap.run("answers")
    assert found(run) == truth(gladly, run, "en-us")
    # Some are for everybody, and some not.
    assert {len(each["audienceIds"]) for each in run.records["answers"]} == {0, 1}
    assert run.keys["answers"] == ["id", "language"]
    assert not run.warnings


def test_an_answer_has_a_record_for_each_language(gladly: Gladly) -> None:
    account = gladly.sandbox.account
    audiences = [each["id"] for each in account.audiences]
    english = account.answers[0]
    english["audienceIds"] = audiences
    account.answers.append({**english, "language": "es-419", "name": "Respuesta"})
    run = gladly.tap.run("answers", answer_languages=["en-us", "es-419", "en-us"])
    assert found(run) == truth(gladly, run, "en-us", "es-419")
    assert sorted(each["name"] for each in run.records["answers"] if each["id"] == english["id"])
    of_both = [each for each in run.records["answers"] if each["id"] == english["id"]]
    assert [each["language"] for each in of_both] == ["en-us", "es-419"]
    assert all(sorted(each["audienceIds"]) == sorted(audiences) for each in of_both)


def test_each_language_costs_a_request_and_one_for_each_audience(gladly: Gladly) -> None:
    account = gladly.sandbox.account
    run = gladly.tap.run("answers", "audiences", "organization", answer_languages=["es-419"])
    assert found(run) == truth(gladly, run, "es-419")
    path = f"{API}/orgs/{account.organization['id']}/answers"
    asked = [dict(each.params or ()) for each in gladly.sandbox.traffic.exchanges(path)]
    assert [each.get("audienceId") for each in asked if each["lng"] == "es-419"] == [
        each.get("audienceId") for each in asked
    ]
    audiences = [each["id"] for each in account.audiences]
    assert sorted(each.get("audienceId", "") for each in asked) == sorted(["", *audiences])
    assert gladly.sandbox.traffic.count(path=f"{API}/organization") == 1


def test_a_full_list_is_named_and_an_audience_brings_more(gladly: Gladly) -> None:
    account = gladly.sandbox.account
    account.answers.clear()
    last = account.add_answers(1001, "en-us")[1]
    # By name, the list of all ends before these two, of which one is for an audience.
    last["name"] = "ñzz last of an audience"
    missing = account.add_answers(2, "en-us")[1]
    missing.update(name="ñzzz of nobody", audienceIds=[])
    run = gladly.tap.run("answers")
    everybody = {each["id"] for each in account.list_answers("en-us", None)}
    assert len(everybody) == 1000
    assert last["id"] not in everybody
    assert missing["id"] not in everybody
    assert last["id"] in run.ids("answers")
    assert missing["id"] not in run.ids("answers")
    [warning] = run.warnings
    assert "en-us" in warning
    assert "1000" in warning
    assert "of all audiences" in warning


def test_a_full_list_of_an_audience_is_named_too(gladly: Gladly) -> None:
    account = gladly.sandbox.account
    audience = account.audiences[0]["id"]
    for answer in account.add_answers(1000, "es-419"):
        answer["audienceIds"] = [audience]
    run = gladly.tap.run("answers", answer_languages=["en-us", "es-419"])
    assert len(run.warnings) == 2
    assert any(audience in warning and "es-419" in warning for warning in run.warnings)
    assert not any("en-us" in warning for warning in run.warnings)
