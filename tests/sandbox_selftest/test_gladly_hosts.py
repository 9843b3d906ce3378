"""The local Gladly stands for the vendor's hosts over TLS."""

from __future__ import annotations

import pytest
import requests

from tests.sandbox.gladly import GladlyHosts, GladlySandbox
from tests.sandbox_selftest.gladly_client import BASE


def test_hosts() -> None:
    with GladlySandbox(history_days=1) as gladly, GladlyHosts(gladly) as hosts:
        session = requests.Session()
        session.headers.update(gladly.headers)
        session.proxies = {"https": hosts.proxy_url}
        session.verify = str(hosts.ca_bundle)
        session.trust_env = False
        names = ["acme.gladly.com", "acme.us-1.gladly.com", "acme.gladly.qa"]
        for name in names:
            found = session.get(f"https://{name}{BASE}/agents", timeout=9)
            assert found.json() == gladly.account.agents
        for name in ("evil.example", "acme.gladly.com.evil.example"):
            with pytest.raises(requests.exceptions.ProxyError):
                session.get(f"https://{name}{BASE}/agents", timeout=9)
            names.append(name)
        assert hosts.hosts == names
        assert gladly.traffic.count() == 3
        gladly.faults.add(path=f"{BASE}/teams", reset=True)
        with pytest.raises(requests.ConnectionError):
            session.get(f"https://acme.gladly.com{BASE}/teams", timeout=9)
        session.verify = True
        with pytest.raises(requests.exceptions.SSLError):
            session.get(f"https://acme.gladly.qa{BASE}/teams", timeout=9)
        session.close()
