"""Keys over HTTP: made, rotated with a grace, revoked; and who did what to them."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from api.auth import KeyRing
from api.errors import Unauthorized
from api.instants import parse_instant
from api.wiring import Wired
from tests.api.conftest import Caller, Run
from tests.api.test_life import done

KEYS = "/v1/keys"


def made(admin: Caller, **body: Any) -> dict[str, Any]:
    answer: dict[str, Any] = done(admin("POST", KEYS, {"role": "ingest", **body}), 201)
    return answer


def in_force(wired: Wired, secret: str) -> bool:
    """Whether the key is taken by a process that has not seen it yet."""
    try:
        KeyRing(wired.keys).principal(f"Bearer {secret}")
    except Unauthorized:
        return False
    return True


def events(admin: Caller) -> list[tuple[str, str, str, str | None]]:
    listed = done(admin("GET", f"{KEYS}/events"))["data"]
    return [(each["actor"], each["event"], each["key"], each["successor"]) for each in listed]


def test_a_key_is_made_and_its_secret_is_shown_once(admin: Caller, acme: str, wired: Wired) -> None:
    key = made(admin, role="organization", organization="acme", name="Ada's")
    assert key["key"].startswith(key["id"]) and in_force(wired, key["key"])
    listed = done(admin("GET", KEYS))["data"][-1]
    told = {name: listed[name] for name in ("id", "role", "organization", "name")}
    assert told == {
        "id": key["id"], "role": "organization", "organization": "acme", "name": "Ada's",
    }  # fmt: skip
    assert key["key"] not in admin("GET", KEYS).get_data(as_text=True)


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        pytest.param({"role": "owner"}, 422, "role", id="no such role"),
        pytest.param({"role": "organization"}, 422, "organization", id="an organization's, unsaid"),
        pytest.param(
            {"role": "admin", "organization": "acme"}, 422, "organization", id="staff has no walls"
        ),
        pytest.param({"role": "ingest", "scope": "x"}, 422, "scope", id="unknown field"),
        pytest.param({"role": "organization", "organization": "nobody"}, 404, None, id="nobody's"),
    ],
)
def test_a_key_that_makes_no_sense_is_not_made(
    admin: Caller, acme: str, body: dict[str, str], status: int, field: str | None
) -> None:
    refused = admin("POST", KEYS, body)
    errors = refused.get_json().get("errors", [])
    assert (refused.status_code, [each["field"] for each in errors]) == (
        status,
        [field] if field else [],
    )
    assert len(done(admin("GET", KEYS))["data"]) == 1


def test_a_rotated_key_works_until_its_grace_is_over(
    admin: Caller, wired: Wired, database_url: str
) -> None:
    old = made(admin, role="support", name="console")
    new = done(admin("POST", f"{KEYS}/{old['id']}/rotate", {"grace_s": 3600}), 201)
    assert (new["role"], new["name"], new["replaces"]["id"]) == ("support", "console", old["id"])
    left = parse_instant(new["replaces"]["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=59) < left <= timedelta(hours=1)
    assert in_force(wired, old["key"]) and in_force(wired, new["key"])

    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE api_key SET expires_at = now() WHERE expires_at IS NOT NULL")
    assert (in_force(wired, old["key"]), in_force(wired, new["key"])) == (False, True)
    assert admin("POST", f"{KEYS}/{old['id']}/rotate", {}).status_code == 404


def test_rotating_again_makes_another_key_and_never_lengthens_the_grace(admin: Caller) -> None:
    old = made(admin)
    path = f"{KEYS}/{old['id']}/rotate"
    first = done(admin("POST", path, {"grace_s": 60}), 201)
    second = done(admin("POST", path, {}), 201)
    assert first["id"] != second["id"]
    assert first["replaces"]["expires_at"] == second["replaces"]["expires_at"]


def test_without_a_grace_the_old_key_is_refused_at_once(admin: Caller, wired: Wired) -> None:
    old = made(admin)
    done(admin("POST", f"{KEYS}/{old['id']}/rotate", {"grace_s": 0}), 201)
    assert not in_force(wired, old["key"])


@pytest.mark.parametrize("grace", [-1, 31 * 86_400, "1", 0.5, None])
def test_a_grace_is_a_number_of_seconds_up_to_thirty_days(admin: Caller, grace: Any) -> None:
    old = made(admin)
    refused = admin("POST", f"{KEYS}/{old['id']}/rotate", {"grace_s": grace})
    assert refused.status_code == 422
    assert [each["field"] for each in refused.get_json()["errors"]] == ["grace_s"]


def test_a_revoked_key_is_refused_and_revoking_twice_does_nothing(
    admin: Caller, wired: Wired
) -> None:
    key = made(admin)
    revoked = done(admin("POST", f"{KEYS}/{key['id']}/revoke"))
    assert revoked["revoked_at"] and not in_force(wired, key["key"])
    assert done(admin("POST", f"{KEYS}/{key['id']}/revoke")) == revoked
    assert admin("POST", f"{KEYS}/{key['id']}/rotate", {}).status_code == 404
    assert [each[1] for each in events(admin) if each[2] == key["id"]] == ["created", "revoked"]


@pytest.mark.parametrize(
    "key", ["ck_12345678", "ck_", "x", "ck_1234567%00", "ck_%C3%A4%C3%A4%C3%A4"]
)
@pytest.mark.parametrize("what", ["rotate", "revoke"])
def test_a_key_that_is_none_is_not_found(admin: Caller, key: str, what: str) -> None:
    body = {} if what == "rotate" else None
    assert admin("POST", f"{KEYS}/{key}/{what}", body).status_code == 404


def test_the_log_says_who_did_what(admin: Caller, run: Run) -> None:
    mine = f"key:{admin.key[:11]}"
    old = made(admin)["id"]
    new = done(admin("POST", f"{KEYS}/{old}/rotate", {}), 201)["id"]
    run("keys", "revoke", old)
    assert events(admin) == [
        ("test", "created", admin.key[:11], None),
        (mine, "created", old, None),
        (mine, "created", new, None),
        (mine, "rotated", old, new),
        ("cli", "revoked", old, None),
    ]
    assert run("keys", "log")[1].count(old) == 3


def test_lists_are_paged(admin: Caller) -> None:
    ids = [admin.key[:11], *(made(admin)["id"] for _ in range(4))]

    def pages(path: str) -> Iterator[Any]:
        cursor = ""
        while cursor is not None:
            page = done(admin("GET", f"{path}?limit=2{cursor and '&cursor=' + cursor}"))
            yield from page["data"]
            cursor = page["next_cursor"]

    assert [each["id"] for each in pages(KEYS)] == ids
    assert [each["key"] for each in pages(f"{KEYS}/events")] == ids
    assert admin("GET", f"{KEYS}/events?cursor=x").status_code == 422


def test_the_last_use_is_noted_to_the_minute(
    wired: Wired, caller: Callable[..., Caller], database_url: str
) -> None:
    used, unused = caller("admin"), caller("ingest")

    def last_uses() -> list[datetime | None]:
        return [key.last_used_at for key in wired.keys.list()]

    done(used("GET", KEYS))
    first, never = last_uses()
    assert first and never is None and unused.key
    in_force(wired, used.key)
    assert last_uses() == [first, None]
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE api_key SET last_used_at = last_used_at - interval '2 minutes'")
    in_force(wired, used.key)
    later, _ = last_uses()
    assert later and later > first - timedelta(minutes=1)
