"""Behind a proxy: who asks is whom a trusted one heard, and streams are passed on as they come."""

import pytest

from api.forwarded import asker, counted_as, networks
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
        pytest.param(HERE, f"::ffff:{HERE}", ADA, ADA, id="IPv4 heard at an address of IPv6"),
        pytest.param(HERE, HERE, f"::ffff:{ADA}", ADA, id="and told of so"),
        pytest.param(HERE, HERE, f"{ADA}:50312", ADA, id="with the port it came from"),
        pytest.param(HERE, HERE, "[2001:db8::1]:443", "2001:db8::1", id="IPv6 with a port"),
        pytest.param(HERE, HERE, "2001:DB8:0::1", "2001:db8::1", id="spelled in another way"),
        pytest.param(HERE, HERE, f"{ADA}:x", HERE, id="no port"),
    ],
)
def test_who_asks(trusted: str, by: str, named: str, asks: str) -> None:
    assert asker(by, named, networks(trusted)) == asks


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        pytest.param(ADA, ADA, id="IPv4"),
        pytest.param("2001:db8:1:2:3::4", "2001:db8:1:2::/64", id="IPv6: all of one connection"),
        pytest.param("2001:db8:1:2::9", "2001:db8:1:2::/64", id="which has as many as it likes"),
        pytest.param("", "", id="none"),
        pytest.param(None, "", id="a socket without addresses"),
    ],
)
def test_as_whom_limits_count_who_asks(address: str | None, counted: str) -> None:
    assert counted_as(address) == counted


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
