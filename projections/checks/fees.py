"""Fees counted the plain way: for time, once, in advance, and what turned out otherwise."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from domain.events.amounts import Ahead
from domain.line_key import line_key
from projections.checks.desk import Desk, Line, Part
from projections.checks.facts import Span, Stay
from projections.checks.terms import ONE, ZERO, cents, costs

Piece = tuple[datetime, datetime, Decimal]


def fees(desk: Desk) -> Iterator[Part]:
    """Recurring prices: what this period owes, and what is billed ahead for the next."""
    for attachment, ref, stays in desk.priced("recurring"):
        terms = desk.book[ref]
        pieces = [p for stay in stays for p in stay.pieces(desk.reading.span, owed=True)]
        chain = desk.facts.stays[attachment]
        share = desk.share(terms, [(begin, end) for begin, end, _ in pieces], chain)
        amounts = dict(_amounts(desk, attachment, ref, stays, pieces))
        yield Part(
            attachment=attachment,
            price=ref,
            share=share,
            lines=[_line(desk, kind, attachment, ref, owed) for kind, owed in amounts.items()],
        )
        if terms.get("billing") == "in_advance" and desk.coming is not None:
            part = Part(attachment=attachment, price=ref, share=ONE)
            owed = _coming(desk, attachment, ref)
            part.lines = [] if owed is None else [_line(desk, "coming", attachment, ref, owed)]
            yield part


def one_offs(desk: Desk) -> Iterator[Part]:
    """Owed once, where an attachment began to have them in this cycle."""
    for attachment, ref, stays in desk.priced("one_off"):
        first = next((stay for stay in stays if not stay.cancelled), stays[0])
        if not first.carried and desk.reading.span[0] <= first.since < desk.reading.span[1]:
            owed = costs(desk.book[ref], Fraction(first.counts[0][1]))
            line = _line(desk, "once", attachment, ref, owed)
            yield Part(attachment=attachment, price=ref, share=ONE, lines=[line])


def _line(desk: Desk, kind: str, attachment: str, ref: str, owed: Fraction) -> Line:
    return Line(
        key=line_key(kind, attachment, ref),
        kind=kind,
        amount=cents(owed, desk.currency),
        price=ref,
        attachment=attachment,
    )


def _amounts(
    desk: Desk, attachment: str, ref: str, stays: Sequence[Stay], pieces: Sequence[Piece]
) -> Iterator[tuple[str, Fraction]]:
    terms, billed = desk.book[ref], desk.ahead(attachment, ref)
    if terms.get("billing") == "in_advance" and billed is not None:
        # What is owed whole comes back only if it was not on at all.
        if terms.get("proration") != "none" or not pieces:
            yield from _otherwise(desk, attachment, ref, pieces, billed)
        else:
            now, was = (costs(terms, Fraction(n)) for n in (pieces[-1][2], billed.quantity))
            yield "fee", max(now - was, ZERO)
    elif terms.get("proration") == "none":
        before = any(
            stay.carried and not stay.cancelled
            for stay in desk.facts.stays[attachment]
            if ref in stay.prices
        )
        if pieces and not (desk.reading.opened.continued and before):
            yield "fee", costs(terms, Fraction(pieces[-1][2]))
    else:
        yield "fee", sum((_for_time(desk, attachment, ref, piece) for piece in pieces), ZERO)


def _for_time(desk: Desk, attachment: str, ref: str, piece: Piece) -> Fraction:
    terms = desk.book[ref]
    share = desk.share(terms, [piece[:2]], desk.facts.stays[attachment])
    return costs(terms, Fraction(piece[2])) * share


def _coming(desk: Desk, attachment: str, ref: str) -> Fraction | None:
    """For the whole next period, as things stand at the end of this one."""
    coming, billed = desk.coming, desk.ahead(attachment, ref)
    on = [stay for stay in desk.facts.stays[attachment] if stay.until is None]
    if coming is None or not on or ref not in on[0].prices:
        return None
    if billed is not None and billed.end > desk.reading.end:
        return None  # it was paid for a longer time than this cycle became
    start = max(coming.start, on[0].trial_until or coming.start)
    if start >= coming.end:
        return None
    full = coming.full_start, coming.full_end
    share = desk.share(desk.book[ref], [(start, coming.end)], (), full)
    return costs(desk.book[ref], Fraction(on[0].counts[-1][1])) * share


def _otherwise(
    desk: Desk, attachment: str, ref: str, pieces: Sequence[Piece], billed: Ahead
) -> Iterator[tuple[str, Fraction]]:
    """Above what was billed ahead at the price; below it, the share of what was billed."""
    terms, chain = desk.book[ref], desk.facts.stays[attachment]
    worth = costs(terms, Fraction(billed.quantity))
    more, unused = ZERO, ZERO
    for span, count in _cut(desk, ref, chain, pieces, billed):
        inside = billed.start <= span[0] < billed.end
        was = worth if inside else ZERO
        now = ZERO if count is None else costs(terms, Fraction(count))
        if now > was:
            later = () if inside else [billed.start]
            more += (now - was) * desk.share(terms, [span], chain, later=later)
        elif now < was:
            if count is None and span[0] != billed.start:
                span = desk.whole_days(terms, span)
            share = desk.share(terms, [span], chain, (billed.start, billed.end))
            unused += billed.amount * (now - was) / worth * share
    yield "fee", more
    yield "unused", unused


def _cut(
    desk: Desk, ref: str, chain: Sequence[Stay], pieces: Sequence[Piece], billed: Ahead
) -> Iterator[tuple[Span, Decimal | None]]:
    """The time billed for and the time it was on, cut at every change; ``None``: not on."""
    going = [stay for stay in chain if stay.until is None and ref in stay.prices]
    end = min(billed.end, desk.reading.end) if going else billed.end
    edges = {billed.start, end, *(at for begin, stop, _ in pieces for at in (begin, stop))}
    cuts = sorted(edges)
    for begin, stop in pairwise(cuts):
        on = [count for since, until, count in pieces if since <= begin < until]
        if on or billed.start <= begin < end:
            yield (begin, stop), on[0] if on else None
