"""Settings, catalogs and states of any shape end in a sentence, in both taps; never in a traceback.

Most of it runs in this process, by what the command calls; a sample runs by the command itself.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from singer_sdk.exceptions import ConfigurationError, FatalAPIError
from tap_clari.kit.config import SettingsError
from tap_clari.kit.inputs import checked_catalog, checked_state, stream_state_error
from tap_clari.tap import TapClari
from tap_gladly.kit.session import Pace
from tap_gladly.tap import TapGladly

from tests.clari.conftest import config as copilot_config
from tests.clari.conftest import revenue_config
from tests.gladly.conftest import config as gladly_config
from tests.kit.test_inputs import as_file, nodes, refusal, replaced
from tests.running import Tap, discovered
from tests.sandbox.copilot import CopilotSandbox
from tests.sandbox.gladly import GladlySandbox
from tests.sandbox.revenue import RevenueSandbox

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.running import Record


class Account(t.NamedTuple):
    """A small account of a tap.

    Args:
        tap: The tap.
        config: Settings for it.
        state: What a run that was stopped leaves behind: everything that a stream may keep.
        stream: A stream that costs one request.
    """

    tap: type[TapClari | TapGladly]
    config: Record
    state: Record
    stream: str


RUNS = 12
"""How many of the accepted states, and of the accepted catalogs, are run with."""

TIME = "2026-11-20T00:00:00.000000Z"
SECRET = "sesame-open"
UNREAD_JOB: dict[str, t.Any] = {
    "path": "/v5/export/forecast/{forecastId}",
    "ids": {"forecastId": "net_arr"},
    "body": {"timePeriod": "2026_Q3"},
    "startedAt": TIME,
    "jobId": "x",
    "known": ["y"],
    "isRead": False,
}


def bookmark(key: str, **members: t.Any) -> Record:
    """A stream's part of the state."""
    return {"replication_key": key, "replication_key_value": TIME, **members}


CLARI_STATE = {
    "bookmarks": {
        "users": {},
        "calls": bookmark("last_modified_time", starting_replication_value=None),
        "activities": bookmark("date"),
        "export_jobs": {"unread": [UNREAD_JOB]},
        "of_another_version": {"partitions": [{"context": {"a": "b"}}], "progress_markers": {}},
    }
}
DAYS = {"ConversationTimestampsReport": ["2026-11-10", "2026-11-11"]}
GLADLY_STATE = {
    "bookmarks": {
        "agents": {},
        "events": bookmark("timestamp"),
        "conversations": bookmark("changedAt", window_start=TIME, unread_reports=DAYS),
        "custom_attributes": {"unread": ["x"]},
        "export_topics": bookmark("exportedAt", exported_until=TIME, read_jobs=[f"x {TIME}"]),
        "report_conversation_timestamps": bookmark("timestamp"),
    }
}

NESTED: t.Any = {}
for _ in range(300):
    NESTED = {"a": NESTED}
OTHERS: list[t.Any] = [
    *[None, True, 5, -1, 7.5, 10**30, float("inf"), float("nan"), "", "x", "\ud83d", "\0"],
    *["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z", "9999-12-31", "integer", "LOG_BASED"],
    *[[], [None], ["x"], ["\ud83d"], ["a\0/../?#"], ["0001-01-01", "9999-12-31"], {}, {"x": 1}],
    *[{"x": None}, {"ConversationTimestampsReport": ["2026-11-02", "2026-11-01"]}, NESTED],
]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
quickly = settings(
    max_examples=60, derandomize=True, database=None, deadline=None, suppress_health_check=()
)


