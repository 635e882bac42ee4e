"""The audit: reads everything Stripe holds for the cycles of a window and compares."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from domain.errors import CyclebookError, InvalidInput
from domain.events.stripe_invoice import Discrepancy


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A cycle in which Stripe differs from the books, or that could not be audited."""

    cycle: str
    discrepancies: tuple[Discrepancy, ...] = ()
    error: str | None = None


@dataclass(kw_only=True, slots=True)
class AuditReport:
    """What an audit found. expected: cycles in the window; audited: those that were read."""

    expected: int
    audited: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether every cycle was read and equals the books."""
        return not self.findings


class Audit:
    """Audits cycle by cycle; one that cannot be read is a finding and keeps no other from it.

    overlapping: names of the cycles that overlap a window. audit: the reconciler's, for one
    cycle and an actor.
    """

    def __init__(
        self,
        overlapping: Callable[[datetime | None, datetime | None], Sequence[str]],
        audit: Callable[[str, str], Iterable[Discrepancy]],
    ) -> None:
        self._overlapping = overlapping
        self._audit = audit

    def run(
        self,
        start: datetime | None,
        end: datetime | None,
        *,
        actor: str,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> AuditReport:
        """Audit the cycles that overlap ``[start, end)``; ``None`` leaves a side open.

        on_progress: told (done, expected) after each cycle.

        Raises:
            InvalidInput: the window ends before it begins.
        """
        if start is not None and end is not None and end <= start:
            raise InvalidInput("from must lie before to", field="from")
        cycles = self._overlapping(start, end)
        report = AuditReport(expected=len(cycles))
        for number, cycle in enumerate(cycles, start=1):
            self._one(cycle, actor, report)
            if on_progress:
                on_progress(number, len(cycles))
        return report

    def _one(self, cycle: str, actor: str, report: AuditReport) -> None:
        try:
            found = tuple(self._audit(cycle, actor))
        except CyclebookError as error:
            report.findings.append(Finding(cycle=cycle, error=f"{error.code}: {error}"))
            return
        report.audited += 1
        if found:
            report.findings.append(Finding(cycle=cycle, discrepancies=found))
