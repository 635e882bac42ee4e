"""Whatever is attached, detached and reported, in any order: the tallies equal the log's fold."""

import random
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from adapters.postgres import retally, tallies
from adapters.postgres.retally import folded
from application.cycles import open_next
from application.registration import Details
from domain.catalog import AGGREGATIONS
from domain.errors import NotFound, RuleViolation
from domain.usage import UsageRecord
from tests.books import Wired, jan, record, wired

HISTORIES = 12
STEPS = 25
INSTANTS = [jan(day, hour) for day in (1, 2, 3, 5, 8, 13) for hour in (0, 6)]
ATTACHMENTS = ("a1", "a2", "a3")


@pytest.fixture
def case(database_url: str) -> Iterator[Wired]:
    with wired(database_url) as wired_case:
        yield wired_case


def six_meters(case: Wired) -> None:
    """A meter of each aggregation, priced per attachment, and another for the organization."""
    for meter in AGGREGATIONS:
        values = {"aggregation": meter, "unit": "thing", "dimensions": ["region"]}
        case.publishing.define_meter(meter, values, actor="test", at=jan(1))
        price = {"meter": meter, "currency": "usd", "kind": "metered", "model": "per_unit"}
        for name, scope in (("own", "attachment"), ("all", "organization")):
            case.publishing.publish_price(
                price | {"price": f"{name}_{meter}", "unit_amount": "1", "scope": scope},
                actor="test",
                at=jan(1),
            )
    for name in ("own", "all"):
        prices = [f"{name}_{meter}" for meter in AGGREGATIONS]
        service = {"name": name, "prices": prices}
        case.publishing.define_service(name, service, actor="test", at=jan(1))


class History:
    """One organization, and what chance makes of it."""

    def __init__(self, case: Wired, seed: int) -> None:
        self.case, self.chance, self.name = case, random.Random(seed), f"org{seed}"
        details = Details(name="x", currency="usd", starts_at=jan(1))
        case.registration.put(self.name, details, actor="test", at=jan(1))
        self.sent: list[UsageRecord] = []

    def step(self) -> None:
        steps = [self.attach, self.detach, self.use, self.use, self.use, self.open]
        self.chance.choice(steps)()

    def attach(self) -> None:
        attachment, service = self.chance.choice(ATTACHMENTS), self.chance.choice(["own", "all"])
        self._change("attach", attachment, service, Decimal(1))

    def detach(self) -> None:
        self._change("detach", self.chance.choice(ATTACHMENTS))

    def use(self) -> None:
        fresh = [self._record() for _ in range(self.chance.randint(1, 30))]
        again = self.chance.sample(self.sent, min(3, len(self.sent)))
        batch = [*fresh, *again, *fresh[:2]]
        if self.chance.random() < 0.5:  # nothing to tell apart: stored by one statement
            batch = [each for each in fresh if each.meter != "unique"]
        self.chance.shuffle(batch)
        self.case.usage_log.append(batch, actor="test", now=self.case.now)
        self.sent += fresh

    def open(self) -> None:
        if self.chance.random() < 0.2 and len(self.case.books.cycle_names(self.name)) == 1:
            with self.case.books.change(self.name, actor="test") as books:
                open_next(books)

    def _change(self, what: str, *values: Any) -> None:
        at = self.chance.choice(INSTANTS)
        with suppress(RuleViolation, NotFound):
            getattr(self.case.attaching, what)(self.name, *values, at=at, actor="test")

    def _record(self) -> UsageRecord:
        meter = self.chance.choice(AGGREGATIONS)
        at: datetime = self.chance.choice(INSTANTS)
        return record(
            f"{self.name}-{self.chance.getrandbits(60)}",
            organization=self.name,
            meter=meter,
            value=str(self.chance.choice(["0.000000000001", "-3", "0", "7", "8.25", "1e3"])),
            occurred_at=at + timedelta(seconds=self.chance.choice([-1, 0, 0, 1])),
            attachment=self.chance.choice([*ATTACHMENTS, "", ""]),
            properties=self.chance.choice([{}, {"region": "fra"}, {"region": "ams", "x": "1"}]),
        )


def kept(case: Wired, cycle_no: int) -> dict[Any, Any]:
    """Quantity, records, points and distinct values of each tally, by the tables."""
    with case.database.connection() as connection:
        found = tallies.read(connection, [cycle_no])[cycle_no]
        values = connection.execute(
            "SELECT tally, value FROM usage_value WHERE cycle_no = %s", [cycle_no]
        ).fetchall()
    for name, value in values:
        tally = found[tallies.decode_key(name)]
        tally.values = {*tally.values, value}
    return found


def same(case: Wired, organization: str) -> None:
    """The tables hold what the log comes to."""
    numbers = dict(
        case.rows(f"SELECT cycle, cycle_no FROM cycle_head WHERE organization = '{organization}'")
    )
    for state in case.books.snapshot(organization).cycles:
        with case.database.connection() as connection:
            by_log = folded(connection, state.cycle, case.catalog.current())
        by_tables = kept(case, numbers[state.cycle.id])
        assert by_tables.keys() == by_log.keys()
        for key, tally in by_log.items():
            have = by_tables[key]
            assert have.records == tally.records, key
            assert have.points == tally.points, key
            assert set(have.values) == set(tally.values), key
            if key.meter != "time_weighted":
                assert have.quantity == tally.quantity, key
            if key.meter == "latest":
                assert have.latest_at == tally.latest_at, key


@pytest.mark.parametrize("inline_max", [10_000, 40], ids=["inline", "by the job"])
def test_the_tables_equal_the_fold_of_the_log(
    case: Wired, monkeypatch: pytest.MonkeyPatch, inline_max: int
) -> None:
    monkeypatch.setattr(retally, "INLINE_RECORDS_MAX", inline_max)
    six_meters(case)
    job = retally.Retally(case.database, case.catalog)
    for seed in range(HISTORIES):
        history = History(case, seed)
        for _ in range(STEPS):
            history.step()
        while job.run():
            pass
        same(case, history.name)


def test_of_values_at_one_instant_the_tables_and_the_log_choose_the_same(case: Wired) -> None:
    six_meters(case)
    history = History(case, 1)
    case.attaching.attach("org1", "a1", "all", Decimal(1), at=jan(1), actor="test")
    for meter in ("latest", "time_weighted"):
        batch = [
            record(
                f"{meter}-{number}",
                organization="org1",
                meter=meter,
                value=str(number),
                attachment=attachment,
            )
            for number, attachment in enumerate(["a1", "", "a1"])
        ]
        assert case.usage_log.append(batch, actor="test", now=case.now).refusals == {}
    same(case, history.name)