@pytest.fixture(scope="module", params=["tap-clari", "tap-gladly"])
def account(request: pytest.FixtureRequest) -> Iterator[Account]:
    """An account that is open for all tests of the module."""
    logging.disable(logging.CRITICAL)
    with contextlib.ExitStack() as running:
        # A state that begins in 1970 asks for more reports than there are in a minute.
        patch = running.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(Pace, "per_minute", Pace.per_second)
        running.callback(logging.disable, logging.NOTSET)
        if request.param == "tap-clari":
            copilot = running.enter_context(CopilotSandbox(calls=3, requests_per_second=None))
            revenue = running.enter_context(RevenueSandbox())
            revenue.exports.seconds = 0
            config = {**copilot_config(copilot), **revenue_config(revenue)}
            config["forecast_ids"] = ["net_arr"]
            yield Account(TapClari, config, CLARI_STATE, "users")
        else:
            amounts = {"talks_per_day": 1, "days": 3, "customers": 2}
            gladly = running.enter_context(
                GladlySandbox(**amounts, history_days=2, conversations=2, tasks=1)  # type: ignore[arg-type]
            )
            config = gladly_config(gladly, reports=["ConversationTimestampsReport"])
            yield Account(TapGladly, config, GLADLY_STATE, "agents")


def assert_sentences(error: Exception) -> None:
    """What a run ended with is for a user's eyes."""
    for sentence in error.sentences if isinstance(error, SettingsError) else [str(error)]:
        assert sentence.endswith((".", ").")), sentence
        assert SECRET not in sentence


def sync(account: Account, **options: t.Any) -> None:
    """Sync in this process; a sentence is as good as a whole run, any other error is none."""
    written = io.TextIOWrapper(io.BytesIO())
    try:
        tap = account.tap(parse_env_config=False, **{"config": account.config, **options})
        with contextlib.redirect_stdout(written):
            tap.sync_all()
    except (ConfigurationError, FatalAPIError) as error:
        assert_sentences(error)


