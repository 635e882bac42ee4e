"""Where webhooks may be sent: every way of writing an address of ours is refused."""

from ipaddress import ip_address

import pytest

from adapters.notify.addresses import check, target
from domain.errors import InvalidInput

INSIDE = [
    "127.0.0.1",
    "127.1.2.3",
    "127.255.255.255",
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.254",
    "169.254.169.254",
    "169.254.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::7f00:1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fdff::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]
OUTSIDE = [
    "1.1.1.1",
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.0.1",
    "172.32.0.1",
    "192.0.1.1",
]
OUTSIDE += ["223.255.255.255", "2606:4700::1111", "2a00:1450:4001::8a", "::ffff:8.8.8.8"]
OUTSIDE += ["64:ff9b::808:808"]


@pytest.mark.parametrize("address", INSIDE)
def test_a_name_that_leads_inside_is_refused(address: str) -> None:
    with pytest.raises(InvalidInput):
        check([address])
    with pytest.raises(InvalidInput):
        check(["8.8.8.8", address])


@pytest.mark.parametrize("address", OUTSIDE)
def test_a_name_that_leads_outside_is_taken(address: str) -> None:
    assert check([address]) == [str(ip_address(address))]


def test_a_name_that_leads_nowhere_is_refused() -> None:
    with pytest.raises(InvalidInput):
        check([])


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://example.com/", id="not https"),
        pytest.param("ftp://example.com/", id="another scheme"),
        pytest.param("//example.com/", id="no scheme"),
        pytest.param("https:///path", id="no host"),
        pytest.param("https://", id="nothing"),
        pytest.param("https://127.0.0.1/", id="this machine"),
        pytest.param("https://2130706433/", id="decimal"),
        pytest.param("https://017700000001/", id="octal"),
        pytest.param("https://0x7f000001/", id="hexadecimal"),
        pytest.param("https://0177.0.0.1/", id="octal part"),
        pytest.param("https://0x7f.0.0.1/", id="hexadecimal part"),
        pytest.param("https://127.1/", id="short"),
        pytest.param("https://127.0.0.1./", id="dot at the end"),
        pytest.param("https://[::1]/", id="IPv6"),
        pytest.param("https://[::ffff:127.0.0.1]/", id="IPv6 mapped"),
        pytest.param("https://[::ffff:7f00:1]/", id="IPv6 mapped in hexadecimal"),
        pytest.param("https://[fe80::1%25eth0]/", id="IPv6 with a zone"),
        pytest.param("https://[64:ff9b::127.0.0.1]/", id="NAT64"),
        pytest.param("https://example.com@127.0.0.1/", id="user before the host"),
        pytest.param("https://user:password@example.com/", id="user and password"),
        pytest.param("https://@example.com/", id="an empty user"),
        pytest.param("https://１２７．０．０．１/", id="full-width digits"),
        pytest.param("https://①②⑦.0.0.1/", id="circled digits"),
        pytest.param("https://%31%32%37.0.0.1/", id="percent-encoded"),
        pytest.param("https://example.com:0/", id="port 0"),
        pytest.param("https://example.com:99999/", id="no such port"),
        pytest.param("https://example.com:x/", id="port in letters"),
        pytest.param("https://example.com/#here", id="fragment"),
        pytest.param("https://exam ple.com/", id="blank"),
        pytest.param("https://example.com/\r\nHost: x", id="line's end"),
        pytest.param("https://example.com\\@127.0.0.1/", id="backslash"),
        pytest.param("https://ex..ample.com/", id="an empty label"),
        pytest.param("https://" + "a" * 2000, id="too long"),
        pytest.param("https://example.com/\0", id="NUL"),
        pytest.param("javascript:alert(1)", id="script"),
    ],
)
def test_an_address_that_may_not_be_sent_to_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        target(url)
    assert refusal.value.context["field"] == "url"


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("https://example.com", "example.com", 443, "/"),
        ("https://Example.COM:8443/a/b?c=d&e", "example.com", 8443, "/a/b?c=d&e"),
        ("https://example.com./x", "example.com.", 443, "/x"),
        ("https://bücher.example/ä", "xn--bcher-kva.example", 443, "/%C3%A4"),
        ("https://8.8.8.8/", "8.8.8.8", 443, "/"),
        ("https://[2606:4700::1111]:99/", "2606:4700::1111", 99, "/"),
    ],
)
def test_an_address_is_taken_apart(url: str, host: str, port: int, path: str) -> None:
    found = target(url)
    assert (found.host, found.port, found.path, found.secure) == (host, port, path, True)


def test_only_this_machine_is_sent_to_over_http_and_only_where_that_is_allowed() -> None:
    assert not target("http://127.0.0.1:8080/hook", local=True).secure
    assert check(["127.0.0.1"], local=True, secure=False) == ["127.0.0.1"]
    for address in ("8.8.8.8", "10.0.0.1", "169.254.169.254"):
        with pytest.raises(InvalidInput):
            check([address], local=True, secure=False)
