"""Lists: each is paged by a cursor that holds while rows come and go."""

from typing import Any

import pytest

from api.app import BOOKS
from tests.api.conftest import CYCLE, Caller, day
from tests.api.test_life import ORGANIZATION, done

WHY = {"reason": "as agreed"}


def paged(admin: Caller, path: str, key: str) -> list[str]:
    """Every row's key, read one row at a time."""
    found: list[str] = []
    cursor = ""
    for _ in range(10):
        page = done(admin("GET", path, query_string={"limit": 1, "cursor": cursor}))
        found += [each[key] for each in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return found
    raise AssertionError(f"{path} does not end")


def test_every_list_is_paged() -> None:
    lists = [
        op
        for book in BOOKS
        for op in book.ops
        if op.out is not None and {"data", "next_cursor"} <= op.out.fields.keys()
    ]
    unpaged = {op.name for op in lists if not {"cursor", "limit"} <= op.query.fields.keys()}
    assert unpaged == set()


def test_every_change_of_money_by_post_may_be_repeated_under_a_key() -> None:
    """What asks for a second person moves money; usage has ids of its own."""
    ops = [op for book in BOOKS for op in book.ops]
    assert [op.name for op in ops if op.second is not None and not op.keyed] == []


@pytest.fixture
def full(admin: Caller, acme: str) -> None:
    """Three of each, and not made in the order of their ids."""
    fee = {"price": "base", "currency": "usd", "kind": "recurring", "model": "flat", "amount": "9"}
    done(admin("POST", "/v1/prices", fee))
    own: dict[str, Any] = {key: fee[key] for key in ("currency", "kind", "model")}
    for name in ("b", "c", "a"):
        done(admin("PUT", f"/v1/meters/{name}", {"unit": "GB"}))
        done(admin("PUT", f"/v1/services/{name}", {"name": name, "prices": []}))
        done(admin("POST", "/v1/prices", fee | {"price": f"p{name}"}))
        done(admin("PUT", f"{ORGANIZATION}/prices/p{name}", own | {"amount": "8"}))
        attached = {"attachment": name, "service": name, "at": day(2)}
        done(admin("POST", f"{ORGANIZATION}/attachments", attached))
        credit = {"credit": name, "amount": 5, "currency": "usd", **WHY}
        done(admin("POST", f"{ORGANIZATION}/credits", credit))
        discount = {"discount": name, "percent": "10", "cycles": 2, **WHY}
        done(admin("POST", f"{ORGANIZATION}/discounts", discount))
        done(admin("PUT", f"{ORGANIZATION}/alerts/{name}", {"amount": 500}))
        endpoint = {"url": f"https://{name}.example/hook", "description": name}
        done(admin("POST", "/v1/webhook-endpoints", endpoint), 201)


@pytest.mark.parametrize(
    ("path", "key", "rows"),
    [
        ("/v1/meters", "meter", ["a", "b", "c", "cpu"]),
        ("/v1/services", "service", ["a", "b", "c", "machine"]),
        (f"{ORGANIZATION}/prices", "price", ["pa", "pb", "pc"]),
        (f"{ORGANIZATION}/attachments", "attachment", ["a1", "a", "b", "c"]),
        (f"{ORGANIZATION}/credits", "credit", ["b", "c", "a"]),
        (f"{ORGANIZATION}/discounts", "discount", ["a", "b", "c"]),
        (f"{ORGANIZATION}/alerts", "alert", ["a", "b", "c"]),
        (f"{ORGANIZATION}/balance", "currency", ["usd"]),
        ("/v1/webhook-endpoints", "description", ["b", "c", "a"]),
    ],
)
def test_a_list_is_the_same_page_by_page(
    admin: Caller, full: None, path: str, key: str, rows: list[str]
) -> None:
    whole = done(admin("GET", path))
    assert ([each[key] for each in whole["data"]], whole["next_cursor"]) == (rows, None)
    assert paged(admin, path, key) == rows


def test_a_discount_is_listed_while_it_goes_on(admin: Caller, full: None) -> None:
    first = done(admin("GET", f"{ORGANIZATION}/discounts"))["data"][0]
    assert {key: first[key] for key in first if key != "since"} == {
        "discount": "a",
        "percent": "10",
        "amount": None,
        "prices": [],
        "cycle": CYCLE,
        "cycles": 2,
        "reason": "as agreed",
    }
    done(admin("POST", f"{ORGANIZATION}/bill-now", {"at": day(10), **WHY}))
    carried = done(admin("GET", f"{ORGANIZATION}/discounts"))["data"][0]
    assert (carried["cycle"] > CYCLE, carried["cycles"]) == (True, 1)
    assert carried["since"] == first["since"]
    done(admin("POST", f"{ORGANIZATION}/discounts/a/end", WHY))
    ended = done(admin("GET", f"{ORGANIZATION}/discounts"))["data"][0]
    assert (ended["discount"], ended["cycle"]) == ("a", CYCLE)
