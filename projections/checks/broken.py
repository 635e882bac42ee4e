"""What must hold in a store, and how it is said that something does not."""

from dataclasses import dataclass

INVARIANTS: dict[int, str] = {
    1: "every accepted usage record is in the log exactly once",
    2: "tallies are the sum of the usage in the log",
    3: "a subtotal is the sum of its lines, and a second, plain rating gives the same lines",
    4: "an invoice replayed from the log is the live one",
    5: "every usage record is rated once, or listed with what it waits for",
    6: "billing periods follow each other without gap or overlap",
    7: "a cycle has one live invoice at Stripe, with each line once",
    8: "what was proved at Stripe is what the books say, by our record",
    9: "an issued invoice still comes to what was settled",
    10: "the log's clock only goes forward, and no event is missing in a stream",
    11: "projections made anew from the log are the same",
    12: "whatever waits or failed has a reason, and somebody looks at it",
}
"""Number -> what must hold."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Broken:
    """An invariant that does not hold.

    about: the organization, billing cycle, stream or table. what: names the part of it that is
    wrong, the same on a second look. detail: both sides, for people.
    """

    invariant: int
    about: str
    what: str
    detail: str = ""

    @property
    def place(self) -> tuple[int, str, str]:
        """What it is about, however its numbers move."""
        return self.invariant, self.about, self.what
