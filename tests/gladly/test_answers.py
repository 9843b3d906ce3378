"""Public answers: by language, with the audiences under which each is listed."""

from __future__ import annotations

import typing as t

from tests.expected import expected
from tests.gladly.desk_truth import asked, assert_ended, words_of
from tests.gladly.truth import API, readable
from tests.running import Tap, select

if t.TYPE_CHECKING:
    from tests.gladly.conftest import Gladly
    from tests.running import Record, Run

CONTENTS = "answer_contents"
TYPES = ("public", "email", "messaging", "reference")


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


def text_truth(gladly: Gladly, run: Run, *languages: str) -> dict[tuple[str, ...], Record]:
    """The texts in these languages of the answers that are listed in one of them, by key."""
    account, schema = gladly.sandbox.account, run.schemas[CONTENTS]
    listed = {each["id"] for each in account.answers if each["language"] in languages}
    return {
        key: expected(
            readable(
                {
                    **{name: account.managed_answers[key[0]].get(name) for name in MANAGED},
                    **text,
                }
            ),
            schema,
        )
        for key, text in account.answer_texts.items()
        if key[0] in listed and key[1] in languages and key[0] in account.managed_answers
    }


MANAGED = ("name", "description", "audienceIds", "createdAt", "updatedAt")


def texts_of(run: Run) -> dict[tuple[str, ...], Record]:
    """The texts that came, by key."""
    assert run.returncode == 0, run.log
    assert run.keys[CONTENTS] == ["answerId", "language", "type"]
    found: dict[tuple[str, ...], Record] = {
        (each["answerId"], each["language"], each["type"]): each for each in run.records[CONTENTS]
    }
    assert len(found) == len(run.records[CONTENTS])
    return found


def test_every_text_of_an_answer_comes_with_what_is_known_of_the_answer(gladly: Gladly) -> None:
    run = gladly.tap.run("answers", CONTENTS, answer_languages=["en-us", "es-419"])
    assert texts_of(run) == text_truth(gladly, run, "en-us", "es-419")
    assert {kind for _, _, kind in texts_of(run)} == {*TYPES}
    # One has a text for e-mail in a language in which it is not public.
    public = {(each["id"], each["language"]) for each in run.records["answers"]}
    assert {key[:2] for key in texts_of(run)} > public
    properties = set(run.schemas[CONTENTS]["properties"])
    assert {name for each in run.records[CONTENTS] for name in each} == properties - {"_extra"}
    assert not run.warnings
    # The list was asked for once, and each answer as often as it may have texts.
    answers = {each["id"] for each in gladly.sandbox.account.answers}
    assert len(asked(gladly, "answers/")) == len(answers) * (1 + 2 * len(TYPES))
    assert len(asked(gladly, "orgs/")) == 2 * (1 + len(gladly.sandbox.account.audiences))


def test_texts_come_without_the_stream_of_answers(gladly: Gladly) -> None:
    run = gladly.tap.run(CONTENTS)
    assert texts_of(run) == text_truth(gladly, run, "en-us")
    assert len(asked(gladly, "orgs/")) == 1 + len(gladly.sandbox.account.audiences)
    assert "answers" not in run.schemas


def test_what_a_text_and_its_answer_say_besides_is_kept(gladly: Gladly) -> None:
    account = gladly.sandbox.account
    first = account.answers[0]["id"]
    account.managed_answers[first] |= {"owner": "Ann", "self": 1, "type": "faq"}
    account.answer_texts[first, "en-us", "public"] |= {"name": "another", "votes": 3}
    run = gladly.tap.run(CONTENTS)
    found = texts_of(run)[first, "en-us", "public"]
    assert found["name"] == account.managed_answers[first]["name"]
    of_answer = {"owner": "Ann", "self": 1, "type": "faq"}
    assert found["_extra"] == {**of_answer, "name": "another", "votes": 3}
    # Each of these fields is named once.
    assert len(run.warnings) == len(found["_extra"])


def test_answers_that_are_gone_and_languages_that_are_none(gladly: Gladly) -> None:
    account = gladly.sandbox.account
    del account.managed_answers[account.answers[1]["id"]]
    account.add_answers(2, "fr")
    run = gladly.tap.run(CONTENTS, answer_languages=["en-us", "fr"])
    known = text_truth(gladly, run, "en-us")
    # In French there are lists, and no text is given.
    of_french = {each["id"] for each in account.answers if each["language"] == "fr"}
    known |= {key: each for key, each in texts_of(run).items() if key[0] in of_french}
    assert texts_of(run) == known
    [warning] = run.warnings
    answers = 5 - 1 + 2
    assert words_of(warning) == (
        f"Gladly refuses {answers * len(TYPES)} texts of answers in fr (HTTP 400): if it is no "
        "language of your account, take it out of the setting answer_languages."
    )


def test_an_answer_that_cannot_be_had_is_named_and_passed_over(
    gladly: Gladly, impatient: str
) -> None:
    account = gladly.sandbox.account
    no_text, other = (each["id"] for each in account.answers[:2])
    text = f"{API}/answers/{no_text}/languages/en-us/type/email"
    # Another answer's text, and an object that is none.
    gladly.sandbox.faults.add(
        path=text, times=None, status=200, body={"answerId": other, "bodyHtml": "x"}
    )
    gladly.sandbox.faults.add(path=f"{API}/answers/{other}", times=None, status=200, body={})
    catalog = select("tap-gladly", [CONTENTS])
    run = Tap(impatient, gladly.tap.config).run(catalog=catalog)
    left_out = {no_text, other}
    wanted = {
        key: each
        for key, each in text_truth(gladly, run, "en-us").items()
        if key[0] not in left_out
    }
    assert texts_of(run) == wanted
    errors = [words_of(each) for each in run.warnings if "| ERROR" in each]
    assert len(errors) == len(left_out)
    for each in left_out:
        assert any(f"The answer {each} cannot be read, and is left out." in one for one in errors)


def test_answers_of_which_none_can_be_had_end_the_stream(gladly: Gladly) -> None:
    for answer in gladly.sandbox.account.managed_answers:
        gladly.sandbox.faults.add(path=f"{API}/answers/{answer}", times=None, status=400)
    run = gladly.tap.run(CONTENTS, "teams")
    assert_ended(run, "/answers/{answerId}", "HTTP 400")
    assert not run.records[CONTENTS]
    assert run.records["teams"]
