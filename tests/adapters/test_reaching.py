"""Reaching PostgreSQL for the first time: it says what is wrong, and waits where that can help."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest

from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.reaching import await_database
from domain.errors import StoreMisconfigured, StoreUnavailable
from tests.rabbitmq.relay import relay_to_database
from tests.scheduled import wait_until

PASSWORD = "hunter2hunter2"
A_MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The host of a server that asks ada for her password, and lets in its owner besides."""
    home = tmp_path_factory.mktemp("guarded")
    for folder in (home, *home.parents[:2]):
        folder.chmod(0o711)
    server = EmbeddedPostgres(home)
    with server as url, psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE ada LOGIN PASSWORD '{PASSWORD}'".encode())
        rules = "local all cyclebook trust\nlocal all ada scram-sha-256\n"
        (server.data / "pg_hba.conf").write_text(rules)
        connection.execute("SELECT pg_reload_conf()")
        yield url.partition("host=")[2]


@pytest.mark.parametrize(
    ("conninfo", "said"),
    [
        pytest.param(
            "postgresql://ada:wrong-one@/cyclebook?host={host}",
            'answers: password authentication failed for user "ada"; give DATABASE_URL the right',
            id="a wrong password",
        ),
        pytest.param(
            "postgresql://ada@/cyclebook?host={host}",
            "no password supplied; give DATABASE_URL the right password",
            id="no password",
        ),
        pytest.param(
            "postgresql://cyclebook@/nothing?host={host}",
            'answers: database "nothing" does not exist; make that database, or name another',
            id="no such database",
        ),
        pytest.param(
            "postgresql://eve:x@/cyclebook?host={host}",
            "let this user in, in the server's pg_hba.conf",
            id="a user whom the server does not know",
        ),
        pytest.param(
            "postgresql://ada:" + PASSWORD + "@nothing@127.0.0.1/cyclebook",
            "is no address of PostgreSQL: write postgresql://user:password@host/database, with %40",
            id="an @ in the password",
        ),
        pytest.param(
            "postgresql://ada:hunter2/" + PASSWORD + "@127.0.0.1/cyclebook",
            "is no address of PostgreSQL",
            id="a slash in the password",
        ),
        pytest.param(
            "postgresql://ada:" + PASSWORD + "@127.0.0.1/cyclebook?wrong=1",
            "is no address of PostgreSQL",
            id="an option that is none",
        ),
    ],
)
def test_what_waiting_cannot_mend_is_said_at_once_however_long_one_would_wait(
    guarded: str, conninfo: str, said: str
) -> None:
    with pytest.raises(StoreMisconfigured) as refused:
        await_database(conninfo.replace("{host}", guarded), A_MINUTE)
    assert said in str(refused.value)
    assert "wrong-one" not in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("conninfo", "said"),
    [
        ("host=127.0.0.1 port=1 dbname=x", "PostgreSQL at 127.0.0.1:1 does not answer: Connection"),
        ("host=/nowhere dbname=x", "PostgreSQL at /nowhere does not answer: No such file"),
        ("host=no.such.host.invalid dbname=x", "there is no host no.such.host.invalid to ask"),
    ],
    ids=["refused", "no socket", "no such host"],
)
def test_what_waiting_may_mend_is_said_and_a_command_does_not_wait(
    conninfo: str, said: str
) -> None:
    with pytest.raises(StoreUnavailable) as away:
        await_database(conninfo)
    assert said in str(away.value)
    assert not isinstance(away.value, StoreMisconfigured)


def test_it_goes_on_as_soon_as_the_database_is_there(
    each_database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with relay_to_database(each_database_url) as (relay, url):
        relay.cut()
        waiting = threading.Thread(target=await_database, args=(url, A_MINUTE))
        waiting.start()
        wait_until(lambda: "waiting" in caplog.text)
        assert waiting.is_alive()
        relay.mend()
        waiting.join(20)
        assert not waiting.is_alive()
    (line,) = caplog.messages[:1]
    assert line.startswith(f"PostgreSQL at 127.0.0.1:{relay.port} does not answer: ")


def test_it_gives_up_in_the_end(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(StoreUnavailable, match="does not answer"):
        await_database("host=127.0.0.1 port=1", timedelta(seconds=1))
    assert "waiting, 0 s so far" in caplog.text


def test_a_password_that_is_right_is_let_in(guarded: str) -> None:
    await_database(f"postgresql://ada:{PASSWORD}@/cyclebook?host={guarded}")
