"""The books of a cycle compared with the invoices that Stripe lists for it."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from domain.billing_cycle import Status
from domain.events.stripe_invoice import Discrepancy, HeldLine
from projections.proof import Expectation, compare
from projections.reconciliation import Booked, Finding, Kind, Projected, Severity
from projections.remote_invoice import RemoteInvoice, RemoteStatus

DETAILS_MAX = 5
"""How many lines a finding names; the cycle's own discrepancies name all."""

GONE = frozenset({RemoteStatus.VOID, RemoteStatus.DELETED})
PARTIES = frozenset({"currency", "customer"})

FITTING: dict[Status, RemoteStatus] = {
    Status.ISSUED: RemoteStatus.OPEN,
    Status.PAST_DUE: RemoteStatus.OPEN,
    Status.PAID: RemoteStatus.PAID,
    Status.UNCOLLECTIBLE: RemoteStatus.UNCOLLECTIBLE,
    Status.VOID: RemoteStatus.VOID,
}
"""Stripe's word for an issued invoice in each state; until then it is a draft."""

_OVER = frozenset({RemoteStatus.PAID, RemoteStatus.UNCOLLECTIBLE, RemoteStatus.VOID})
AHEAD: dict[Status, frozenset[RemoteStatus]] = {
    Status.FINALIZING: _OVER | {RemoteStatus.OPEN},
    Status.ISSUED: _OVER,
    Status.PAST_DUE: _OVER,
    Status.UNCOLLECTIBLE: frozenset({RemoteStatus.PAID, RemoteStatus.VOID}),
}
"""Where Stripe may be while the books only have to note it."""


def chosen(
    booked: Booked, listed: Sequence[RemoteInvoice]
) -> tuple[RemoteInvoice | None, Sequence[RemoteInvoice]]:
    """The invoice of the cycle's present revision, and all others that carry its id."""
    revision = booked.invoice.revision
    recorded = booked.record.live(revision)
    mine = [each for each in listed if each.id == recorded or each.marks.revision == revision]
    mine.sort(key=lambda each: (each.id != recorded, each.status in GONE))
    main = mine[0] if mine else None
    return main, [each for each in listed if each is not main]


def in_sight(booked: Booked, seen: RemoteInvoice) -> bool:
    """Whether the first ten lines suffice to say that an invoice is as it should be.

    Customer, total, number of lines, our digest and the lines in sight are all as expected. What
    two edits out of sight may hide is found by reading every line, and before it is issued.
    """
    expected = booked.awaited(seen)
    ours = seen.claiming(expected.lines)
    proof = booked.record.proof
    digest = proof.digest if expected is booked.proved and proof else booked.invoice.digest()
    return (
        (seen.subtotal, seen.line_count) == (_total(expected), len(expected.lines))
        and asked(seen) == seen.subtotal
        and (seen.currency, seen.marks.digest) == (expected.currency, digest)
        and expected.customer in (None, seen.customer)
        and not ours.duplicates
        and not ours.foreign
        and all(_same(expected.lines.get(key), line.held) for key, line in ours.lines.items())
    )


def asked(seen: RemoteInvoice) -> int:
    """What Stripe asks of the customer before tax, less what somebody took off there."""
    return seen.subtotal if seen.untaxed is None else seen.untaxed


def stripe_findings(
    booked: Booked, projected: Projected, listed: Sequence[RemoteInvoice], now: datetime
) -> Iterator[Finding]:
    """Where Stripe differs from the books.

    listed: every invoice that carries the cycle's id; one that is not read completely must have
    been found ``in_sight``.
    """
    main, others = chosen(booked, listed)
    for other in others:
        yield from _beside(booked, other)
    coming = projected.sync_comes(booked, now)
    if booked.in_books_alone:
        if main is not None:
            yield from _beside(booked, main)
    elif booked.record.open is not None:
        if not coming:
            yield _lagging(booked, main, projected)
    elif main is None:
        yield from _absent(booked, projected, coming=coming)
    else:
        yield from _present(booked, main, projected, coming=coming)


def stranger(seen: RemoteInvoice) -> Iterator[Finding]:
    """An invoice that carries the id of a cycle which the books do not know."""
    if seen.status not in GONE:
        severity, kind = Severity.ERROR, Kind.EXTRA
        if seen.is_draft:
            kind = Kind.ORPHAN_DRAFT
            severity = Severity.WARNING if seen.subtotal else Severity.INFO
        yield Finding(
            kind=kind,
            severity=severity,
            cycle=seen.marks.cycle,
            organization=seen.marks.cycle.rpartition(".")[0],
            currency=seen.currency,
            invoice=seen.id,
            theirs=f"{seen.status.value} {seen.subtotal}",
            cents=seen.subtotal,
            detail="the books have no such cycle",
        )


def _beside(booked: Booked, seen: RemoteInvoice) -> Iterator[Finding]:
    """An invoice that the books do not count on."""
    if seen.status in GONE:
        return
    kind, severity, why = Kind.EXTRA, Severity.ERROR, "the books want no invoice there"
    if seen.marks.revision != booked.invoice.revision:
        why = f"of revision {seen.marks.revision}, which was taken back"
    elif not booked.in_books_alone:
        kind, why = Kind.DUPLICATE_INVOICE, "a second invoice for the same cycle"
    if seen.is_draft and kind is Kind.EXTRA:
        kind = Kind.ORPHAN_DRAFT
        severity = Severity.WARNING if seen.subtotal else Severity.INFO
    theirs = f"{seen.status.value} {seen.subtotal}"
    yield booked.finding(
        kind, severity, invoice=seen.id, theirs=theirs, cents=seen.subtotal, detail=why
    )


