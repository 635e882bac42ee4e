"""``cyclebook pay``: note money that came in, where no processor collects it."""

from datetime import UTC, datetime

import click

from api.cli.session import ACTOR, INSTANT, as_json, print_json, session


@click.command()
@click.argument("cycle")
@click.argument("amount", type=int)
@click.option("--reference", required=True, help="What the bank calls it; names the payment.")
@click.option("--at", type=INSTANT, help="When it came in; now, if not said.")
@as_json
def pay(cycle: str, amount: int, reference: str, at: datetime | None, as_json: bool) -> None:
    """Note AMOUNT minor units that came in for the invoice of CYCLE (with PROCESSOR=journal).

    The same reference again does nothing.
    """
    from application.paying import NewPayment

    received_at = at or datetime.now(UTC)
    payment = NewPayment(amount=amount, reference=reference, received_at=received_at)
    with session() as wired:
        receipt = wired.paying.note(cycle, payment, actor=ACTOR)
    if as_json:
        print_json({"cycle": cycle, "effect": receipt.effect})
    else:
        told = {"recorded": "noted", "nothing": "was noted before"}[receipt.effect]
        click.echo(f"{cycle}: {reference} {told}")
