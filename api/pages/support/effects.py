"""What an action would do, told before it is done: invoice by invoice, line by line, in words."""

from api.context import now, wired
from api.pages.action import Deed, Effect
from api.pages.actions import require_taken
from api.pages.words import money
from application.conflicts import adoption
from application.so_far import SoFar
from application.views import InvoiceDelta, InvoiceView, LineDelta, Preview
from domain.errors import InvalidInput
from domain.stripe_invoice import StripeInvoice
from projections.change_set import AddLine, ChangeSet, RemoveLine, UpdateDraft, UpdateLine
from projections.sentences.wording import counted


def rehearsed(deed: Deed) -> Effect:
    """By the operation's own preview."""
    query = {**deed.given["query"], "preview": True}
    shown = deed.op.view(**{**deed.given, "query": query, "body": {**deed.body}})
    return of_preview(shown)


def of_preview(shown: Preview) -> Effect:
    """A preview, and a word where nothing would be another."""
    words = () if shown.invoices else ("No invoice would be another.",)
    return Effect(words=words, invoices=shown.invoices)


def waiving(deed: Deed) -> Effect:
    """A line, what is not asked for of it, and what is left."""
    line = _so_far(deed)
    effect = rehearsed(deed)
    if line is None:
        return effect
    off, left = _money(deed.view, line.amount), _money(deed.view, line.total - line.amount)
    words = f"{_come_to(deed, line)} {off} is not asked for: {left} of the line is left."
    return Effect(words=(words, *effect.words), invoices=effect.invoices)


def setting(deed: Deed) -> Effect:
    """A line, what it is set to, and what it comes to then."""
    line, effect = _so_far(deed), rehearsed(deed)
    if line is None:
        return effect
    amount = deed.body["amount"]
    if deed.body["final"]:
        becomes = (
            f"It comes to {_money(deed.view, amount)} in the end, whatever else becomes known."
        )
    else:
        ends = _money(deed.view, line.total - line.amount + amount)
        becomes = (
            f"It is set to {_money(deed.view, amount)} so far, and what comes later adds on: "
            f"the whole line comes to {ends}."
        )
    words = f"{_come_to(deed, line)} {becomes}"
    return Effect(words=(words, *effect.words), invoices=effect.invoices)


def _so_far(deed: Deed) -> SoFar | None:
    found = wired().invoices.so_far(deed.view.invoice.cycle)
    return next((each for each in found if each.line.key == deed.body["line"]), None)


def _come_to(deed: Deed, line: SoFar) -> str:
    so_far, total = _money(deed.view, line.amount), _money(deed.view, line.total)
    return f"{line.line.description} has come to {so_far} so far, of {total}."


def correcting(deed: Deed) -> Effect:
    """By a dry run of the corrections.

    Raises:
        InvalidInput: one of them would be refused.
    """
    answer = deed.op.view(**{**deed.given, "query": {"dry_run": True}})
    require_taken(answer)
    found = tuple(one for item in answer["items"] for one in item["invoices"])
    return of_preview(Preview(invoices=found))


def accepting_late(deed: Deed) -> Effect:
    """What billing a late amount does."""
    return of_preview(
        wired().previews.correcting.accept_late(
            deed.view.invoice.cycle, deed.body["line"], deed.body["reason"], actor=deed.actor
        )
    )


def writing_off(deed: Deed) -> Effect:
    """What never billing it does."""
    return of_preview(
        wired().previews.correcting.write_off_late(
            deed.view.invoice.cycle, deed.body["line"], deed.body["reason"], actor=deed.actor
        )
    )


def approving(deed: Deed) -> Effect:
    """What is consented to."""
    view = deed.view
    exactly = f"{_money(view, view.total)} in {counted(len(view.invoice.lines), 'line')}"
    again = "If a line changes, it has to be approved again."
    return Effect(words=(f"You consent to exactly {exactly}.", again))


def noting(deed: Deed) -> Effect:
    """A credit note, line by line."""
    view, note = deed.view, deed.body
    lines = {line.key: line for line in view.invoice.lines}
    if unknown := [key for key in note["lines"] if key not in lines]:
        raise InvalidInput(f"there is no line {unknown[0]} on this invoice", field="lines")
    ways = ("reduce_due", "refund", "credit_balance", "out_of_band")
    amount = sum(note["lines"].values())
    if (given := sum(note[way] for way in ways)) != amount:
        raise InvalidInput(
            f"the lines come to {_money(view, amount)}, and {_money(view, given)} is given back: "
            "both have to be the same",
            field="reduce_due",
        )
    taken = [
        LineDelta(
            key=key,
            description=lines[key].description,
            was=lines[key].amount,
            becomes=lines[key].amount - off,
        )
        for key, off in note["lines"].items()
    ]
    delta = _delta(view, view.total, view.total - amount, taken)
    return Effect(words=("The invoice stays as issued; a credit note is set against it.",),
                  invoices=(delta,), of="Left of")  # fmt: skip


