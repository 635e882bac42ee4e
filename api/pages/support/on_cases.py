"""What support does about a case, and where Stripe differs from the books."""

from api.pages.action import Action, Place
from api.pages.support import effects
from api.pages.support.on_organizations import REASON
from api.pages.typed import Field
from domain.case import REOPENED, REPORTED, RESOLVED


def _unseen(place: Place) -> bool:
    return place.state in (REPORTED, REOPENED)


def _open(place: Place) -> bool:
    return place.state != RESOLVED


def _resolved(place: Place) -> bool:
    return place.state == RESOLVED


_CASES = (
    Action(
        name="acknowledge",
        op="acknowledge_case",
        title="Acknowledge",
        help="Say that somebody looks into it.",
        when=_unseen,
        tell="The customer sees that support looks into it.",
    ),
    Action(
        name="comment",
        op="comment_as_support",
        title="Comment",
        fields=(
            Field(name="text", label="Words", kind="prose", required=True),
            Field(
                name="visibility",
                label="Who reads it",
                kind="choice",
                choices=(("internal", "Only support"), ("public", "The customer, too")),
                required=True,
            ),
        ),
        when=lambda _: False,  # its form is on the case's own page
        tell="Everybody you choose reads these words, for good.",
    ),
    Action(
        name="resolve",
        op="resolve_case",
        title="Resolve",
        help="Give the customer an answer. They can reopen the case for 30 days.",
        fields=(
            Field(
                name="kind",
                label="What it was",
                kind="choice",
                choices=(
                    ("explained", "Explained: the bill is right, and this is why"),
                    ("corrected", "Corrected: the bill was wrong, and is mended"),
                    ("credited", "Credited: something was given back"),
                    ("not_a_problem", "Not a problem"),
                ),
                required=True,
            ),
            Field(name="text", label="Words for the customer", kind="prose", required=True),
            Field(name="credit", label="Credit", help="Its id, if one was granted."),
            Field(name="cycle", label="Corrected on", help="The cycle, such as acme.2026-01-01."),
        ),
        when=_open,
        tell="The customer reads these words, and the case is closed.",
    ),
    Action(
        name="reopen",
        op="reopen_case",
        title="Reopen",
        fields=(Field(name="text", label="Why", kind="prose", required=True),),
        when=_resolved,
        tell="The customer sees that the case is open again, and these words.",
    ),
)

ON_CASES = {each.name: each for each in _CASES}
"""By their names in addresses."""

_DISCREPANCIES = (
    Action(
        name="resolve",
        op="resolve_discrepancy",
        title="Resolve a discrepancy",
        help="Adopting and overwriting are about everything that others did to the draft.",
        fields=(
            Field(
                name="how",
                label="How",
                kind="choice",
                choices=(
                    ("overwrite", "Overwrite: make Stripe ours again"),
                    ("adopt", "Adopt: the books take it over"),
                    ("dismiss", "Dismiss: it may stay as it is"),
                ),
                required=True,
            ),
            REASON,
        ),
        tell=effects.resolving,
    ),
)

ON_DISCREPANCIES = {each.name: each for each in _DISCREPANCIES}
"""By their names in addresses."""