def test_every_node_of_a_state_may_be_something_else(account: Account) -> None:
    streams = account.tap(config=account.config, parse_env_config=False).streams
    accepted: dict[str, list[Record]] = {}
    for path in nodes(account.state):
        for other in OTHERS:
            file = as_file(replaced(account.state, path, other))
            if error := refusal(lambda: checked_state(file)):  # noqa: B023
                assert error.startswith("The file given with --state")
                continue
            file.seek(0)
            for name, part in json.load(checked_state(file))["bookmarks"].items():
                form = getattr(streams.get(name), "state_form", None)
                wrong = form and stream_state_error(name, part, form)
                assert not wrong or wrong.startswith(f"The state of the stream {name!r}")
                if not wrong and [*path[1:2]] == [name]:
                    accepted.setdefault(name, []).append(part)
    # What passes is read: the parts of all streams side by side, so that there are fewer runs.
    for run in range(RUNS):
        bookmarks = {name: each[run * len(each) // RUNS] for name, each in accepted.items()}
        sync(account, state={"bookmarks": json.loads(json.dumps(bookmarks))})


def test_a_state_of_a_stream_that_the_tap_does_not_have_is_checked_too(account: Account) -> None:
    for part in ({"partitions": None}, {"progress_markers": None}, {"replication_key": 5}):
        with pytest.raises(ConfigurationError, match="The state of the stream 'gone'"):
            account.tap(
                config=account.config, state={"bookmarks": {"gone": part}}, parse_env_config=False
            )


def small_catalog(account: Account) -> Record:
    """A catalog of one stream with three columns."""
    name = account.tap.name
    [entry] = [e for e in discovered(name)["streams"] if e["tap_stream_id"] == account.stream]
    columns = dict([*entry["schema"]["properties"].items()][:3])
    entry["schema"]["properties"] = columns
    entry["metadata"] = [
        each
        for each in entry["metadata"]
        if not each["breadcrumb"] or each["breadcrumb"][1] in columns
    ]
    return {"streams": [entry]}


def test_every_node_of_a_catalog_may_be_something_else(account: Account) -> None:
    catalog = small_catalog(account)
    accepted: list[Record] = []
    for path in nodes(catalog):
        for other in OTHERS:
            file = as_file(replaced(catalog, path, other))
            if error := refusal(lambda: checked_catalog(file)):  # noqa: B023
                assert error.startswith("The file given with --catalog")
                continue
            file.seek(0)
            accepted.append(json.load(checked_catalog(file)))
    for document in accepted[:: len(accepted) // RUNS]:
        sync(account, catalog=document)


def test_a_file_that_was_cut_off_is_a_sentence(account: Account) -> None:
    for check, document in (
        (checked_state, account.state),
        (checked_catalog, small_catalog(account)),
    ):
        content = json.dumps(document).encode()
        for end in range(len(content)):
            error = refusal(lambda: check(io.BytesIO(content[:end])))  # noqa: B023
            assert error
            assert error.startswith("The file given with --")


def settings_of(account: Account) -> Record:
    """The declarations of all settings, the SDK's among them."""
    account.tap.append_builtin_config(account.tap.config_jsonschema)
    return dict(account.tap.config_jsonschema["properties"])


@quickly
@given(value=ANYTHING, data=st.data())
def test_a_setting_may_be_anything(account: Account, value: object, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([*settings_of(account)]))
    with contextlib.suppress(UnicodeEncodeError):
        value = data.draw(st.sampled_from([value, json.dumps(value)]))
    try_setting(account, name, value)


def try_setting(account: Account, name: str, value: object) -> None:
    """Set it; where it is accepted, a session and the streams' maps can be made."""
    secrets = {
        each: SECRET for each, setting in settings_of(account).items() if setting.get("secret")
    }
    config = {**account.config, **secrets, name: value}
    try:
        tap = account.tap(config=config, parse_env_config=False, setup_mapper=False)
        tap.new_session()
        if name.startswith(("stream_map", "flattening", "faker")):
            tap.setup_mapper()
    except (ConfigurationError, FatalAPIError) as error:
        assert_sentences(error)


@pytest.mark.parametrize(
    "value",
    [
        *["maybe", "7.5", "1e400", "NaN", "[1", "{", "x" * 10_000, "9999-12-31T23:59:59Z"],
        *[10**400, 1e-320, -1, True, {"__else__": "x"}, {"users": {"__else__": 5}}],
        *[{"users": 5}, {"agents": {"id": None}}, {"encoding": None}, NESTED],
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_was_wrong_in_a_setting_is_wrong_in_none(account: Account, value: object) -> None:
    for name in settings_of(account):
        try_setting(account, name, value)


def test_a_sample_by_the_command(account: Account) -> None:
    tap = Tap(account.tap.name, account.config)
    catalog = small_catalog(account)
    [entry] = catalog["streams"]
    secret = next(name for name, each in settings_of(account).items() if each.get("secret"))
    refused: list[Record] = [
        {"state": {"bookmarks": 5}},
        {"state": {"bookmarks": {account.stream: {"replication_key": 5}}}},
        {"state": {"bookmarks": {"x": "\ud83d"}}},
        {"state": {"x": NESTED}},
        {"catalog": {"streams": None}},
        {"catalog": {"streams": [{**entry, "replication_key": "x"}]}},
        {"catalog": {"streams": [{**entry, "key_properties": ["x"]}]}},
        {"catalog": {"streams": [{**entry, "replication_method": "LOG_BASED"}]}},
        {"catalog": {"streams": [{**entry, "schema": {"properties": {"id": {"type": "x"}}}}]}},
        {"requests_per_second": 10**400},
        {"flattening_enabled": True},
        {"stream_maps": {"__else__": "x"}},
        {"batch_config": {"encoding": None}},
        {secret: [SECRET]},
    ]
    for options in refused:
        run = tap.run(**options)
        assert run.returncode == 1, options
        assert_sentences(ConfigurationError(run.last_word))
        assert "Traceback" not in run.log
        assert SECRET not in run.log
