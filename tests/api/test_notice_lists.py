"""Lists of notices: whom each concerns, page by page, and what a member chose to be told of."""

from collections.abc import Callable

import psycopg

from api.wiring import Wired
from tests.api.conftest import Caller
from tests.api.telling import NOTICES, tell, told
from tests.api.test_life import ORGANIZATION, done


def test_an_organization_reads_its_notices_and_each_reader_marks_their_own(
    wired: Wired, acme: str, caller: Callable[..., Caller]
) -> None:
    for number in range(3):
        tell(wired, number)
    tell(wired, 9, "sync.failed")
    ada, bea = caller("organization", "acme"), caller("organization", "acme")
    page = done(ada("GET", NOTICES))
    assert [each["unread"] for each in page["data"]] == [True] * 3
    assert page["unread"] == 3
    second = page["data"][1]["number"]
    assert done(ada("POST", f"{NOTICES}/read", {"up_to": second})) == {"unread": 1}
    assert done(ada("POST", f"{NOTICES}/read", {"up_to": 0})) == {"unread": 1}
    left = done(ada("GET", f"{NOTICES}?unread=true"))["data"]
    assert [each["number"] for each in left] == [page["data"][0]["number"]]
    assert done(bea("GET", NOTICES))["unread"] == 3


def test_lists_go_on_page_by_page(wired: Wired, admin: Caller, acme: str) -> None:
    for number in range(5):
        tell(wired, number)
    for path in (NOTICES, "/v1/notices"):
        found, cursor = [], ""
        while cursor is not None:
            page = done(admin("GET", f"{path}?limit=2" + (f"&cursor={cursor}" if cursor else "")))
            found += [each["number"] for each in page["data"]]
            cursor = page["next_cursor"]
        assert found == sorted(found, reverse=True) and len(found) == 5
    assert admin("GET", "/v1/notices?cursor=x").status_code == 422
    assert admin("GET", "/v1/notices?kind=odd").status_code == 422
    assert done(admin("GET", "/v1/notices?organization=globex"))["data"] == []


def test_strangers_see_nothing(caller: Callable[..., Caller], acme: str) -> None:
    stranger = caller("organization", "globex")
    members = f"{ORGANIZATION}/members/ada/notifications"
    assert stranger("GET", NOTICES).status_code == 404
    assert stranger("POST", f"{NOTICES}/read", {"up_to": 1}).status_code == 404
    assert stranger("GET", members).status_code == 404
    assert stranger("PUT", members, {"billing": False}).status_code == 404
    assert stranger("GET", "/v1/notices").status_code == 403


def test_members_choose_what_they_are_told_of(
    admin: Caller, acme: str, caller: Callable[..., Caller]
) -> None:
    members = [
        {"user": "ada", "email": "ada@acme.example", "role": "owner"},
        {"user": "Bea von B/1", "email": "bea@acme.example", "role": "member"},
    ]
    details = {"name": "Acme", "currency": "usd", "members": members}
    known = done(admin("GET", ORGANIZATION))
    done(admin("PUT", ORGANIZATION, details | {"anchor_day": known["anchor_day"]}))
    own = caller("organization", "acme")
    path = f"{ORGANIZATION}/members/ada/notifications"
    everything = dict.fromkeys(("billing", "alerts", "cases", "trouble"), True)
    assert done(own("GET", path)) == everything
    assert done(own("PUT", path, {"cases": False})) == everything | {"cases": False}
    assert done(own("GET", path)) == everything | {"cases": False}
    bea = done(own("GET", f"{ORGANIZATION}/members/Bea%20von%20B%2F1/notifications"))
    assert not any(bea.values())
    assert own("GET", f"{ORGANIZATION}/members/emil/notifications").status_code == 404
    assert own("PUT", path, {"football": True}).status_code == 422


def test_what_is_old_is_deleted(wired: Wired, acme: str, database_url: str) -> None:
    endpoint = wired.endpoints.create("https://erp.example/", None, actor="test").id
    for number, kind in ((1, "invoice.updated"), (2, "invoice.paid"), (3, "invoice.paid")):
        tell(wired, number, kind)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE webhook_delivery SET status = 'delivered'")
        connection.execute(
            "UPDATE webhook_delivery SET made_at = now() - interval '31 days' WHERE notice < 3"
        )
        connection.execute("UPDATE notice SET made_at = now() - interval '31 days'")
        connection.execute(
            "INSERT INTO webhook_inbox (event_id, type, object_id, payload, handled_at) VALUES"
            " ('evt_1', 't', 'o', '', now() - interval '31 days'),"
            " ('evt_2', 't', 'o', '', now() - interval '29 days'), ('evt_3', 't', 'o', '', NULL)"
        )
        assert sum(prune() for prune in wired.notifying.prune) == 4
        rows = connection.execute("SELECT event_id FROM webhook_inbox ORDER BY 1").fetchall()
    assert rows == [("evt_2",), ("evt_3",)]
    assert [each.kind for each in told(wired)] == ["invoice.paid"] * 2
    assert len(wired.endpoints.deliveries(endpoint)) == 1
