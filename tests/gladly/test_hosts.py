"""Where the credentials go: to the organization's host at Gladly, or to the origin of api_url."""

from __future__ import annotations

import typing as t
from base64 import b64encode

import pytest
from tap_gladly.address import api_url

from tests.gladly.truth import API, assert_refused, assert_same
from tests.sandbox.gladly import GladlyHosts

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.gladly.conftest import Gladly, Start

ELSEWHERE: dict[str, t.Any] = {"api_url": None}
"""What the fixture's tap is told, to go by organization and environment."""


@pytest.fixture
def hosts(gladly: Gladly, monkeypatch: pytest.MonkeyPatch) -> Iterator[GladlyHosts]:
    """Gladly's own hosts, as the tap sees them: through a proxy, over TLS."""
    with GladlyHosts(gladly.sandbox) as names:
        for name in ("https_proxy", "no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HTTPS_PROXY", names.proxy_url)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(names.ca_bundle))
        yield names


@pytest.mark.parametrize(
    ("organization", "settings", "host"),
    [
        ("acme", {}, "acme.gladly.com"),
        ("ACME", {"environment": "production"}, "acme.gladly.com"),
        (" acme.us-1\n", {}, "acme.us-1.gladly.com"),
        ("https://acme.us-1.gladly.com/", {}, "acme.us-1.gladly.com"),
        ("HTTPS://Acme.Gladly.com/agents?x=1#top", {}, "acme.gladly.com"),
        ("acme.gladly.com", {}, "acme.gladly.com"),
        ("Acme", {"environment": "sandbox"}, "acme.gladly.qa"),
        ("https://acme.gladly.qa", {}, "acme.gladly.qa"),
    ],
)
def test_an_organization_has_a_host(
    organization: str, settings: dict[str, t.Any], host: str
) -> None:
    config = {"environment": "production", "organization": organization, **settings}
    assert api_url(config) == f"https://{host}{API}"


@pytest.mark.parametrize(
    ("organization", "settings", "host"),
    [
        (" acme.us-1\n", {}, "acme.us-1.gladly.com"),
        ("https://acme.gladly.qa", {"environment": "sandbox"}, "acme.gladly.qa"),
    ],
)
def test_an_organization_is_read_at_its_host(
    gladly: Gladly, hosts: GladlyHosts, organization: str, settings: dict[str, t.Any], host: str
) -> None:
    run = gladly.tap.run("teams", organization=organization, **ELSEWHERE, **settings)
    assert_same(run, "teams", gladly.sandbox.account.teams)
    assert hosts.hosts == [host]
    [asked] = gladly.sandbox.traffic.exchanges()
    assert (asked.path, asked.credentials) == (f"{API}/teams", True)


NO_ORGANIZATIONS = [
    "acme.evil.com/",
    "acme.gladly.com.evil.com",
    "https://acme.gladly.com@evil.com",
    "https://user:secret@acme.gladly.com",
    "evil.com/acme.gladly.com",
    "evil.com?acme.gladly.com",
    "http://acme.gladly.com",
    "acme.gladly.com:8443",
    "a.b.acme.gladly.com",
    "acme.gladly.com.",
    "-acme",
    "аcme",  # noqa: RUF001 - not an "a" of ours
    "https://[",
    "evilgladly.com/",
]