def voiding(deed: Deed) -> Effect:
    """An invoice taken back: for good, or to be rated anew."""
    view = deed.view
    wired().voiding.require_voidable(view.invoice.cycle, deed.body["mode"], deed.body["reason"])
    late = {each.line: each.amount for each in (*view.late, *view.proposals)}
    if deed.body["mode"] == "reissue":
        words: tuple[str, ...] = (
            f"{view.number or view.invoice.cycle} over {_money(view, view.total)} is void at once.",
            "Its usage is rated anew from everything known now, and a next revision is issued.",
        )
        if late:
            words += (f"{counted(len(late), 'amount')} known late will be on it.",)
        return Effect(words=words)
    gone = [
        LineDelta(key=line.key, description=line.description, was=line.amount, becomes=0)
        for line in view.invoice.lines
    ]
    return Effect(
        words=("It is void, and what it was for is written off: nobody is asked for it again.",),
        invoices=(_delta(view, view.total, 0, gone),),
    )


def giving_up(deed: Deed) -> Effect:
    """An invoice nobody expects to be paid."""
    view = deed.view
    left = _money(view, view.amount_remaining)
    return Effect(words=(f"{left} is given up. It can still be paid.",))


def syncing(deed: Deed) -> Effect:
    """What a sync would change at Stripe, by what was last recorded of it."""
    return of_changes(deed.view, wired().reconciler.pending(deed.view.invoice.cycle))


def of_changes(view: InvoiceView, changes: ChangeSet) -> Effect:
    """A change-set, line by line."""
    words = [each.told for each in changes.of(UpdateDraft)]
    if changes.unsafe:
        words.append(f"It refuses itself: {changes.unsafe}.")
    if changes.in_step:
        words.append("As last recorded, Stripe holds this very invoice; it is read and proved.")
    if changes.foreign:
        others = counted(len(changes.foreign), "line")
        words.append(f"{others} that others put there: left alone.")
    rows = [
        *(
            LineDelta(key=e.remote.key, description=e.remote.description, was=e.remote.amount,
                      becomes=0)
            for e in changes.of(RemoveLine)
        ),
        *(
            LineDelta(key=e.line.key, description=e.line.description, was=e.remote.amount,
                      becomes=e.line.amount)
            for e in changes.of(UpdateLine)
        ),
        *(
            LineDelta(key=e.line.key, description=e.line.description, was=0,
                      becomes=e.line.amount)
            for e in changes.of(AddLine)
        ),
    ]  # fmt: skip
    becomes = changes.invoice.subtotal
    was = becomes - sum(row.becomes - row.was for row in rows)
    drafts = (_delta(view, was, becomes, rows),) if rows else ()
    return Effect(words=tuple(words), invoices=drafts, of="Stripe's draft of")


def finalizing(deed: Deed) -> Effect:
    """What is issued, and what a last sync changes before."""
    view = deed.view
    issued = f"{_money(view, view.total)} is issued, once it is proved equal at Stripe."
    last = syncing(deed)
    return Effect(words=(issued, *last.words), invoices=last.invoices, of=last.of)


def deciding(deed: Deed) -> Effect:
    """What becomes of a draft that others changed."""
    return _ended(deed, deed.view, deed.body["decision"])


def resolving(deed: Deed) -> Effect:
    """What becomes of a discrepancy."""
    how = deed.body["how"]
    if how == "dismiss":
        return Effect(words=("Nothing changes: the difference is accepted while it is just so.",))
    found = wired().discrepancies.get(deed.place.path["discrepancy"])
    return _ended(deed, wired().invoices.get(found.cycle), how)


def _ended(deed: Deed, view: InvoiceView, how: str) -> Effect:
    """What others did to a draft, undone there or taken over into the books, line by line."""
    state, _ = wired().stripe_stream.load(view.invoice.cycle)
    state.decide(how, deed.body["reason"])
    if how == "adopt":
        return _adopted(deed, view, state)
    changes = wired().reconciler.pending(view.invoice.cycle)
    others = [
        LineDelta(key=e.line, description=e.description, was=e.amount, becomes=0)
        for e in state.foreign
        if f"foreign_line/{e.line}" in state.discrepancies
    ]
    rest = of_changes(view, changes)
    rows = [*(row for each in rest.invoices for row in each.lines), *others]
    was = state.subtotal
    drafts = (_delta(view, was, was + sum(e.becomes - e.was for e in rows), rows),) if rows else ()
    words = "The draft is made ours again: what others changed on it is undone."
    return Effect(words=(words,), invoices=drafts, of=rest.of)


def _adopted(deed: Deed, view: InvoiceView, state: StripeInvoice) -> Effect:
    edits = adoption(state, deed.body["reason"], now())
    moved = dict(edits.amounts) | {each.line: each.amount for each in edits.lines}
    named: dict[str, str] = {key: held.description for key, held in state.lines.items()}
    named |= {line.key: line.description for line in view.invoice.lines}
    named |= {line.line: line.description for line in state.foreign}
    ours = {line.key: line.amount for line in view.invoice.lines}
    rows = [
        LineDelta(key=k, description=named.get(k, k), was=ours.get(k, 0),
                  becomes=ours.get(k, 0) + by)
        for k, by in moved.items()
    ]  # fmt: skip
    total = view.total
    delta = _delta(view, total, total + sum(moved.values()), rows)
    words = "The books take over what others changed on the draft."
    return Effect(words=(words,), invoices=(delta,) if rows else ())


def _delta(view: InvoiceView, was: int, becomes: int, lines: list[LineDelta]) -> InvoiceDelta:
    return InvoiceDelta(
        cycle=view.invoice.cycle,
        status=view.status,
        currency=view.invoice.currency,
        was=was,
        becomes=becomes,
        lines=tuple(lines),
    )


def _money(view: InvoiceView, amount: int) -> str:
    return money(amount, view.invoice.currency)
