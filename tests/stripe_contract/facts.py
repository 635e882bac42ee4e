"""What nobody has verified about Stripe: what the sandbox does about it, and what Stripe did."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Fact:
    """A question about Stripe. sandbox: what ours answers, until Stripe has been asked."""

    question: str
    sandbox: str


FACTS = {
    "bulk_atomic": Fact("What stays of a bulk call with one impossible line?", "nothing"),
    "lines_per_call": Fact("Are 250 lines taken in one call?", "yes"),
    "too_many_lines": Fact(
        "What is said of the 251st line?", "400 None: Invoices can have at most 250 items."
    ),
    "not_editable": Fact(
        "What do the bulk calls say once it is finalized?",
        "add_lines 400 invoice_not_editable, update_lines 400 invoice_not_editable, "
        "remove_lines 400 invoice_not_editable",
    ),
    "invoice_metadata": Fact("What does invoice_metadata of a bulk call do?", "merged"),
    "inline_lines": Fact("How many of 12 lines come inline, with expand[]=data.lines?", "10"),
    "amount_and_quantity": Fact(
        "Does a line take an amount with a quantity?", "400 None: lines[0]"
    ),
    "ties": Fact("To what are 0.5, 1.5, 2.5, -0.5, -2.5 rounded?", "1, 2, 3, -1, -3"),
    "negative_total": Fact("What becomes of a total of -400?", "paid, due 0, balance -400"),
    "small_total": Fact("What becomes of a total of 0.49 USD?", "paid, due 0, balance 49"),
    "customer_deleted": Fact(
        "What do the draft's calls say when its customer was deleted?",
        "add_lines 400 resource_missing, finalize 400 resource_missing, delete 200",
    ),
    "no_location": Fact(
        "What is said when automatic tax lacks a location?",
        "create 200, finalize 400 customer_tax_location_invalid",
    ),
    "key_in_use": Fact("Of what type is the error 409?", "idempotency_error"),
    "search_lag": Fact("Does a search find an invoice at once?", "no"),
}

ELSEWHERE = (
    "the limit on concurrent requests",
    "how long a webhook may take, and when it is sent again",
    "how long hosted links live",
    "how many reads are allotted",
)
"""What no test with a key can tell."""


@dataclass
class Findings:
    """What was found out in this run: answers by fact and side, and what could not be removed."""

    answers: dict[tuple[str, str], str] = field(default_factory=dict)
    left_behind: list[str] = field(default_factory=list)

    def table(self) -> list[str]:
        """Lines for people: what Stripe said, and whether the sandbox does the same."""
        told: list[str] = []
        for name, fact in FACTS.items():
            answer = self.answers.get((name, "stripe"))
            if answer is None:
                told.append(f"not settled  {name}: {fact.question}")
            elif answer == fact.sandbox:
                told.append(f"as sandbox   {name}: {fact.question} {answer}")
            else:
                told.append(f"DIFFERS      {name}: {fact.question} {answer}")
                told.append(f"             the sandbox: {fact.sandbox}")
        told += [f"not settled  {what}" for what in ELSEWHERE]
        return [*told, *(f"left behind  {what}" for what in self.left_behind)]


FINDINGS = Findings()
