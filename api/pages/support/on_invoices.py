"""What support does about an invoice: hold, approve, adjust, sync, issue, take back, credit."""

from collections.abc import Mapping

from api.pages.action import Action, Place, When
from api.pages.support import effects
from api.pages.support.on_organizations import REASON, TOLD_REASON, WHY
from api.pages.typed import Field
from domain.billing_cycle import UNISSUED

OPEN = frozenset(status.value for status in UNISSUED)
ISSUED = frozenset({"issued", "past_due", "uncollectible"})
CREDITABLE = ISSUED | {"paid"}

LINE = Field(name="line", label="Line", kind="choice", choices="adjustable", required=True)
LATE_LINE = Field(name="line", label="Late amount", kind="choice", choices="late", required=True)


def _held(place: Place) -> bool:
    return place.view is not None and place.view.hold is not None


def _free(place: Place) -> bool:
    return not _held(place)


def _any(choices: str) -> When:
    """Where there is something to choose."""
    return lambda place: bool(place.choices(choices))


def _final(place: Place) -> Mapping[str, str]:
    """What people mean by a new amount, wherever it can be said already."""
    view = place.view
    possible = view is not None and (view.hold is not None or view.status != "accruing")
    return {"final": "yes"} if possible else {}


def _failed(place: Place) -> bool:
    return place.view is not None and place.view.stripe.state == "failed"


def _troubled(place: Place) -> bool:
    """Where somebody can decide: others changed the draft, whatever else went wrong."""
    return bool(place.choices("discrepancies"))


def _way(name: str, label: str, help: str = "") -> Field:
    return Field(name=name, label=label, kind="amount", help=help)


_ALL = (
    Action(
        name="hold",
        op="hold_invoice",
        title="Hold",
        help="The invoice is not issued while the hold lasts. Usage goes on being recorded.",
        fields=(
            REASON,
            Field(name="owner", label="Who looks into it"),
            Field(name="review_at", label="Until when", kind="instant"),
        ),
        statuses=OPEN,
        when=_free,
        tell="No amount changes. The invoice is not issued until it is released.",
    ),
    Action(
        name="release",
        op="release_invoice",
        title="Release",
        help="End a hold.",
        fields=(REASON,),
        statuses=OPEN,
        when=_held,
        tell="No amount changes. The invoice is issued when its time comes.",
    ),
    Action(
        name="approve",
        op="approve_invoice",
        title="Approve",
        help="Consent to the invoice as it is now.",
        fields=(REASON,),
        statuses=OPEN - {"accruing"},
        tell=effects.approving,
    ),
    Action(
        name="waive",
        op="waive_line",
        title="Waive a line",
        help="What the line has come to so far is not asked for. Later usage adds on.",
        fields=(LINE, TOLD_REASON),
        statuses=OPEN,
        tell=effects.waiving,
        steady=True,
    ),
    Action(
        name="override",
        op="override_amount",
        title="Override a line",
        help="Set what a line has come to so far, and what comes later adds on. Or set what it "
        "comes to in the end, whatever else becomes known.",
        fields=(
            LINE,
            Field(
                name="amount",
                label="New amount",
                kind="amount",
                required=True,
                help="Of what it has come to so far; or of the whole line, if it is final.",
            ),
            Field(
                name="final",
                label="Final: the line comes to just this in the end",
                kind="yes",
                help="Once the period is over. Before, hold the invoice first.",
            ),
            TOLD_REASON,
        ),
        statuses=OPEN,
        begins=_final,
        tell=effects.setting,
        steady=True,
    ),
    Action(
        name="sync",
        op="sync_invoice",
        title="Sync now",
        help="Make Stripe's draft equal the books, read it back, and prove it.",
        fields=(
            Field(
                name="force",
                label="Even if the plan refuses itself",
                kind="yes",
                help="Only after looking at every line of it.",
            ),
            WHY,
        ),
        statuses=OPEN,
        tell=effects.syncing,
    ),
    Action(
        name="edits",
        op="decide_edits",
        title="Decide about an edited draft",
        help="Others changed the draft at Stripe. Say what becomes of that.",
        fields=(
            Field(
                name="decision",
                label="Decision",
                kind="choice",
                choices=(
                    ("overwrite", "Overwrite: the draft becomes ours again"),
                    ("adopt", "Adopt: the books take the changes over"),
                ),
                required=True,
            ),
            REASON,
        ),
        statuses=OPEN,
        when=_troubled,
        tell=effects.deciding,
    ),
    Action(
        name="dismiss",
        op="dismiss_discrepancy",
        title="Dismiss a discrepancy",
        help="Stripe may differ in this way, for as long as it differs just so.",
        fields=(
            Field(
                name="discrepancy",
                label="Discrepancy",
                kind="choice",
                choices="discrepancies",
                required=True,
            ),
            REASON,
        ),
        when=_any("discrepancies"),
        tell="Nothing changes here or at Stripe: the difference is accepted.",
    ),
    Action(
        name="retry",
        op="retry_sync",
        title="Retry a parked sync",
        help="Once somebody did what its error says.",
        when=_failed,
        tell="The next free worker tries again.",
    ),
    Action(
        name="finalize",
        op="finalize_invoice",
        title="Issue now",
        help="Settle and issue a cycle whose grace is over.",
        fields=(WHY,),
        statuses=OPEN - {"accruing"},
        tell=effects.finalizing,
    ),
    Action(
        name="accept-late",
        op="accept_late",
        title="Bill a late amount",
        help="Although a person had adjusted its line.",
        fields=(
            Field(name="line", label="Proposal", kind="choice", choices="proposals", required=True),
            REASON,
        ),
        when=_any("proposals"),
        tell=effects.accepting_late,
    ),
    Action(
        name="write-off-late",
        op="write_off_late",
        title="Write a late amount off",
        help="It is never billed as it is now. What becomes known after that is told anew.",
        fields=(LATE_LINE, REASON),
        when=_any("late"),
        tell=effects.writing_off,
    ),
    Action(
        name="credit-note",
        op="issue_credit_note",
        title="Issue a credit note",
        help="What is taken off each line, and how it is given back. Both come to the same.",
        fields=(
            Field(name="lines", label="Taken off", kind="amounts", choices="creditable"),
            _way("reduce_due", "Reduces what is to be paid", "First, while something is."),
            _way("refund", "Refunded"),
            _way("credit_balance", "Put on the credit balance"),
            _way("out_of_band", "Given back in another way"),
            Field(name="memo", label="Words for the customer", kind="words"),
            REASON,
        ),
        identity="note",
        statuses=CREDITABLE,
        tell=effects.noting,
    ),
    Action(
        name="void",
        op="void_invoice",
        title="Void",
        help="Take an issued invoice back. A paid one is corrected by a credit note.",
        fields=(
            Field(
                name="mode",
                label="And then",
                kind="choice",
                choices=(
                    ("reissue", "Reissue: rate it anew and issue the next revision"),
                    ("forgive", "Forgive: write off what it was for"),
                ),
                required=True,
            ),
            REASON,
        ),
        statuses=ISSUED,
        tell=effects.voiding,
    ),
    Action(
        name="uncollectible",
        op="mark_uncollectible",
        title="Give up on it",
        help="Nobody expects it to be paid. It still can be.",
        fields=(REASON,),
        statuses=ISSUED - {"uncollectible"},
        tell=effects.giving_up,
    ),
)

ON_INVOICES = {each.name: each for each in _ALL}
"""By their names in addresses."""
