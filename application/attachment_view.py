"""How attachments and credits are shown: each stretch once, whatever cycles it runs through."""

from collections.abc import Iterable

from application.ports import CycleState
from application.views import AttachmentView, CreditView
from domain.attachment import Run
from domain.events.organization import CreditGranted


def attachment_views(cycles: Iterable[CycleState]) -> list[AttachmentView]:
    """What was attached in some cycles, oldest first, each stretch once, by beginning."""
    found: dict[str, list[AttachmentView]] = {}
    for state in cycles:
        for attachment in state.cycle.attachments.values():
            for run in (each for each in attachment.runs if not each.cancelled):
                _join(found.setdefault(attachment.id, []), _view(attachment.id, run))
    views = [view for each in found.values() for view in each]
    return sorted(views, key=lambda view: (view.since, view.attachment))


def _join(views: list[AttachmentView], view: AttachmentView) -> None:
    """Add a stretch; one carried over from the cycle before continues the last."""
    if view.carried and views and views[-1].until is None:
        first = views.pop()
        view = AttachmentView(
            attachment=view.attachment,
            service=view.service,
            name=view.name,
            quantity=view.quantity,
            prices=view.prices,
            since=first.since,
            until=view.until,
            carried=first.carried,
            trial_until=view.trial_until,
        )
    views.append(view)


def _view(attachment: str, run: Run) -> AttachmentView:
    return AttachmentView(
        attachment=attachment,
        service=run.service,
        name=run.name,
        quantity=run.quantities[-1][1],
        prices=run.prices,
        since=run.since,
        until=run.until,
        carried=run.carried,
        trial_until=run.trial_until,
    )


def credit_view(grant: CreditGranted, applied: int, expired: int) -> CreditView:
    """A credit and what became of it, in minor units."""
    return CreditView(
        credit=grant.credit,
        amount=grant.amount,
        applied=applied,
        expired=expired,
        remaining=grant.amount - applied - expired,
        currency=grant.currency,
        reason=grant.reason,
        granted_at=grant.at,
        expires_at=grant.expires_at,
    )
