"""Stripe's list of invoices, window by window: complete, or refused."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe

from adapters.sandbox.app import create_sandbox
from adapters.sandbox.client import InProcess
from adapters.sandbox.ledger import Ledger
from adapters.stripe.gateway import StripeGateway, stripe_client
from adapters.stripe.listing import TRIES_MAX
from domain.errors import GatewayBusy, GatewayUnavailable

START = datetime(2026, 1, 1, tzinfo=UTC)


class Meddling(InProcess):
    """Answers of the sandbox, some of which are changed on their way."""

    def __init__(self, app: Any) -> None:
        super().__init__(app)
        self.asked: list[str] = []
        self.before: Any = lambda url: None
        self.replace: tuple[str, str] = ("", "")

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        **more: Any,
    ) -> tuple[str, int, Mapping[str, str]]:
        if method == "get":
            self.asked.append(url)
            self.before(url)
        text, status, answered = super().request(method, url, headers, post_data, **more)
        return text.replace(*self.replace) if method == "get" else text, status, answered


class Account:
    """A Stripe account with an invoice for every hour of January's first days."""

    def __init__(self) -> None:
        self.now = START
        app = create_sandbox(Ledger(), clock=lambda: self.now.timestamp())
        self.sandbox = app.extensions["sandbox"]
        self.http = Meddling(app)
        self.client = stripe_client("sk_test_x", http_client=self.http)
        self.gateway = StripeGateway(self.client)
        self.customer = self.client.v1.customers.create({}).id

    def makes(self, count: int, every: timedelta = timedelta(hours=1)) -> list[str]:
        made = []
        for _ in range(count):
            made.append(self.client.v1.invoices.create({"customer": self.customer}).id)
            self.now += every
        return made

    def lists(self, start: datetime = START, end: datetime | None = None) -> list[str]:
        pages = self.gateway.listed(start, end or self.now)
        return [invoice.id for page in pages for invoice in page]


def test_a_hundred_a_read_and_each_once() -> None:
    account = Account()
    made = account.makes(250, timedelta(minutes=1))
    assert sorted(account.lists()) == sorted(made)
    assert len(account.http.asked) == 3


def test_windows_join_without_gap_or_overlap() -> None:
    account = Account()
    made = account.makes(40, timedelta(hours=21))
    found = account.lists()
    assert sorted(found) == sorted(made) and len(set(found)) == len(found)
    assert len(account.http.asked) == 5  # of 35 days


def test_only_what_was_made_in_the_time_asked_for() -> None:
    account = Account()
    made = account.makes(10)
    assert sorted(account.lists(START + timedelta(hours=2), START + timedelta(hours=5))) == sorted(
        made[2:5]
    )


def test_a_draft_deleted_under_the_cursor_costs_one_window_anew() -> None:
    account = Account()
    made = account.makes(150, timedelta(minutes=1))
    gone: list[str] = []

    def delete_the_cursor(url: str) -> None:
        if "starting_after=" in url and not gone:
            gone.append(url.split("starting_after=")[1].split("&")[0])
            account.sandbox.dashboard.act(gone[0], "delete")

    account.http.before = delete_the_cursor
    assert set(account.lists()) == set(made)
    assert gone and len(account.http.asked) == 4


def test_a_list_that_changes_faster_than_it_can_be_read_is_given_up() -> None:
    account = Account()
    account.makes(500, timedelta(minutes=1))

    def delete_the_cursor(url: str) -> None:
        if "starting_after=" in url:
            cursor = url.split("starting_after=")[1].split("&")[0]
            account.sandbox.dashboard.act(cursor, "delete")

    account.http.before = delete_the_cursor
    with pytest.raises(GatewayUnavailable, match="faster"):
        account.lists()
    assert len(account.http.asked) == 2 * TRIES_MAX


@pytest.mark.parametrize(
    ("there", "instead"),
    [
        pytest.param('"has_more":false', '"has_more":true', id="more, and then nothing"),
        pytest.param('"has_more":false', '"has_more":null', id="does not say"),
    ],
)
def test_a_list_that_ends_before_its_end_is_refused(there: str, instead: str) -> None:
    account = Account()
    account.makes(3)
    spaced = there.replace(":", ": ")
    account.http.replace = (there, instead)
    if spaced in _raw(account):
        account.http.replace = (spaced, instead)
    with pytest.raises(GatewayUnavailable, match="list of invoices"):
        account.lists()


def _raw(account: Account) -> str:
    found = account.client.raw_request("get", "/v1/invoices")
    return str(found.body)


def test_other_trouble_is_told_in_our_words() -> None:
    account = Account()
    account.makes(3)
    account.sandbox.faults.add("rate_limit", method="GET")
    with pytest.raises(GatewayBusy):
        account.lists()
    with pytest.raises(stripe.InvalidRequestError):
        account.client.v1.invoices.retrieve("in_none")
