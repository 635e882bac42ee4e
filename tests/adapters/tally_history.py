"""Histories of usage and attachments by chance, and the tallies they come to."""

import random
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from application.registration import Details
from domain.billing_cycle import BillingCycle, Status
from domain.catalog import AGGREGATIONS
from domain.errors import NotFound, RuleViolation
from domain.events.cycle import PriceCorrected
from domain.usage import UsageRecord
from tests.books import Wired, cut_off, issue, jan, record, void

STEPS = 25
INSTANTS = [jan(day, hour) for day in (1, 2, 3, 5, 8, 13) for hour in (0, 6)]
FEBRUARY = [each + timedelta(days=31) for each in INSTANTS]
ATTACHMENTS = ("a1", "a2", "a3")
METERS = (*AGGREGATIONS, "filtered", "each")
NAMES = count()


def meters(case: Wired) -> None:
    """Meters of every kind, priced per attachment, and another time for the organization."""
    for meter in METERS:
        values: dict[str, object] = {"aggregation": meter, "unit": "x", "dimensions": ["region"]}
        if meter not in AGGREGATIONS:
            values["aggregation"] = "sum"
        if meter == "filtered":
            values["filter"] = {"kind": ["good", "better"]}
        case.publishing.define_meter(meter, values, actor="test", at=jan(1))
        for name, scope in (("own", "attachment"), ("all", "organization")):
            publish_price(case, f"{name}_{meter}", meter, scope)
    for name in ("own", "all"):
        prices = [f"{name}_{meter}" for meter in METERS]
        service = {"name": name, "prices": prices}
        case.publishing.define_service(name, service, actor="test", at=jan(1))


def publish_price(case: Wired, price: str, meter: str, scope: str) -> None:
    model: dict[str, object] = {"model": "per_unit", "unit_amount": "1"}
    if meter == "each":
        model = {"model": "percentage", "rate": "2", "fixed_amount": "10"}
    terms = {"price": price, "meter": meter, "currency": "usd", "kind": "metered", "scope": scope}
    case.publishing.publish_price(terms | model, actor="test", at=jan(1))


class History:
    """One organization, and what chance makes of it."""

    def __init__(self, case: Wired, chance: random.Random) -> None:
        self.case, self.chance, self.name = case, chance, f"org{next(NAMES)}"
        details = Details(name="x", currency="usd", starts_at=jan(1))
        case.registration.put(self.name, details, actor="test", at=jan(1))
        self.sent: list[UsageRecord] = []

    def step(self) -> None:
        steps = [self.attach, self.detach, self.swap, self.correct_a_price]
        steps += [self.correct, self.correct, self.go_on]
        self.chance.choice([*steps, self.use, self.use, self.use, self.use])()

    def attach(self) -> None:
        attachment, service = self.chance.choice(ATTACHMENTS), self.chance.choice(["own", "all"])
        self._change("attach", attachment, service, Decimal(1))

    def detach(self) -> None:
        self._change("detach", self.chance.choice(ATTACHMENTS))

    def swap(self) -> None:
        self._change("swap", self.chance.choice(ATTACHMENTS), self.chance.choice(["own", "all"]))

    def correct_a_price(self) -> None:
        cycle, at = self._any_cycle(), self._instant()
        wrong = f"own_{self.chance.choice(METERS)}@1"
        event = PriceCorrected(at=at, wrong=wrong, right=wrong.replace("own", "all"), reason="x")
        with self.case.books.change(self.name, actor="test", cycle=cycle) as books:
            assert books.asked is not None
            known = books.asked.as_known().attachments.values()
            if any(wrong in run.prices for each in known for run in each.runs):
                books.append(books.asked, [event])

    def use(self) -> None:
        instants = self._instants()
        size = self.chance.randint(1, 30)
        fresh = [usage(self.name, instants, self.chance) for _ in range(size)]
        again = self.chance.sample(self.sent, min(3, len(self.sent)))
        batch = [*fresh, *again, *fresh[:2]]
        if self.chance.random() < 0.5:  # nothing to tell apart: stored by one statement
            batch = [each for each in fresh if each.meter != "unique"]
        self.chance.shuffle(batch)
        self.case.usage_log.append(batch, actor="test", now=self.case.now)
        self.sent += fresh

    def correct(self) -> None:
        """Retract, correct or revert a record, be its cycle cut off or not."""
        sent = self.chance.choice(self.sent) if self.sent else None
        found = sent and self.case.finder.find(sent.source, sent.id)
        if not found:
            return
        name, packed = found
        becomes = packed._replace(
            value=str(self.chance.randint(0, 9)),
            at=packed.at + self.chance.choice([0, 1_000_000, 3_600_000_000]),
            attachment=self.chance.choice(["", packed.attachment]),
        )
        with self.case.books.change(self.name, actor="test", cycle=name) as books:
            assert books.asked is not None
            known: BillingCycle = books.asked.as_known()
            decided = self.chance.choice(
                [known.retract(packed, "x"), known.revert(packed, "x")]
                if self.chance.random() < 0.5
                else [known.correct(packed, becomes, "x")]
            )
            books.append(books.asked, decided)

    def go_on(self) -> None:
        """The newest cycle ends, or an ended one is issued, or taken back and issued anew."""
        cycles = self._cycles()
        ended = [each for each in cycles if each.status is not Status.ACCRUING]
        if not ended or (len(cycles) < 3 and self.chance.random() < 0.3):
            cut_off(self.case, self.name)
            return
        chosen = self.chance.choice(ended)
        if chosen.status is Status.CLOSED:
            issue(self.case, chosen.id)
        elif chosen.status is Status.ISSUED:
            void(self.case, chosen.id, "reissue")

    def _cycles(self) -> list[BillingCycle]:
        return [state(self.case, each).cycle for each in self.case.books.cycle_names(self.name)]

    def _any_cycle(self) -> str:
        return self.chance.choice(list(self.case.books.cycle_names(self.name)))

    def _change(self, what: str, *values: Any) -> None:
        with suppress(RuleViolation, NotFound):
            at = self._instant()
            getattr(self.case.attaching, what)(self.name, *values, at=at, actor="test")

    def _instant(self) -> datetime:
        return self.chance.choice(self._instants())

    def _instants(self) -> list[datetime]:
        begun = len(self.case.books.cycle_names(self.name)) > 1
        return INSTANTS + FEBRUARY if begun else INSTANTS


def usage(organization: str, instants: list[datetime], chance: random.Random) -> UsageRecord:
    """A record of any meter at one of some instants, or a second later."""
    return record(
        f"{organization}-{next(NAMES)}",
        organization=organization,
        meter=chance.choice(METERS),
        value=str(chance.choice(["0.000000000001", "-3", "0", "7", "8.25"])),
        occurred_at=chance.choice(instants) + timedelta(seconds=chance.choice([0, 0, 1])),
        attachment="",
        properties={
            "region": chance.choice(["fra", "ams"]),
            "kind": chance.choice(["good", "bad"]),
            "operation": chance.choice(["add", "remove"]),
        },
    )


def state(case: Wired, cycle: str) -> Any:
    """A cycle as readers see it."""
    return case.books.snapshot(cycle.rpartition(".")[0], cycle).asked
