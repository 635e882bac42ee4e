"""``cyclebook link``: say which customer at Stripe an organization is."""

from datetime import UTC, datetime

import click

from api.cli.session import ACTOR, as_json, print_json, session


@click.command()
@click.argument("organization")
@click.argument("customer")
@as_json
def link(organization: str, customer: str, as_json: bool) -> None:
    """Bill ORGANIZATION as CUSTOMER (cus_...), who exists at Stripe, from now on.

    Drafts for the one it was before are made anew by the next sync; what was issued stays.
    """
    with session() as wired:
        linked = wired.linking.link(organization, customer, actor=ACTOR, at=datetime.now(UTC))
    if as_json:
        print_json(
            {
                "organization": linked.organization,
                "customer": linked.customer,
                "former": linked.former,
            }
        )
        return
    instead = f", no longer as {linked.former}" if linked.former else ""
    click.echo(f"{organization} is billed as {customer}{instead}")
