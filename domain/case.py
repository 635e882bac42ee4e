"""A case: a customer's report of a wrong bill, from its report to its resolution."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.errors import InvalidInput, RuleViolation
from domain.events.case import (
    CaseAcknowledged,
    CaseCommented,
    CaseEvent,
    CaseReopened,
    CaseReported,
    CaseResolved,
)
from domain.period import written_utc

CUSTOMER, SUPPORT = "customer", "support"
PUBLIC, INTERNAL = "public", "internal"
VISIBILITIES = (PUBLIC, INTERNAL)
RESOLUTIONS = ("explained", "corrected", "credited", "not_a_problem")

REPORTED, ACKNOWLEDGED, RESOLVED, REOPENED = "reported", "acknowledged", "resolved", "reopened"
STATUSES = (REPORTED, ACKNOWLEDGED, RESOLVED, REOPENED)
STATUS_AFTER: dict[type, str] = {
    CaseReported: REPORTED,
    CaseAcknowledged: ACKNOWLEDGED,
    CaseResolved: RESOLVED,
    CaseReopened: REOPENED,
}

OPEN_TO_CUSTOMERS = timedelta(days=30)
"""How long after its resolution a customer may still write to a case and reopen it."""

COMMENTS_MAX = 1_000
"""Comments of a case. It is folded whenever somebody writes to it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """Something a person wrote for a case. by: ``customer`` or ``support``.

    text: the id of where it is kept. seal: what shows a change of it.
    """

    by: str
    text: str
    seal: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolution:
    """What support found. kind: one of ``RESOLUTIONS``.

    cycle, position, credit: where the correction or the credit is to be found, if there is one.
    """

    kind: str
    cycle: str | None = None
    position: int | None = None
    credit: str | None = None


@dataclass(kw_only=True)
class Case:
    """A case as its events have made it.

    Decisions return events and change nothing; ``apply`` changes and refuses nothing.
    """

    report: CaseReported
    status: str = REPORTED
    resolution: CaseResolved | None = None
    comments: int = 0
    texts: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        """Its organization and its own name: ``acme.c1``."""
        return self.report.case

    @property
    def organization(self) -> str:
        """Whose it is."""
        return self.report.organization

    def acknowledge(self, at: datetime) -> list[CaseEvent]:
        """Say that support looks into it. Twice does nothing.

        Raises:
            RuleViolation: it is resolved.
        """
        if self.status == ACKNOWLEDGED:
            return []
        self._require_open("reopen it first")
        return [CaseAcknowledged(at=at, case=self.id, organization=self.organization)]

    def comment(self, written: Written, visibility: str, at: datetime) -> list[CaseEvent]:
        """Add what somebody wrote.

        Raises:
            InvalidInput: a customer's comment that customers should not see.
            RuleViolation: a customer's, long after the resolution; or there are too many.
        """
        if written.by == CUSTOMER and visibility != PUBLIC:
            raise InvalidInput("customers write public comments", field="visibility")
        self._require_time(written.by, at)
        if self.comments >= COMMENTS_MAX:
            raise RuleViolation(
                f"{self.id} has {COMMENTS_MAX} comments; report another case", code="case_full"
            )
        return [
            CaseCommented(
                at=at,
                case=self.id,
                organization=self.organization,
                by=written.by,
                visibility=visibility,
                text=written.text,
                seal=written.seal,
            )
        ]

    def resolve(self, written: Written, resolution: Resolution, at: datetime) -> list[CaseEvent]:
        """Give the customer an answer.

        Raises:
            RuleViolation: it is resolved already.
        """
        self._require_open("reopen it to give another answer")
        return [
            CaseResolved(
                at=at,
                case=self.id,
                organization=self.organization,
                kind=resolution.kind,
                text=written.text,
                seal=written.seal,
                cycle=resolution.cycle,
                position=resolution.position,
                credit=resolution.credit,
            )
        ]

    def reopen(self, written: Written, at: datetime) -> list[CaseEvent]:
        """Say why the answer will not do.

        Raises:
            RuleViolation: it is not resolved, or, for a customer, was so long ago.
        """
        if self.status != RESOLVED:
            raise RuleViolation(
                f"{self.id} is {self.status} and waits for an answer; write a comment",
                code="case_not_resolved",
            )
        self._require_time(written.by, at)
        return [
            CaseReopened(
                at=at,
                case=self.id,
                organization=self.organization,
                by=written.by,
                text=written.text,
                seal=written.seal,
            )
        ]

    def apply(self, event: object) -> None:
        """Take one event into account.

        Raises:
            TypeError: a case has no such event.
        """
        if not isinstance(event, CaseEvent):
            raise TypeError(f"a case has no {type(event).__name__}")
        self.status = STATUS_AFTER.get(type(event), self.status)
        match event:
            case CaseReported() | CaseReopened():
                self.texts.append(event.text)
            case CaseCommented():
                self.comments += 1
                self.texts.append(event.text)
            case CaseResolved():
                self.resolution = event
                self.texts.append(event.text)
            case CaseAcknowledged():
                pass
            case _:
                raise TypeError(f"a case has no {type(event).__name__}")

    def _require_open(self, instead: str) -> None:
        if self.status == RESOLVED:
            raise RuleViolation(f"{self.id} is resolved; {instead}", code="case_resolved")

    def _require_time(self, by: str, at: datetime) -> None:
        """Whether a customer may still write to it; support always may."""
        if by != CUSTOMER or self.status != RESOLVED or self.resolution is None:
            return
        until = self.resolution.at + OPEN_TO_CUSTOMERS
        if at > until:
            raise RuleViolation(
                f"{self.id} was resolved and could be reopened until {written_utc(until)}; "
                "report another case",
                code="case_closed",
            )


def reported(event: CaseReported) -> Case:
    """A case as its first event makes it."""
    state = Case(report=event)
    state.apply(event)
    return state
