"""Registration: organizations, their members and their policies."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from application.cycles import FUTURE_MAX
from application.ports import Books, CatalogReader, Directory, EventLog, OpenBooks, Profile
from application.views import Member, OrganizationPage, OrganizationSummary, OrganizationView
from domain.catalog import Catalog
from domain.errors import ConcurrentChange, InvalidInput, NotFound, RuleViolation
from domain.events.base import Recorded
from domain.events.organization import OrganizationRegistered
from domain.identity import organization_stream
from domain.money import exponent
from domain.organization import Organization, checked_role, registered
from domain.period import Calendar, Period, zone
from domain.policies import checked
from domain.pricing.fields import identifier
from domain.text import written

PAGE_MAX = 500
TEXT_MAX = 255
MEMBERS_MAX = 1_000
EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
STARTS_BACK_MAX = timedelta(days=3 * 366)
"""How far back a first cycle may begin: each month since then is a cycle to be billed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Details:
    """How an organization is to be.

    members, policies: ``None`` leaves them as they are; otherwise they are replaced, and a
    policy that is not named gets its default. starts_at: the first cycle begins at this
    instant's local midnight; by default where the period that holds the present begins.
    """

    name: str
    currency: str
    time_zone: str = "UTC"
    anchor_day: int = 1
    members: tuple[Member, ...] | None = None
    policies: Mapping[str, object] | None = None
    starts_at: datetime | None = None


class Registration:
    """Registers organizations and changes them. Asking for the same again does nothing."""

    def __init__(
        self, log: EventLog, books: Books, directory: Directory, catalog: CatalogReader
    ) -> None:
        self._log = log
        self._books = books
        self._directory = directory
        self._catalog = catalog

    def put(
        self, organization: str, details: Details, *, actor: str, at: datetime
    ) -> OrganizationView:
        """Make an organization what ``details`` say. A new one gets its first cycle.

        Another anchor day or time zone takes effect where the newest cycle ends.

        Raises:
            InvalidInput: a field cannot be used; ``field`` names it.
            RuleViolation: the currency differs from the one it was registered with.
        """
        _check(organization, details)
        try:
            position, created = self._change(organization, details, actor, at), False
        except NotFound:
            position, created = self._register(organization, details, actor, at)
        self._remember(organization, details)
        return self._view(organization, position, created=created)

    def check(self, organization: str, details: Details, at: datetime) -> None:
        """Whether a new organization may be like that. Nothing is stored.

        Raises:
            InvalidInput: a field cannot be used; ``field`` names it.
        """
        _check(organization, details)
        _check_start(details.starts_at, at)

    def get(self, organization: str) -> OrganizationView:
        """An organization.

        Raises:
            NotFound: there is none with this id.
        """
        return self._view(organization, 0, created=False)

    def search(self, text: str = "", after: str = "", limit: int = 100) -> OrganizationPage:
        """Organizations whose id or name contains a text, by id."""
        size = min(limit, PAGE_MAX)
        found = self._directory.search(text, after, size + 1)
        page = tuple(OrganizationSummary(id=id_, name=name) for id_, name in found[:size])
        return OrganizationPage(data=page, next_cursor=page[-1].id if len(found) > size else None)

    def _register(
        self, organization: str, details: Details, actor: str, at: datetime
    ) -> tuple[int, bool]:
        first = OrganizationRegistered(
            at=at,
            organization=organization,
            currency=details.currency,
            time_zone=details.time_zone,
            anchor_day=details.anchor_day,
        )
        state = registered(first)
        _check_start(details.starts_at, at)
        period, full = _first_period(state, details.starts_at, at)
        events = [first, *_differences(state, details, at)]
        try:
            return self._books.register(events, period, full, actor=actor), True
        except ConcurrentChange:
            # Another request registered it in this moment: bring that one to these details.
            return self._change(organization, details, actor, at), False

    def _change(self, organization: str, details: Details, actor: str, at: datetime) -> int:
        with self._books.change(organization, actor=actor) as books:
            if details.currency != books.organization.currency:
                _check_currency(books, details.currency, self._catalog.current())
            if events := _differences(books.organization, details, at):
                books.append_organization(events)
        return books.position()

    def _remember(self, organization: str, details: Details) -> None:
        known = self._directory.get(organization).emails if details.members is None else None
        emails = known or {member.user: member.email for member in details.members or ()}
        self._directory.put(organization, Profile(name=details.name.strip(), emails=emails))

    def _view(self, organization: str, position: int, *, created: bool) -> OrganizationView:
        state = load(self._log, organization)
        profile = self._directory.get(organization)
        members = tuple(
            Member(user=user, email=profile.emails.get(user, ""), role=role)
            for user, role in sorted(state.members.items())
        )
        return OrganizationView(
            id=state.id,
            name=profile.name,
            currency=state.currency,
            time_zone=state.calendar.zone,
            anchor_day=state.calendar.anchor_day,
            members=members,
            policies=checked(state.policies),
            stripe_customer=state.stripe_customer,
            version=state.version,
            position=position,
            created=created,
        )


