"""An organization that owes something by chance, and what Stripe holds for it."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from application.adjusting import NewCredit, NewItem
from application.ports import Appended
from application.registration import Details
from application.stripe_stream import CustomerLinks
from application.views import Member
from domain.errors import CyclebookError
from domain.usage import UsageRecord
from tests.january import day
from tests.world import ACTOR, World

SERVICES = ("machine", "seat")
PAGE_MAX = 100


@dataclass(frozen=True, kw_only=True)
class Held:
    """An invoice as Stripe has it. lines: (our key or Stripe's id of the line, minor units)."""

    id: str
    cycle: str
    revision: int
    status: str
    total: int
    lines: tuple[tuple[str, int], ...]


def publish(world: World) -> None:
    """The catalog that every account buys from."""
    world.meter("cpu", "sum", "region")
    world.price("base", model="flat", amount="3100")
    world.price("seat", model="per_unit", unit_amount="3100")
    tiers = [{"up_to": "10", "unit_amount": "5"}, {"up_to": None, "unit_amount": "3"}]
    world.price("cpu", meter="cpu", model="graduated", tiers=tiers)
    world.service("machine", "base", "cpu")
    world.service("seat", "seat")


def strangers(world: World) -> None:
    """One thing of each kind that is none of ours."""
    client = world.client.v1
    customer = client.customers.create({"name": "Somebody else"}).id
    client.products.create({"id": "theirs", "name": "Theirs"})
    invoice = client.invoices.create({"customer": customer, "currency": "usd"}).id
    line: Any = {"amount": 500, "description": "Theirs"}
    client.invoices.add_lines(invoice, {"lines": [line]})
    client.invoices.finalize_invoice(invoice)
    client.credit_notes.create({"invoice": invoice, "amount": 100})


@dataclass
class Account:
    """One organization of a world, in January 2026. seed: what it owes is drawn from it."""

    world: World
    name: str
    seed: int = 0
    policies: dict[str, Any] = field(default_factory=dict)

    @property
    def cycle(self) -> str:
        """January."""
        return f"{self.name}.2026-01-01"

    @property
    def next(self) -> str:
        """February."""
        return f"{self.name}.2026-02-01"

    @property
    def email(self) -> str:
        """Whose customers at Stripe are this one's."""
        return f"{self.name}@example.com"

    # What happens in the books

    def begin(self, **policies: Any) -> None:
        """Register, with a month of attachments, usage, items and perhaps a credit."""
        draw = Random(self.seed)
        self.put(**policies)
        self.attach("a0", "machine", day(1))
        self.attach("s0", "seat", day(1), draw.randint(1, 5))
        for number in range(1, draw.randint(1, 4)):
            self.attach(f"a{number}", draw.choice(SERVICES), day(draw.randint(1, 9)))
        for number in range(draw.randint(1, 4)):
            self.item(f"i{number}", draw.randint(1, 9_000))
        self.use(*(draw.choice(("1", "2.5", "12")) for _ in range(draw.randint(0, 5))))
        if draw.random() < 0.4:
            self.credit("k0", draw.randint(1, 3_000))

    def put(self, **policies: Any) -> None:
        """Register, or have other policies."""
        self.policies |= policies
        owner = Member(user="owner", email=self.email, role="owner")
        details = Details(
            name=self.name.title(), currency="usd", members=(owner,), policies=self.policies
        )
        self.world.registration.put(self.name, details, actor=ACTOR, at=self.world.now)

    def attach(self, attachment: str, service: str, at: datetime, count: int = 1) -> None:
        attach = self.world.attaching.attach
        attach(self.name, attachment, service, Decimal(count), at=at, actor=ACTOR)

    def detach(self, attachment: str, at: datetime) -> None:
        self.world.attaching.detach(self.name, attachment, at=at, actor=ACTOR)

    def swap(self, attachment: str, service: str, at: datetime) -> None:
        self.world.attaching.swap(self.name, attachment, service, at=at, actor=ACTOR)

    def count(self, attachment: str, count: int, at: datetime) -> None:
        change = self.world.attaching.change_quantity
        change(self.name, attachment, Decimal(count), at=at, actor=ACTOR)

    def item(self, item: str, amount: int) -> None:
        new = NewItem(item=item, description="Work", amount=amount, currency="usd", reason="asked")
        self.world.adjusting.add_item(self.name, new, at=self.world.now, actor=ACTOR)

    def credit(self, credit: str, amount: int) -> None:
        new = NewCredit(credit=credit, amount=amount, currency="usd", reason="sorry")
        self.world.adjusting.grant_credit(self.name, new, at=self.world.now, actor=ACTOR)

    def use(self, *values: str, at: datetime | None = None) -> Appended:
        """Report usage of a0."""
        return self.world.record([self._record(value, at or self.world.now) for value in values])

    def _record(self, value: str, at: datetime) -> UsageRecord:
        self.world.records += 1
        return UsageRecord(
            source="test",
            id=f"{self.name}-{self.world.records}",
            organization=self.name,
            meter="cpu",
            value=value,
            occurred_at=at,
            attachment="a0",
        )

    def link(self, customer: str) -> None:
        """Have a customer at Stripe."""
        CustomerLinks(self.world.books, self.world.clock)(self.name, customer)

    def customer(self) -> str:
        """A customer at Stripe, made by hand."""
        params: Any = {"email": self.email, "metadata": {"organization": self.name}}
        return self.world.client.v1.customers.create(params).id

    def end(self) -> None:
        """The month is over, and so is its grace."""
        self.world.travel(day(32) + timedelta(hours=13))

    # The work of a worker

    def sync(self, cycle: str | None = None) -> int:
        """Sync a cycle; how many writes it cost."""
        return self.world.conflicts.sync(cycle or self.cycle, "sync").writes

    def advance(self) -> None:
        """Take every cycle as far as it goes.

        Raises:
            CyclebookError: one does not go on, for a reason that may pass.
        """
        waiting = self.world.advance(self.name).waiting
        if waiting:
            first = waiting[0]
            raise CyclebookError(first.reason, code=first.code)

    def patiently(self, work: Callable[[], object], tries: int = 8) -> list[CyclebookError]:
        """Do some work as a worker does: again after a while, until it is done.

        Returns:
            What it met before.
        """
        met: list[CyclebookError] = []
        for _ in range(tries):
            try:
                work()
            except CyclebookError as error:
                met.append(error)
                self.world.later(minutes=5)
            else:
                return met
        raise AssertionError(f"still not done: {[str(each) for each in met]}") from met[-1]

    # What Stripe holds

    def listed(self, path: str, **filters: str) -> Iterator[dict[str, Any]]:
        """Every row of a list at Stripe, as it comes."""
        after: dict[str, str] = {}
        while True:
            params: Any = {"limit": str(PAGE_MAX)} | filters | after
            page = self.world.client.raw_request("get", path, **params).data
            yield from page["data"]
            if not page["has_more"]:
                return
            after = {"starting_after": page["data"][-1]["id"]}

    def customers(self) -> list[str]:
        """Who carries our id at Stripe."""
        every = self.listed("/v1/customers", email=self.email)
        return [each["id"] for each in every if each["metadata"].get("organization") == self.name]

    def invoices(self) -> list[Held]:
        """All of them, newest first."""
        return [
            self._held(invoice)
            for customer in self.customers()
            for invoice in self.listed("/v1/invoices", customer=customer)
        ]

    def notes(self) -> list[dict[str, Any]]:
        """Every credit note."""
        every = [self.listed("/v1/credit_notes", invoice=each.id) for each in self.invoices()]
        return [note for notes in every for note in notes]

    def _held(self, invoice: dict[str, Any]) -> Held:
        marks = invoice["metadata"]
        lines = invoice["lines"]["data"]
        if invoice["lines"]["has_more"]:
            lines = self.listed(f"/v1/invoices/{invoice['id']}/lines")
        return Held(
            id=invoice["id"],
            cycle=marks.get("cycle_id", ""),
            revision=int(marks.get("revision", 0)),
            status=invoice["status"],
            total=invoice["total"],
            lines=tuple(sorted((_key(each), each["amount"]) for each in lines)),
        )

    # What must hold

    def must_agree(self, *cycles: str) -> None:
        """Stripe equals the books: one customer, one invoice for each cycle, each line once."""
        held = self.invoices()
        assert len(self.customers()) <= 1, "a customer is there twice"
        once_only(held)
        for cycle in cycles or (self.cycle,):
            lines = self.world.invoices.get(cycle).invoice.lines
            ours = tuple(sorted((each.key, each.amount) for each in lines))
            live = [each for each in held if each.cycle == cycle and each.status != "void"]
            if sum(amount for _, amount in ours) or live:
                (mine,) = live
                assert mine.lines == ours
                assert mine.total == sum(amount for _, amount in ours)
            found = self.world.reconciler.audit(cycle)
            assert not found, found


def once_only(held: Sequence[Held]) -> None:
    """No cycle has two live invoices, no invoice a line twice."""
    live = Counter(each.cycle for each in held if each.status != "void")
    assert all(count == 1 for count in live.values()), f"an invoice is there twice: {held}"
    for each in held:
        keys = Counter(key for key, _ in each.lines)
        assert max(keys.values(), default=1) == 1, f"a line is there twice: {each}"


def _key(line: dict[str, Any]) -> str:
    return line["metadata"].get("line_key") or f"stripe/{line['id']}"
