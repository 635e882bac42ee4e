"""What waits to reach Stripe: listed with its reason, and tried again when a person says so."""

import json
from collections.abc import Callable

from api.wiring import Wired, clock
from application.worker import SyncWorker
from domain.errors import GatewayRejected
from tests.api.conftest import Caller

GONE = GatewayRejected(
    "create: the customer cus_1 is not at Stripe: link the organization to another one",
    code="customer_gone",
    person=True,
)


def parked(wired: Wired, *cycles: str) -> None:
    """Cycles whose sync found something that only a person can mend."""

    def sync(cycle: str, actor: str) -> None:
        raise GONE

    for cycle in cycles:
        wired.sync_queue.mark(cycle, 1, clock())
        assert SyncWorker(wired.sync_queue, sync).step()


def test_what_is_parked_is_listed_with_what_to_do(wired: Wired, admin: Caller) -> None:
    parked(wired, "acme.2026-01-01")
    wired.sync_queue.mark("zeta.2026-01-01", 1, clock())
    (row,) = admin("GET", "/v1/syncs?parked=true").json["data"]
    assert (row["cycle"], row["attempts"], row["parked"]) == ("acme.2026-01-01", 1, True)
    assert row["error"] == f"customer_gone: {GONE}"
    every = admin("GET", "/v1/syncs").json["data"]
    assert [(each["cycle"], each["parked"]) for each in every] == [
        ("acme.2026-01-01", True),
        ("zeta.2026-01-01", False),
    ]


def test_the_list_goes_on_page_by_page(wired: Wired, admin: Caller) -> None:
    names = [f"o{number}.2026-01-01" for number in range(5)]
    parked(wired, *names)
    found, cursor = [], ""
    while cursor is not None:
        more = f"&cursor={cursor}" if cursor else ""
        page = admin("GET", f"/v1/syncs?limit=2{more}").json
        found += [each["cycle"] for each in page["data"]]
        cursor = page["next_cursor"]
    assert found == names


def test_a_command_that_finds_nothing_to_try_again_says_so(
    wired: Wired, run: Callable[..., tuple[int, str, str]]
) -> None:
    status, _, told = run("syncs", "--retry", "acme.2026-01-01")
    assert (status, told) == (2, "cyclebook: no sync of acme.2026-01-01 is parked\n")


def test_one_or_all_are_tried_again(wired: Wired, admin: Caller) -> None:
    parked(wired, "a.2026-01-01", "b.2026-01-01", "c.2026-01-01")
    assert admin("POST", "/v1/syncs/a.2026-01-01/retry").json == {"retried": 1}
    assert admin("POST", "/v1/syncs/a.2026-01-01/retry").status_code == 404
    assert [each.cycle for each in wired.sync_queue.claim(9)] == ["a.2026-01-01"]
    assert admin("POST", "/v1/syncs/retry").json == {"retried": 2}
    assert wired.sync_queue.counts().parked == 0


def test_the_command_shows_and_retries_them(
    wired: Wired, run: Callable[..., tuple[int, str, str]]
) -> None:
    parked(wired, "acme.2026-01-01")
    status, said, _ = run("syncs", "--parked", "--json")
    (row,) = json.loads(said)["data"]
    assert (status, row["error"].split(":")[0]) == (1, "customer_gone")
    status, said, _ = run("syncs", "--retry", "all")
    assert status == 0
    assert "1 to be tried again" in said and "0 parked" in said