def load(log: EventLog, organization: str) -> Organization:
    """An organization as its own stream says it is.

    Raises:
        NotFound: there is none with this id.
    """
    return fold(organization, log.read(organization_stream(organization)))


def fold(organization: str, history: Sequence[Recorded]) -> Organization:
    """An organization from its events.

    Raises:
        NotFound: there are none.
    """
    if not history or not isinstance(first := history[0].event, OrganizationRegistered):
        raise NotFound(f"there is no organization {organization}", organization=organization)
    state = registered(first)
    for recorded in history[1:]:
        state.apply(recorded.event)
    state.version = history[-1].version
    return state


def _differences(state: Organization, details: Details, at: datetime) -> Sequence[object]:
    members = state.members
    if details.members is not None:
        members = {member.user: member.role for member in details.members}
    policies = state.policies if details.policies is None else details.policies
    calendar = Calendar(details.time_zone, details.anchor_day)
    return state.change(details.currency, calendar, members, policies, at)


def _first_period(
    state: Organization, starts_at: datetime | None, at: datetime
) -> tuple[Period, Period]:
    """The first cycle's period and the full period it is part of."""
    calendar = state.calendar
    if starts_at is None:
        full = calendar.full_period(at)
        return full, full
    return state.period_after(calendar.midnight(calendar.local_date(starts_at)))


def _check(organization: str, details: Details) -> None:
    identifier(organization, "organization")
    written(details.name, "name", TEXT_MAX)
    exponent(details.currency)
    zone(details.time_zone)
    if isinstance(details.anchor_day, bool) or not 1 <= details.anchor_day <= 31:
        raise InvalidInput("anchor_day must be a day from 1 to 31", field="anchor_day")
    checked(details.policies or {})
    _check_members(details.members or ())


def _check_currency(books: OpenBooks, currency: str, catalog: Catalog) -> None:
    """Whether everything that runs has a price in another currency.

    Raises:
        RuleViolation: something has not.
    """
    for cycle in books.cycles:
        for known in cycle.attachments.values():
            run = known.running_on()
            prices = [catalog.book[ref] for ref in run.prices] if run else []
            if prices and all(price.currency != currency for price in prices):
                raise RuleViolation(
                    f"{known.id} has no price in {currency}; move it to a service that has one",
                    code="currency_mismatch",
                    attachment=known.id,
                    field="currency",
                )


def _check_start(starts_at: datetime | None, at: datetime) -> None:
    """Whether a first cycle may begin there."""
    if starts_at is None:
        return
    if starts_at > at + FUTURE_MAX:
        raise InvalidInput("starts_at must not lie in the future", field="starts_at")
    if starts_at < at - STARTS_BACK_MAX:
        raise InvalidInput("starts_at must lie within the last three years", field="starts_at")


def _check_members(members: Sequence[Member]) -> None:
    if len(members) > MEMBERS_MAX:
        raise InvalidInput(f"at most {MEMBERS_MAX} members", field="members")
    if len({member.user for member in members}) < len(members):
        raise InvalidInput("a user is named twice", field="members.user")
    for member in members:
        written(member.user, "members.user", TEXT_MAX)
        written(member.email, "members.email", TEXT_MAX)
        if not EMAIL.fullmatch(member.email):
            raise InvalidInput("members.email must look like a@b", field="members.email")
        checked_role(member.role)
