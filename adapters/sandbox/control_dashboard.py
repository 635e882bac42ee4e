"""A person in Stripe's Dashboard, customers and banks, over HTTP under ``/_sandbox``."""

from collections.abc import Callable

from flask import Blueprint
from flask.typing import ResponseReturnValue

from adapters.sandbox.control_body import body
from adapters.sandbox.dashboard import Dashboard
from adapters.sandbox.ledger import Thing


def dashboard_routes(routes: Blueprint, dashboard: Dashboard) -> None:
    """Everything that people do behind our back."""
    _drafts(routes, dashboard)
    _customers(routes, dashboard)
    _issued(routes, dashboard)


def _drafts(routes: Blueprint, dashboard: Dashboard) -> None:
    @routes.post("/invoices/<invoice>/lines")
    def add_line(invoice: str) -> ResponseReturnValue:
        return dashboard.add_line(invoice, **body())

    @routes.post("/invoices/<invoice>/discount")
    def discount(invoice: str) -> ResponseReturnValue:
        return dashboard.discount(invoice, **body())

    @routes.post("/invoices/<invoice>/memo")
    def memo(invoice: str) -> ResponseReturnValue:
        return dashboard.memo(invoice, **body())

    @routes.post("/lines/<line>")
    def edit_line(line: str) -> ResponseReturnValue:
        return dashboard.edit_line(line, **body())

    @routes.delete("/lines/<line>")
    def remove_line(line: str) -> ResponseReturnValue:
        return dashboard.remove_line(line)

    @routes.post(
        "/invoices/<invoice>/<any(finalize,send,pay,void,mark_uncollectible,delete):action>"
    )
    def act(invoice: str, action: str) -> ResponseReturnValue:
        return dashboard.act(invoice, action)


def _customers(routes: Blueprint, dashboard: Dashboard) -> None:
    @routes.post("/customers/<customer>")
    def edit(customer: str) -> ResponseReturnValue:
        return dashboard.edit_customer(customer, **body())

    @routes.delete("/customers/<customer>")
    def delete(customer: str) -> ResponseReturnValue:
        return dashboard.delete_customer(customer)

    @routes.post("/customers/<customer>/balance")
    def change_balance(customer: str) -> ResponseReturnValue:
        return dashboard.change_balance(customer, **body())


def _issued(routes: Blueprint, dashboard: Dashboard) -> None:
    ways: dict[str, Callable[..., Thing]] = {
        "decline": dashboard.decline,
        "ask_customer": dashboard.ask_customer,
        "overdue": dashboard.overdue,
        "credit": dashboard.credit,
        "refund": dashboard.refund,
        "dispute": dashboard.dispute,
    }

    @routes.post(
        "/invoices/<invoice>/<any(decline,ask_customer,overdue,credit,refund,dispute):happens>"
    )
    def happen(invoice: str, happens: str) -> ResponseReturnValue:
        return ways[happens](invoice, **body())

    @routes.post("/credit_notes/<note>/void")
    def void_note(note: str) -> ResponseReturnValue:
        return dashboard.void_note(note)

    @routes.post("/refunds/<refund>/fail")
    def fail_refund(refund: str) -> ResponseReturnValue:
        return dashboard.fail_refund(refund, **body())

    @routes.post("/disputes/<dispute>")
    def decide(dispute: str) -> ResponseReturnValue:
        return dashboard.decide(dispute, **body())