@pytest.mark.parametrize("organization", NO_ORGANIZATIONS)
def test_what_is_no_organization_has_no_host(organization: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        api_url({"environment": "production", "organization": organization})


@pytest.mark.parametrize("organization", NO_ORGANIZATIONS[1:4])
def test_what_is_no_organization_of_gladly_is_refused(
    gladly: Gladly, hosts: GladlyHosts, organization: str
) -> None:
    told = gladly.tap.output(organization=organization, **ELSEWHERE)
    assert_refused(told, gladly, "organization must be", "gladly.com or gladly.qa", "api_url")
    assert hosts.hosts == []


@pytest.mark.parametrize("settings", [{}, {"organization": ""}])
def test_no_organization_at_all_is_told(gladly: Gladly, settings: dict[str, t.Any]) -> None:
    told = gladly.tap.output(streams=("teams",), **ELSEWHERE, **settings)
    assert_refused(told, gladly, "lack organization", "acme.gladly.com")


@pytest.mark.parametrize("end", ["/", f"{API}/"])
def test_an_api_url_has_its_path_once(gladly: Gladly, end: str) -> None:
    run = gladly.tap.run("teams", api_url=f"{gladly.sandbox.url}{end}")
    assert_same(run, "teams", gladly.sandbox.account.teams)
    assert [each.path for each in gladly.sandbox.traffic.exchanges()] == [f"{API}/teams"]


def test_api_url_takes_the_place_of_an_organization(gladly: Gladly, hosts: GladlyHosts) -> None:
    run = gladly.tap.run("teams", organization="acme", environment="sandbox")
    assert_same(run, "teams", gladly.sandbox.account.teams)
    assert hosts.hosts == []


@pytest.mark.parametrize(
    "path",
    [f"{API}/agents", f"{API}/export/jobs", f"{API}/events"],
    ids=["list", "jobs", "events"],
)
def test_a_redirect_is_not_followed(start: Start, path: str) -> None:
    gladly, other = start(history_days=1), start(history_days=1)
    streams = {"agents": "agents", "jobs": "export_customers", "events": "events"}
    gladly.sandbox.faults.add(path=path, redirect=f"{other.sandbox.url}{path}")
    run = gladly.tap.run(streams[path.rpartition("/")[2]])
    assert run.returncode == 1
    assert "HTTP 302" in run.last_word
    assert "which the tap does not follow" in run.last_word
    assert other.sandbox.traffic.count() == 0
    assert gladly.sandbox.traffic.count() == 1
    assert not run.records


def test_a_redirect_of_a_file_is_not_followed_either(start: Start) -> None:
    gladly, other = start(history_days=1), start(history_days=1)
    [job] = gladly.sandbox.exports.jobs
    path = f"{API}/export/jobs/{job.id}/files/topics.jsonl"
    gladly.sandbox.faults.add(path=path, redirect=f"{other.sandbox.url}{path}")
    run = gladly.tap.run("export_topics")
    assert run.returncode == 1
    assert "HTTP 302" in run.last_word
    assert job.id not in run.last_word
    assert other.sandbox.traffic.count() == 0


def test_no_credential_is_told(gladly: Gladly, hosts: GladlyHosts) -> None:
    sandbox = gladly.sandbox
    pair = b64encode(f"{sandbox.username}:{sandbox.api_token}".encode()).decode()
    streams = ("organization", "export_customers", "events")
    run = gladly.tap.run(*streams, organization="acme", **ELSEWHERE)
    assert run.returncode == 0, run.log
    assert len(hosts.hosts) > 0
    assert sandbox.traffic.count_with_credentials() == sandbox.traffic.count()
    sandbox.forbidden = True
    refused = gladly.tap.run(*streams)
    assert refused.returncode == 1
    said = [run.log, *run.lines, refused.log, *refused.lines]
    for options in (("--about",), ("--about", "--format", "json")):
        returncode, out, log = gladly.tap.output(*options)
        assert returncode == 0
        assert "api_token" in out
        said += [out, log]
    for secret in (sandbox.api_token, pair):
        assert not any(secret in text for text in said)


def test_no_certificate_but_a_trusted_one_gets_the_credentials(
    gladly: Gladly, hosts: GladlyHosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    run = gladly.tap.run("teams", organization="acme", **ELSEWHERE)
    assert run.returncode == 1
    assert "TLS certificate" in run.last_word
    assert hosts.hosts == ["acme.gladly.com"]
    assert gladly.sandbox.traffic.count() == 0