def _absent(booked: Booked, projected: Projected, *, coming: bool) -> Iterator[Finding]:
    """Nothing at Stripe: as it should be, not yet, or no more."""
    expected = booked.awaited(None)
    if booked.cycle.is_void:
        return
    if booked.unissued and (expected.nothing or not booked.untried):
        if booked.invoice.subtotal and not (coming or booked.awaits):
            yield _lagging(booked, None, projected)
    elif not expected.nothing:
        yield booked.finding(
            Kind.MISSING,
            Severity.WARNING if booked.unissued else Severity.ERROR,
            invoice=booked.record.invoice,
            ours=str(_total(expected)),
            cents=-_total(expected),
            detail="the draft is gone from Stripe" if booked.unissued else "no invoice at Stripe",
        )


def _present(
    booked: Booked, seen: RemoteInvoice, projected: Projected, *, coming: bool
) -> Iterator[Finding]:
    dismissed = booked.record.dismissed
    compared = compare(booked.awaited(seen), seen) if seen.complete else ()
    found = [each for each in compared if dismissed.get(each.id) != each]
    for each in found:
        if each.kind in PARTIES:
            yield booked.finding(
                Kind(each.kind),
                Severity.ERROR,
                invoice=seen.id,
                ours=each.ours,
                theirs=each.theirs,
            )
    yield from _status(booked, seen)
    content = [each for each in found if each.kind not in PARTIES | {"status"}]
    if seen.status in GONE:
        return
    if seen.is_draft and (not booked.untried or not content):
        behind = (not booked.untried and content) or _moved_on(booked)
        if behind and booked.unissued and not coming:
            yield _lagging(booked, seen, projected)
    elif content:
        yield _differing(booked, seen, content)


def _moved_on(booked: Booked) -> bool:
    """Whether the books are no longer what was proved."""
    proof = booked.record.proof
    return proof is None or proof.digest != booked.invoice.digest()


def _differing(booked: Booked, seen: RemoteInvoice, content: Sequence[Discrepancy]) -> Finding:
    """Lines that somebody else changed, or an issued invoice over another amount."""
    ours = _total(booked.awaited(seen))
    cents = asked(seen) - ours
    issued = not seen.is_draft
    more = f"; {len(content) - DETAILS_MAX} more" if len(content) > DETAILS_MAX else ""
    return booked.finding(
        Kind.AMOUNT if issued and cents else Kind.EDITED,
        Severity.ERROR if issued else Severity.WARNING,
        invoice=seen.id,
        ours=str(ours),
        theirs=str(asked(seen)),
        cents=cents,
        detail="; ".join(map(str, content[:DETAILS_MAX])) + more,
    )


def _lagging(booked: Booked, seen: RemoteInvoice | None, projected: Projected) -> Finding:
    """Stripe is behind the books by our own doing, and no sync is on its way."""
    theirs = asked(seen) if seen else 0
    unanswered = f"{booked.record.open.purpose} was never answered" if booked.record.open else ""
    return booked.finding(
        Kind.LAGGING,
        Severity.WARNING,
        invoice=seen.id if seen else None,
        ours=str(booked.invoice.subtotal),
        theirs=str(theirs),
        cents=theirs - booked.invoice.subtotal,
        detail=projected.problem or unanswered or "no sync is on its way",
    )


def _status(booked: Booked, seen: RemoteInvoice) -> Iterator[Finding]:
    """Where Stripe's word for the invoice is not the one that fits the books."""
    ours, theirs = booked.cycle.status, seen.status
    fitting = FITTING.get(ours, RemoteStatus.DRAFT)
    undecided = theirs is RemoteStatus.VOID and not booked.record.voiding
    known = booked.record.dismissed.get("status")
    if (theirs is fitting and not undecided) or (known and known.theirs == theirs.value):
        return
    noted = theirs in AHEAD.get(ours, frozenset())
    yield booked.finding(
        Kind.STATUS,
        Severity.WARNING if noted or theirs is fitting else Severity.ERROR,
        invoice=seen.id,
        ours=ours.value,
        theirs=theirs.value,
        cents=_asked_for(booked, seen),
        detail="void at Stripe, and nobody decided what becomes of it"
        if theirs is fitting
        else f"{fitting.value} at Stripe would fit",
    )


def _asked_for(booked: Booked, seen: RemoteInvoice) -> int:
    """How much more Stripe asks of the customer than the books: all, nothing or the opposite."""
    theirs = seen.status not in GONE and not seen.is_draft
    settled = not booked.unissued or booked.cycle.status is Status.FINALIZING
    ours = settled and not (booked.cycle.is_void and booked.record.voiding)
    return asked(seen) * (theirs - ours)


def _total(expected: Expectation) -> int:
    return sum(line.amount for line in expected.lines.values())


def _same(ours: HeldLine | None, theirs: HeldLine) -> bool:
    names = ("amount", "start", "end", "description")
    return ours is not None and all(getattr(ours, n) == getattr(theirs, n) for n in names)
