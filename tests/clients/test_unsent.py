"""What could not be sent: handed back, or kept in a file until the next start."""

import time
from pathlib import Path

import pytest
from cyclebook_client import ClientClosed, NoAnswer, Unsent

from tests.clients.conftest import Books, client_to
from tests.clients.proxy import FAULTS, GONE, Broken, Proxy
from tests.clients.test_client import ACME, nowhere

DOWN = Broken(0, GONE)


def test_what_could_not_be_sent_is_handed_back_and_can_be_sent_by_another(
    way: Proxy, key: str, books: Books
) -> None:
    way.next_fault = lambda: FAULTS["the answer is lost"]
    usage = client_to(way.url, key, close_within_s=0.2).client
    ids = [usage.record("cpu", 1, **ACME) for _ in range(3)]
    with pytest.raises(NoAnswer):
        usage.flush(0.2)
    with pytest.raises(Unsent, match="3 usage records were not sent") as unsent:
        usage.close()
    usage.close()
    with pytest.raises(ClientClosed):
        usage.record("cpu", 1, **ACME)
    way.breaks()
    with client_to(way.url, key).client as other:
        other.resume(unsent.value.records)
    assert books.ids() == sorted(ids)


def test_closing_does_not_wait_longer_than_it_was_told(way: Proxy, key: str) -> None:
    way.breaks(Broken(0, lambda _: b"HTTP/1.1 503 No\r\nRetry-After: 600\r\n\r\n"))
    usage = client_to(way.url, key, close_within_s=0.5).client
    usage.record("cpu", 1, **ACME)
    began = time.monotonic()
    with pytest.raises(Unsent, match="503"):
        usage.close()
    assert time.monotonic() - began < 5


def test_an_answer_that_never_comes_does_not_keep_the_client_from_closing(
    way: Proxy, key: str, books: Books
) -> None:
    way.gate.clear()
    usage = client_to(way.url, key, close_within_s=0.1, timeout_s=0.2).client
    sent = usage.record("cpu", 1, **ACME)
    with pytest.raises(Unsent) as unsent:
        usage.close()
    assert [each.id for each in unsent.value.records] == [sent]


# The spool


def test_what_could_not_be_sent_is_spooled_and_sent_at_the_next_start(
    way: Proxy, key: str, books: Books, tmp_path: Path
) -> None:
    spool = tmp_path / "usage.ndjson"
    way.next_fault = lambda: DOWN
    ids = []
    for _ in range(2):
        with client_to(way.url, key, close_within_s=0.1, spool=spool).client as usage:
            ids += [usage.record("cpu", 1, **ACME, properties={"région": "é"}) for _ in range(3)]
    assert len(spool.read_bytes().splitlines()) == 6
    assert spool.stat().st_mode & 0o777 == 0o600

    way.breaks(FAULTS["the answer is lost"])
    with client_to(way.url, key, spool=spool, batch_max=4).client as usage:
        ids.append(usage.record("cpu", 1, **ACME))
    assert books.ids() == sorted(ids)
    assert not spool.exists()


def test_a_line_of_the_spool_that_was_torn_stays_and_is_told(
    service: str, key: str, books: Books, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spool = tmp_path / "usage.ndjson"
    with client_to(nowhere(), key, close_within_s=0.0, spool=spool).client as usage:
        first = usage.record("cpu", 1, **ACME)
    whole = spool.read_bytes()
    torn = whole[: len(whole) // 2]
    spool.write_bytes(whole + torn)
    with client_to(nowhere(), key, close_within_s=0.0, spool=spool).client as usage:
        second = usage.record("cpu", 1, **ACME)
    with client_to(service, key, spool=spool).client as usage:
        third = usage.record("cpu", 1, **ACME)
    assert books.ids() == sorted([first, second, third])
    assert spool.read_bytes() == torn + b"\n"
    assert "is no usage record" in caplog.text


def test_a_spool_that_cannot_be_written_hands_the_records_back(tmp_path: Path) -> None:
    spool = tmp_path / "nowhere" / "usage.ndjson"
    usage = client_to(nowhere(), "ck_x", close_within_s=0.0, spool=spool).client
    usage.record("cpu", 1, **ACME)
    with pytest.raises(Unsent, match="the spool cannot be written"):
        usage.close()
