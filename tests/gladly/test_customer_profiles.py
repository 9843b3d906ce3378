"""Customer profiles: what changed, those the settings name, and those who were deleted."""

from __future__ import annotations

import typing as t

from tests.gladly.desk_truth import (
    EMPTY,
    OVERLAP,
    RunTime,
    asked,
    asked_events,
    assert_ended,
    assert_read,
    assert_records,
    profile,
    state_of,
)
from tests.gladly.truth import API, ago, assert_refused, besides_retries, moment, written

if t.TYPE_CHECKING:
    from tests.gladly.conftest import Gladly, Start
    from tests.running import Run

STREAM = "customer_profiles"
SEARCH = f"{API}/customer-profiles"


def test_every_profile_comes_as_it_is(start: Start) -> None:
    gladly = start(**EMPTY, customers=30)
    desk = gladly.sandbox.desk
    for number, each in enumerate(list(desk.customers)):
        # As it is, but for what a change makes of it.
        kept = desk.customers[each]
        desk.update_customer(each, at=ago(hours=20, minutes=-number))
        desk.customers[each] = kept
    bookmark = ago(hours=21)
    run = gladly.tap.run(STREAM, state=state_of(bookmark))
    assert_read(run, gladly, bookmark - OVERLAP)
    records = run.records[STREAM]
    assert len(records) == 30
    assert {name for each in records for name in each} == set(run.schemas[STREAM]["properties"]) - {
        "_extra",
        "_sdc_deleted_at",
        "mergedIntoId",
    }
    phones = [phone for each in records for phone in each.get("phones") or ()]
    assert {phone.get("type") for phone in phones} == {None, "HOME", "MOBILE", "OFFICE"}
    attributes = [each.get("customAttributes") for each in records]
    assert {"vip": True, "with.dots/é": {"deep": [1, [2, []], {}]}} in [
        each["flags"] for each in attributes if each
    ]
    assert {} in attributes
    assert not run.warnings


def test_a_deletion_has_the_time_of_its_event(start: Start) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    known, old, silent = (desk.customer(at=ago(days=5)) for _ in range(3))
    for each in (known, old):
        desk.message(desk.conversation(each, at=ago(days=4)), at=ago(days=3))
    desk.delete(known, at=ago(hours=3))
    # By then no event tells of it, but its conversation is in a report.
    desk.delete(old, at=ago(hours=30))
    # Nobody says why this one is not there.
    desk.update_customer(silent, at=ago(hours=1))
    del desk.customers[silent]
    bookmark = ago(hours=40)
    run = gladly.tap.run(STREAM, state=state_of(bookmark))
    assert_read(run, gladly, bookmark - OVERLAP)
    found = run.by_id(STREAM)
    assert set(found) == {known, old, silent}
    assert all(set(each) == {"id", "changedAt", "_sdc_deleted_at"} for each in found.values())
    assert abs(moment(found[known]["_sdc_deleted_at"]) - ago(hours=3)).total_seconds() < 60
    for each in (old, silent):
        assert found[each]["_sdc_deleted_at"] == RunTime(gladly)
    assert "customer_profiles: 3 of 3 are not there (any more)" in run.log


def phone(number: str) -> list[dict[str, str]]:
    """What a profile has of a number."""
    return [{"normalized": number, "original": number[2:], "type": ""}]


def assert_found(run: Run, gladly: Gladly, *customers: str) -> None:
    """The profiles of these customers came, with the time up to which was read."""
    end = written(asked_events(gladly)[1])
    assert sorted(run.ids(STREAM)) == sorted(customers)
    assert_records(run, STREAM, [profile(gladly, each, end) for each in run.ids(STREAM)])
    assert run.bookmark(STREAM) == end


