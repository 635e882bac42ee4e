"""Customers of another biller become organizations: registered, named, linked; safe to repeat."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from application.importing.naming import Wish, named
from application.importing.ports import BilledElsewhere, FoundCustomer, ImportedStore
from application.linking import Linking
from application.registration import EMAIL, Details, Registration
from application.views import Member, OrganizationView
from domain.errors import CyclebookError, InvalidInput, NotFound, RuleViolation, Unavailable
from domain.money import exponent

OWNER = "owner"
"""The first member of an imported organization, and its role."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BadRow:
    """What could not be brought over, by Stripe's id, and why."""

    id: str
    code: str
    detail: str


@dataclass(kw_only=True, slots=True)
class Imported:
    """What an import did. made: what is new by it, of what is done. left_out: how many there were
    that are not for us, by reason; they are not expected."""

    expected: int = 0
    done: int = 0
    made: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    bad: list[BadRow] = field(default_factory=list)

    def refuse(self, id_: str, refusal: CyclebookError) -> None:
        """Go on without one."""
        self.bad.append(BadRow(id=id_, code=refusal.code, detail=str(refusal)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Defaults:
    """Where neither Stripe nor a person says it. starts_at: see ``Details``."""

    currency: str | None = None
    starts_at: datetime | None = None


class CustomerImport:
    """Brings customers over, the oldest first. What is done already is found and left alone."""

    def __init__(
        self,
        elsewhere: BilledElsewhere,
        store: ImportedStore,
        registration: Registration,
        linking: Linking,
    ) -> None:
        self._elsewhere = elsewhere
        self._store = store
        self._registration = registration
        self._linking = linking

    def run(
        self,
        wishes: Mapping[str, Wish],
        defaults: Defaults,
        *,
        actor: str,
        at: datetime,
        dry_run: bool = False,
    ) -> Imported:
        """Make each customer an organization and link it. One that cannot be keeps no other back.

        dry_run: say what would be done; nothing is stored, and nothing is changed at Stripe.

        Raises:
            InvalidInput: Stripe does not know the default currency.
            Unavailable: Stripe or the database did not answer; say it again to go on.
        """
        if defaults.currency is not None:
            exponent(defaults.currency)
        customers = [each for page in self._elsewhere.customers() for each in page]
        claims = self._store.claims()
        names = named(customers, wishes, claims)
        done = Imported(expected=len(customers))
        _refuse_unknown(wishes, customers, done)
        for each in sorted(customers, key=lambda one: (one.created, one.id)):
            try:
                wish = wishes.get(each.id, Wish())
                row = _Row(
                    customer=each.id,
                    organization=_name(names[each.id]),
                    settled=each.id in claims,
                    marked=each.organization == names[each.id],
                    meant=bool(each.id in claims or wish.organization or each.organization),
                )
                details = partial(self._details, each, wish, defaults)
                done.made += self._bring(row, details, actor, at, dry=dry_run)
                done.done += 1
            except Unavailable:
                raise
            except CyclebookError as refusal:
                done.refuse(each.id, refusal)
        return done

    def _bring(
        self, row: "_Row", details: Callable[[], Details], actor: str, at: datetime, *, dry: bool
    ) -> bool:
        """Bring one over; whether anything was to do. details: of a new organization."""
        known = self._known(row.organization)
        linked = known.stripe_customer if known else None
        if linked and (linked == row.customer or row.settled):
            if linked == row.customer and not (row.marked or dry) and self._linking.writes:
                self._linking.link(row.organization, row.customer, actor=actor, at=at)
            return False
        if known and (linked or not row.meant):
            so = f"exists already, as customer {linked}" if linked else "exists already"
            raise RuleViolation(
                f"organization {row.organization} {so}; name one for {row.customer} in the file "
                "of --map",
                code="organization_taken",
            )
        fresh = None if known else details()
        if fresh:
            self._registration.check(row.organization, fresh, at)
        if dry:
            return True
        if not (row.settled or self._store.claim(row.customer, row.organization)):
            raise RuleViolation(
                f"organization {row.organization} is another customer's; import once more",
                code="organization_taken",
            )
        if fresh:
            self._registration.put(row.organization, fresh, actor=actor, at=at)
        self._linking.link(row.organization, row.customer, actor=actor, at=at)
        return True

    def _details(self, customer: FoundCustomer, wish: Wish, defaults: Defaults) -> Details:
        return Details(
            name=customer.name or customer.id,
            currency=wish.currency or self._currency(customer) or _named(defaults, customer),
            time_zone=wish.time_zone or "UTC",
            anchor_day=wish.anchor_day or 1,
            members=_members(customer),
            starts_at=defaults.starts_at,
        )

    def _currency(self, customer: FoundCustomer) -> str | None:
        return customer.currency or self._elsewhere.currency_of(customer.id)

    def _known(self, organization: str) -> OrganizationView | None:
        try:
            return self._registration.get(organization)
        except NotFound:
            return None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    """A customer to bring over.

    settled: whether it was found out before what it becomes. marked: whether it carries our id at
    Stripe. meant: whether an organization of that id, where there is one, is surely the one.
    """

    customer: str
    organization: str
    settled: bool
    marked: bool
    meant: bool


def _name(found: str | InvalidInput) -> str:
    if isinstance(found, InvalidInput):
        raise found
    return found


def _named(defaults: Defaults, customer: FoundCustomer) -> str:
    if defaults.currency is None:
        raise InvalidInput(
            f"{customer.id} has no currency at Stripe, no invoice and no subscription: name its "
            "currency in the file of --map, or one for all such customers with --currency",
            field="currency",
        )
    return defaults.currency


def _members(customer: FoundCustomer) -> tuple[Member, ...]:
    """Whoever Stripe writes to is the owner."""
    if customer.email is None:
        return ()
    if not EMAIL.fullmatch(customer.email):
        raise InvalidInput(
            f"{customer.id} has an e-mail address that is none: correct it at Stripe",
            field="email",
        )
    return (Member(user=OWNER, email=customer.email, role=OWNER),)


def _refuse_unknown(
    wishes: Mapping[str, Wish], customers: Sequence[FoundCustomer], done: Imported
) -> None:
    """A person's word about nobody is a slip that should be seen."""
    for customer in sorted(wishes.keys() - {each.id for each in customers}):
        done.refuse(
            customer, NotFound(f"the file of --map names {customer}, whom Stripe lists not")
        )
