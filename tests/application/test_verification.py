"""The plain second count agrees with the books, and tells where it does not."""

from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from application.adjusting import NewDiscount
from application.verification import Verification
from projections.checks.broken import Broken
from tests.application.test_life_machine import BACK, DEEP, Life
from tests.january import JANUARY
from tests.memory_verified import MemoryVerifiedStore
from tests.world import ACTOR, World

TIERS = [
    {"up_to": "10", "unit_amount": "5", "flat_amount": "100"},
    {"up_to": "30.5", "unit_amount": "3.3"},
    {"up_to": None, "unit_amount": "2", "flat_amount": "70"},
]
STEPS = [{"up_to": "12", "flat_amount": "500"}, {"up_to": None, "flat_amount": "2100"}]
PERCENTS = [{"up_to": "900", "rate": "2"}, {"up_to": None, "rate": "0.7", "flat_amount": "33"}]
BY_REGION: dict[str, Any] = {"meter": "cpu", "group_by": ["region"]}
HOURS = {"divide_by": "7", "round": "up"}
PRICES: dict[str, dict[str, Any]] = {
    "volume": {**BY_REGION, "model": "volume", "tiers": TIERS, "minimum_amount": "700"},
    "package": {
        **BY_REGION,
        "model": "package",
        "package_size": "4",
        "package_amount": "150",
        "included_quantity": "9",
        "maximum_amount": "1600",
    },
    "stairs": {**BY_REGION, "model": "stairstep", "tiers": STEPS, "per_group": True},
    "scaled": {
        **BY_REGION,
        "model": "graduated",
        "tiers": TIERS,
        "prorate_tiers": True,
        "flat_at_zero": False,
        "unit_conversion": HOURS,
        "proration": "day",
    },
    "cut": {
        "meter": "sales",
        "model": "percentage",
        "rate": "2.9",
        "fixed_amount": "30",
        "included_records": 2,
        "min_per_record": "35",
        "max_per_record": "400",
    },
    "part": {"meter": "sales", "model": "graduated_percentage", "tiers": PERCENTS},
    "level": {"meter": "disk", "model": "per_unit", "unit_amount": "0.0001"},
    "users": {"meter": "people", "model": "per_unit", "unit_amount": "250"},
    "peak": {"meter": "peak", "model": "per_unit", "unit_amount": "9", "scope": "organization"},
    "last": {"meter": "latest", "model": "per_unit", "unit_amount": "11"},
    "ahead": {"model": "flat", "amount": "3100", "billing": "in_advance", "proration": "day"},
    "once": {"model": "per_unit", "unit_amount": "450", "proration": "none"},
    "commit": {"model": "flat", "amount": "1000", "minimum_amount": "1500"},
}
SERVICES = {
    "mixed": ("volume", "cut", "ahead"),
    "packs": ("package", "part", "level", "once"),
    "steps": ("stairs", "users", "last", "commit"),
    "parts": ("scaled", "level", "peak"),
}
METERS = st.sampled_from(["cpu", "sales", "disk", "people", "peak", "latest"])
FEW = st.sampled_from(["b1", "b2", "a1"])


def verification(made: World) -> Verification:
    return Verification(
        MemoryVerifiedStore(made.store), made.invoices, made.gateway.find, made.clock
    )


def broken(made: World) -> list[Broken]:
    return verification(made).run("acme").broken


def plentiful(made: World) -> None:
    """A price of every model, with everything that can stand around it."""
    publish, at = made.publishing, made.now
    for meter, aggregation in [("sales", "sum"), ("people", "unique"), ("peak", "max")]:
        made.meter(meter, aggregation)
    made.meter("latest", "latest", "region")
    gauge = {"aggregation": "time_weighted", "unit": "GB", "carry_over": True}
    publish.define_meter("disk", gauge, actor=ACTOR, at=at)
    for identity, terms in PRICES.items():
        made.price(identity, **terms)
    for service, prices in SERVICES.items():
        made.service(service, *prices)


class CountedTwice(Life):
    """A life with every kind of price in which everything is counted again after every step."""

    def __init__(self) -> None:
        super().__init__()
        plentiful(self.made)
        self.made.attach("b1", "mixed", JANUARY)

    @rule(attachment=FEW, service=st.sampled_from(sorted(SERVICES)), back=BACK)
    def something_rich_is_attached(self, attachment: str, service: str, back: int) -> None:
        self._try(lambda: self.made.attach(attachment, service, self._ago(back)))

    @rule(attachment=FEW, service=st.sampled_from(sorted(SERVICES)), back=BACK)
    def it_is_swapped_for_a_rich_one(self, attachment: str, service: str, back: int) -> None:
        swap = self.made.attaching.swap
        self._try(lambda: swap("acme", attachment, service, at=self._ago(back), actor=ACTOR))

    @rule(attachment=FEW, days=st.sampled_from([3, 20, 40]), back=BACK)
    def a_trial_begins(self, attachment: str, days: int, back: int) -> None:
        attach, at = self.made.attaching.attach, self._ago(back)
        until = at.replace(hour=5) + (self.made.now - self.made.now) + _days(days)
        self._try(
            lambda: attach(
                "acme", attachment, "mixed", Decimal(2), at=at, trial_until=until, actor=ACTOR
            )
        )

    @rule(attachment=FEW, back=BACK)
    def a_trial_ends(self, attachment: str, back: int) -> None:
        end = self.made.attaching.end_trial
        self._try(lambda: end("acme", attachment, at=self._ago(back), actor=ACTOR))

    @rule(
        meter=METERS,
        values=st.lists(st.integers(0, 900), min_size=1, max_size=4),
        region=st.sampled_from(["", "fra", "nyc"]),
        attachment=st.sampled_from(["b1", "b2", "a1", ""]),
        back=BACK,
        more=st.sampled_from([{}, {"operation": "remove"}]),
    )
    def much_is_used(
        self,
        meter: str,
        values: list[int],
        region: str,
        attachment: str,
        back: int,
        more: dict[str, str],
    ) -> None:
        made, at = self.made, self._ago(back)
        kind = {"properties": {"region": region, **more}, "meter": meter}
        made.record([made.usage(str(value), at, attachment, **kind) for value in values])

    @rule(amount=st.integers(1, 2500), prices=st.sampled_from([(), ("volume", "ahead")]))
    def an_amount_comes_off(self, amount: int, prices: tuple[str, ...]) -> None:
        new = NewDiscount(discount="d2", reason="x", amount=amount, prices=prices)
        grant = self.made.adjusting.grant_discount
        self._try(lambda: grant("acme", new, at=self.made.now, actor=ACTOR))

    @rule(number=st.integers(0, 5), amount=st.integers(0, 4000), final=st.booleans())
    def an_amount_is_set(self, number: int, amount: int, final: bool) -> None:
        cycles = self.made.store.snapshot("acme").cycles
        if cycles and (lines := sorted(self.made.lines(cycles[0].cycle.id))):
            line, cycle = lines[number % len(lines)], cycles[0].cycle.id
            set_to, now = self.made.adjusting.override, self.made.now
            self._try(
                lambda: set_to(cycle, line, amount, "agreed", final=final, at=now, actor=ACTOR)
            )

    @invariant()
    def a_second_plain_count_agrees(self) -> None:
        assert broken(self.made) == []


def _days(count: int) -> Any:
    from datetime import timedelta

    return timedelta(days=count)


TestCountedTwice = CountedTwice.TestCase
TestCountedTwice.settings = settings(
    max_examples=max(DEEP // 100, 8),
    stateful_step_count=50 if DEEP else 20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
