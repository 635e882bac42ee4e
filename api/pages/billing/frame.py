"""What every billing page has around it: whose it is, where one can go, and who looks."""

from typing import Any

from flask import render_template, request

from api.auth import ORGANIZATION
from api.context import wired
from api.endpoint import principal
from api.setting_texts import STRIPE
from application.views import OrganizationView
from domain.errors import NotFound
from domain.identity import parse_cycle_name

CUSTOMERS = frozenset({ORGANIZATION})
"""Who may change something here. Colleagues see the pages as customers do, and only see them."""

ROOT = "/billing/<organization>"
DIGITS_MAX = 18
"""Digits of a place in a list."""

INVOICE = f"{ROOT}/invoices/<cycle>"


def framed(
    template: str, organization: str, who: OrganizationView | None = None, /, **values: Any
) -> str:
    """A billing page of an organization.

    Raises:
        NotFound: there is no such organization.
    """
    who = who or wired().registration.get(organization)
    return render_template(
        f"billing/{template}",
        organization=who,
        zone=who.time_zone,
        may_change=principal().role == ORGANIZATION,
        has_provider=wired().settings.processor == STRIPE,
        **values,
    )


def require_own(organization: str, cycle: str) -> None:
    """Let nobody see an invoice under another organization's address.

    Raises:
        NotFound: the cycle is another organization's.
    """
    parsed = parse_cycle_name(cycle)
    if parsed is None or parsed[0] != organization:
        raise NotFound(f"there is no billing cycle {cycle}", cycle=cycle)


def is_part() -> bool:
    """Whether a script of ours asks for a piece of a page, to be put into one."""
    return request.headers.get("HX-Request") == "true"


def asked_number(name: str) -> int | None:
    """A place in a list that the address or the form names; ``None`` where it names none."""
    text = request.values.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX else None