def test_customers_of_the_settings_are_found(start: Start) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    email = "jane+doe&co@acme.example"
    jane = desk.customer(emails=[{"normalized": email, "original": email}], at=ago(days=9))
    joe, sam = (desk.customer(phones=phone("+16505551987"), at=ago(days=9)) for _ in range(2))
    ann = desk.customer(externalCustomerId="a/b ü?=#%2B", at=ago(days=9))
    settings: dict[str, t.Any] = {
        "customer_emails": [email, "nobody@acme.example", email],
        "customer_phone_numbers": ["+16505551987", "+16505551987"],
        "customer_external_ids": ["a/b ü?=#%2B", "none"],
    }
    bookmark = ago(hours=3)
    for _ in range(2):
        # In every run.
        gladly.sandbox.traffic.clear()
        run = gladly.tap.run(STREAM, state=state_of(bookmark), **settings)
        assert_found(run, gladly, jane, joe, sam, ann)
        params = [dict(each.params or ()) for each in gladly.sandbox.traffic.exchanges(SEARCH)]
        assert sorted(map(str, params)) == sorted(
            map(
                str,
                [
                    {"email": email},
                    {"email": "nobody@acme.example"},
                    {"phoneNumber": "+16505551987"},
                    {"externalCustomerId": "a/b ü?=#%2B"},
                    {"externalCustomerId": "none"},
                ],
            )
        )
        assert len(asked(gladly, "customer-profiles/")) == 0
        assert "takes 5 requests" in run.log
        assert not besides_retries(run)


def test_who_is_found_and_changed_is_there_with_the_change(start: Start) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    jane = desk.customer(phones=phone("+16505551987"), at=ago(days=9))
    desk.note(desk.conversation(jane, at=ago(days=9)), at=ago(hours=1))
    at = ago(hours=1, minutes=-1)
    desk.note(desk.conversations.of(jane)[0]["id"], at=at)
    run = gladly.tap.run(
        STREAM, state=state_of(ago(hours=3)), customer_phone_numbers=["+16505551987"]
    )
    assert run.returncode == 0, run.log
    # Once, in its turn.
    assert [each["changedAt"] for each in run.records[STREAM]] == [written(at)]
    assert run.ids(STREAM) == [jane]


def test_a_search_that_may_be_cut_is_named(start: Start) -> None:
    gladly = start(**EMPTY)
    many, enough = "+16505551987", "a@acme.example"
    for _ in range(51):
        gladly.sandbox.desk.customer(phones=phone(many), at=ago(days=9))
    for _ in range(49):
        emails = [{"normalized": enough, "original": enough}]
        gladly.sandbox.desk.customer(emails=emails, at=ago(days=9))
    run = gladly.tap.run(
        STREAM,
        state=state_of(ago(hours=3)),
        customer_phone_numbers=[many],
        customer_emails=[enough],
    )
    assert run.returncode == 0, run.log
    assert len(run.records[STREAM]) == 50 + 49
    [warning] = besides_retries(run)
    assert "customer_phone_numbers" in warning
    assert "50 customers or more" in warning
    assert "6505551987" not in run.log


def test_settings_that_find_nobody_are_refused(gladly: Gladly) -> None:
    told = gladly.tap.output(
        customer_emails=["a@acme.example", " "],
        customer_external_ids=[""],
        customer_phone_numbers=["+16505551987", "650 555 1987"],
    )
    assert_refused(told, gladly, "customer_emails", "empty text")
    assert_refused(told, gladly, "customer_external_ids", "empty text")
    assert_refused(told, gladly, "customer_phone_numbers", "+16505551987")
    told = gladly.tap.output(customer_emails=5)
    assert_refused(told, gladly, "customer_emails")


def test_a_search_that_is_refused_ends_the_run(start: Start) -> None:
    gladly = start(**EMPTY)
    gladly.sandbox.faults.add(path=SEARCH, status=403)
    email = "jane@acme.example"
    run = gladly.tap.run(STREAM, state=state_of(ago(hours=3)), customer_emails=[email])
    assert_ended(run, "403", "/customer-profiles", "API User")
    assert email not in run.log
