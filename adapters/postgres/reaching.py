"""The first connection to PostgreSQL: what it answers, in words, and whether waiting can help."""

import logging
import re
import time
from datetime import timedelta

import psycopg
from psycopg.conninfo import conninfo_to_dict

from adapters.postgres.database import CONNECT_TIMEOUT_S
from domain.errors import StoreMisconfigured, StoreUnavailable

LOOK_EVERY_S, SAY_EVERY_S = 0.5, 5.0

# What PostgreSQL or its library say, and what to do. Only what waiting never mends.
_FOR_A_PERSON = (
    (
        r"password authentication failed|no password supplied",
        "give DATABASE_URL the right password",
    ),
    (r"database .+ does not exist", "make that database, or name another one in DATABASE_URL"),
    (r"role .+ does not exist|not permitted to log in", "name another user in DATABASE_URL"),
    (
        r"no pg_hba\.conf entry|(peer|ident|GSSAPI) authentication failed",
        "let this user in, in the server's pg_hba.conf",
    ),
    (r"permission denied for database", "let this user CONNECT to the database"),
    (
        r"SSL was required|certificate|sslmode|root\.crt",
        "change what DATABASE_URL says of TLS, or the server",
    ),
)
_NO_SUCH_HOST = re.compile(
    "could not translate host name|resolve host|name or service not known", re.I
)

# What is wrong is not repeated: it may be a part of the password.
_NO_ADDRESS = (
    "DATABASE_URL is no address of PostgreSQL: write postgresql://user:password@host/database,"
    " with %40 for an @ and %2F for a / in the password"
)
_OR_CHANGE = "see that it runs and can be reached, or change DATABASE_URL"

log = logging.getLogger(__name__)


def await_database(conninfo: str, at_most: timedelta = timedelta()) -> None:
    """Return once PostgreSQL takes connections; say every few seconds why it does not yet.

    at_most: how long it is waited for; by default it has to be there. What only a person can
    mend is not waited for.

    Raises:
        StoreMisconfigured: it refuses what ``DATABASE_URL`` says.
        StoreUnavailable: it does not answer.
    """
    began, said_at = time.monotonic(), None
    while True:
        trouble = _trouble(conninfo)
        if trouble is None:
            return
        waited_s = time.monotonic() - began
        if isinstance(trouble, StoreMisconfigured) or waited_s >= at_most.total_seconds():
            raise trouble
        if said_at is None or waited_s - said_at >= SAY_EVERY_S:
            said_at = waited_s
            log.error("%s; waiting, %d s so far", trouble, waited_s)
        time.sleep(LOOK_EVERY_S)


def _trouble(conninfo: str) -> StoreUnavailable | None:
    try:
        known = conninfo_to_dict(conninfo)
        host, port = str(known.get("host") or "this machine"), str(known.get("port") or "")
        if "@" in f"{host}{known.get('dbname')}" or not re.fullmatch("[0-9,]*", port):
            return StoreMisconfigured(_NO_ADDRESS)
        psycopg.connect(conninfo, connect_timeout=CONNECT_TIMEOUT_S).close()
    except psycopg.ProgrammingError:
        return StoreMisconfigured(_NO_ADDRESS)
    except psycopg.OperationalError as error:
        return _in_words(f"{host}:{port}" if port else host, str(error))
    return None


def _in_words(where: str, answer: str) -> StoreUnavailable:
    if _NO_SUCH_HOST.search(answer):
        return StoreUnavailable(f"there is no host {where} to ask for PostgreSQL; {_OR_CHANGE}")
    said = _last(answer)
    for known, remedy in _FOR_A_PERSON:
        if re.search(known, said, re.I):
            return StoreMisconfigured(f"PostgreSQL at {where} answers: {said}; {remedy}")
    return StoreUnavailable(f"PostgreSQL at {where} does not answer: {said}; {_OR_CHANGE}")


def _last(answer: str) -> str:
    """The last thing it said, in one line: of several addresses that of the last one."""
    said = re.split(r"connection to server [^\n]*? failed: |connection failed: ", answer)[-1]
    line = " ".join(said.split()).removeprefix("FATAL: ").partition(" Is the server running")[0]
    return line.strip() or "nothing"
