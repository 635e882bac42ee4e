"""What ``cyclebook reprice --move`` does to everybody, or would do."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import click

from api.cli.session import ACTOR, print_json, print_table
from api.instants import format_instant
from api.schemas.effects import InvoiceDeltaSchema
from application.repricing import Fixed
from application.views import InvoiceDelta
from application.what_if import organizations
from domain.errors import CyclebookError, StoreUnavailable
from domain.money import shown

if TYPE_CHECKING:
    from api.wiring import Wired

Found = tuple[str, tuple[InvoiceDelta, ...], str]
"""An organization, its invoices that would be others, and why it cannot be moved."""


def move_all(wired: "Wired", price: str, at: datetime) -> list[Fixed]:
    """Move everybody's attachments, each organization in a transaction of its own.

    Raises:
        NotFound: there is no such price.
    """
    _tell_version(wired, price, at)
    return [
        wired.repricing.move(price, organization, at=at, actor=ACTOR)
        for organization in organizations(wired.directory)
    ]


def would_move(wired: "Wired", price: str, at: datetime, as_json: bool) -> int:
    """Show what that would do to invoices, and store nothing. The exit status.

    Raises:
        NotFound: there is no such price.
    """
    _tell_version(wired, price, at)
    found = list(_rehearsed(wired, price, at))
    failed = sum(1 for _, _, why in found if why)
    if as_json:
        one = InvoiceDeltaSchema(many=True)
        print_json(
            [
                {"organization": organization, "invoices": one.dump(invoices), "detail": why}
                for organization, invoices, why in found
            ]
        )
    else:
        print_table(
            ["organization", "cycle", "was>", "becomes>", "", "why not"], list(_rows(found))
        )
        changed = len(found) - failed
        click.echo(
            f"{changed} organizations would get other invoices by what is known now, {failed} "
            "cannot be moved. Nothing was changed."
        )
    return 1 if failed else 0


def _rehearsed(wired: "Wired", price: str, at: datetime) -> Iterator[Found]:
    for organization in organizations(wired.directory):
        try:
            preview = wired.previews.moving.move(price, organization, at=at, actor=ACTOR)
        except StoreUnavailable:
            raise
        except CyclebookError as refusal:
            yield organization, (), f"{refusal.code}: {refusal}"
        else:
            if preview.invoices:
                yield organization, preview.invoices, ""


def _rows(found: list[Found]) -> Iterator[list[object]]:
    for organization, invoices, why in found:
        if why:
            yield [organization, "", "", "", "", why]
        for each in invoices:
            amounts = [shown(amount, each.currency) for amount in (each.was, each.becomes)]
            yield [organization, each.cycle, *amounts, each.currency.upper(), ""]


def _tell_version(wired: "Wired", price: str, at: datetime) -> None:
    """Say so where the newest version is not in force yet, so that nobody waits for it."""
    newest = wired.publishing.prices(price)[-1]
    if newest.effective_at is not None and newest.effective_at > at:
        click.echo(
            f"{newest.ref} is in force only from {format_instant(newest.effective_at)} on: "
            "what runs gets what was in force before it",
            err=True,
        )
