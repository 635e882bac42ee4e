"""Behind a proxy: who asks is whom a trusted one heard, and streams are passed on as they come."""

import pytest

from api.forwarded import asker, networks
from tests.api.conftest import CYCLE, Caller

HERE, THERE, ADA = "127.0.0.1", "10.1.2.3", "203.0.113.9"


@pytest.mark.parametrize(
    ("trusted", "by", "named", "asks"),
    [
        pytest.param("", HERE, ADA, HERE, id="nobody is trusted"),
        pytest.param(HERE, ADA, THERE, ADA, id="who is not trusted says so of themselves"),
        pytest.param(HERE, HERE, ADA, ADA, id="the proxy says so"),
        pytest.param(HERE, HERE, "", HERE, id="the proxy says nothing"),
        pytest.param(HERE, HERE, " , ", HERE, id="nothing but commas"),
        pytest.param(HERE, HERE, f"{THERE}, {ADA}", ADA, id="made up before the proxy's word"),
        pytest.param(f"{HERE}, 10.0.0.0/8", HERE, f"{ADA},{THERE}", ADA, id="two proxies"),
        pytest.param("10.0.0.0/8", THERE, "10.9.9.9", "10.9.9.9", id="a client beside the proxy"),
        pytest.param(HERE, HERE, "unknown", HERE, id="no address"),
        pytest.param(HERE, HERE, "2001:db8::1", "2001:db8::1", id="IPv6"),
        pytest.param("::1", "::1", ADA, ADA, id="a proxy over IPv6"),
        pytest.param(HERE, "", ADA, "", id="over a socket without addresses"),
    ],
)
def test_who_asks(trusted: str, by: str, named: str, asks: str) -> None:
    assert asker(by, named, networks(trusted)) == asks


@pytest.mark.parametrize(
    ("path", "streamed"),
    [
        ("/v1/organizations/acme/export", True),
        (f"/v1/invoices/{CYCLE}/export", True),
        ("/v1/exports/journal", True),
        ("/v1/organizations/acme/invoices/current", False),
        ("/static/cyclebook.css", False),
    ],
)
def test_streams_say_that_a_proxy_must_not_keep_them(
    admin: Caller, acme: str, path: str, streamed: bool
) -> None:
    answer = admin("GET", path)
    assert answer.status_code == 200
    assert answer.headers.get("X-Accel-Buffering") == ("no" if streamed else None)
    answer.close()
