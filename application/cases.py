"""Cases: a customer says that a bill is wrong, and support answers."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime

from application.case_screens import NewCase, Screens, Seen
from application.case_texts import CaseTexts, kept
from application.case_views import (
    CaseEntry,
    CaseFilter,
    CaseLists,
    CasePage,
    CaseReceipt,
    CaseView,
    timeline_of,
    view_of,
)
from application.ports import Books, EventLog
from domain.case import (
    RESOLUTIONS,
    VISIBILITIES,
    Case,
    Resolution,
    Written,
    reported,
)
from domain.errors import (
    Busy,
    ConcurrentChange,
    InvalidInput,
    NotFound,
    RuleViolation,
)
from domain.events.base import Recorded
from domain.events.case import CaseEvent, CaseReported
from domain.identity import case_name, case_owner, case_stream
from domain.pricing.fields import identifier
from domain.text import prose

TEXT_MAX = 4_000
"""Characters that a person may write at once."""

PAGE_MAX = 500
TRIES = 5
"""How often a change is decided anew because somebody else was first."""

Decision = Callable[[Case], Sequence[CaseEvent]]


class Cases:
    """Takes reports, keeps the conversation about them, and shows both.

    new_token: makes names and salts that nobody can guess, such as ``3fa9...``.
    """

    def __init__(
        self,
        log: EventLog,
        books: Books,
        screens: Screens,
        texts: CaseTexts,
        lists: CaseLists,
        new_token: Callable[[], str],
    ) -> None:
        self._log = log
        self._books = books
        self._screens = screens
        self._texts = texts
        self._lists = lists
        self._new_token = new_token

    # What people do

    def report(
        self, organization: str, new: NewCase, *, by: str, actor: str, at: datetime
    ) -> CaseReceipt:
        """Say that a bill is wrong. The same case again does nothing.

        by: ``customer`` or ``support``. What they saw is kept with it: the instant, and the
        invoice's digest and amounts as it is replayed for that instant.

        Raises:
            NotFound: no such organization, or it has no such cycle.
            InvalidInput: a field cannot be used, or the invoice had no such line then.
            RuleViolation: another case has this name.
        """
        name = self._new_token()[:16] if new.case is None else identifier(new.case, "case")
        body = prose(new.text, "text", TEXT_MAX)
        case = case_name(organization, name)
        if known := self._repeated(case, new, body):
            return known
        seen = self._screens.seen(organization, new)
        try:
            with self._kept(case, by, body) as written:
                event = _report(organization, case, new, seen, written, at)
                position = self._log.append(case_stream(case), 0, [event], actor=actor, at=at)
        except ConcurrentChange:
            if known := self._repeated(case, new, body):
                return known
            raise
        return CaseReceipt(
            case=case, status=reported(event).status, position=position, effect="recorded"
        )

    def acknowledge(self, case: str, *, actor: str, at: datetime) -> CaseReceipt:
        """Support looks into it. Twice does nothing.

        Raises:
            NotFound: there is no such case.
            RuleViolation: it is resolved.
        """
        return self._change(case, lambda state: state.acknowledge(at), actor, at)

    def comment(
        self, case: str, text: str, visibility: str, *, by: str, actor: str, at: datetime
    ) -> CaseReceipt:
        """Write something. visibility: ``public``, or ``internal`` for support alone.

        Raises:
            NotFound: there is no such case.
            InvalidInput: a field cannot be used.
            RuleViolation: a customer's, and the case was resolved long ago.
        """
        if visibility not in VISIBILITIES:
            raise InvalidInput(
                f"visibility must be one of {', '.join(VISIBILITIES)}", field="visibility"
            )
        self._load(case)
        with self._kept(case, by, text) as written:
            return self._change(case, lambda s: s.comment(written, visibility, at), actor, at)

    def resolve(
        self, case: str, resolution: Resolution, text: str, *, actor: str, at: datetime
    ) -> CaseReceipt:
        """Answer the customer. text: the words for them.

        Raises:
            NotFound: there is no such case, or no such cycle.
            InvalidInput: a field cannot be used, or no such credit was granted.
            RuleViolation: it is resolved already.
        """
        state, _ = self._load(case)
        self._check_resolution(state.organization, resolution)
        with self._kept(case, "support", text) as written:
            return self._change(case, lambda s: s.resolve(written, resolution, at), actor, at)

    def reopen(self, case: str, text: str, *, by: str, actor: str, at: datetime) -> CaseReceipt:
        """Say why the answer will not do.

        Raises:
            NotFound: there is no such case.
            RuleViolation: it is not resolved, or, for a customer, was so long ago.
        """
        self._load(case)
        with self._kept(case, by, text) as written:
            return self._change(case, lambda state: state.reopen(written, at), actor, at)

    def erase(self, case: str, text: str, *, actor: str, at: datetime) -> None:
        """Erase what somebody wrote, for good. The case stays as it is. Twice does nothing.

        Raises:
            NotFound: the case has no such text.
        """
        if not self._texts.erase(case, text, actor=actor, at=at):
            raise NotFound(f"{case} has no text {text}", case=case)

    # What it looks like

    def list(
        self, wanted: CaseFilter | None = None, after: int | None = None, limit: int = 50
    ) -> CasePage:
        """Cases, the newest first, after a cursor. A projection: it may lag."""
        size = min(limit, PAGE_MAX)
        found = tuple(self._lists.list(wanted or CaseFilter(), after, size + 1))
        page = found[:size]
        more = len(found) > size
        return CasePage(data=page, next_cursor=page[-1].number if more else None)

    def get(self, case: str, organization: str | None = None) -> CaseView:
        """A case as it stands.

        organization: the only one whose cases may be seen.

        Raises:
            NotFound: there is none, or it is another organization's.
        """
        return view_of(self._history(case, organization), self._texts.of(case))

    def timeline(
        self, case: str, for_staff: bool, organization: str | None = None
    ) -> tuple[CaseEntry, ...]:
        """What happened to a case, oldest first.

        Customers see neither internal comments nor who of support it was.

        Raises:
            NotFound: there is none, or it is another organization's.
        """
        return timeline_of(self._history(case, organization), self._texts.of(case), for_staff)

    # How

    def _repeated(self, case: str, new: NewCase, body: str) -> CaseReceipt | None:
        """What to answer where the case exists already."""
        history = self._log.read(case_stream(case))
        if not history:
            return None
        view = view_of(history, self._texts.of(case))
        known = view.report
        same_screen = new.known_at in (None, known.known_at) and new.as_of == known.as_of
        same_text = view.text is None or view.text == body
        if not (same_screen and same_text and (new.cycle, new.line) == (known.cycle, known.line)):
            raise RuleViolation(
                f"case {case} was reported with another content; choose another name",
                code="conflict",
                field="case",
            )
        return CaseReceipt(
            case=case,
            status=view.summary.status,
            position=history[-1].position,
            effect="nothing",
        )

    def _check_resolution(self, organization: str, resolution: Resolution) -> None:
        if resolution.kind not in RESOLUTIONS:
            raise InvalidInput(f"kind must be one of {', '.join(RESOLUTIONS)}", field="kind")
        if resolution.position is not None and resolution.position < 1:
            raise InvalidInput("position must be one of the log's", field="position")
        known = self._books.snapshot(organization)
        cycle, credit = resolution.cycle, resolution.credit
        if cycle is not None and cycle not in self._books.cycle_names(organization):
            raise NotFound(f"{organization} has no billing cycle {cycle}", field="cycle")
        if credit is not None and credit not in known.organization.credits:
            raise InvalidInput(f"{organization} was granted no credit {credit}", field="credit")

    def _kept(self, case: str, by: str, body: str) -> AbstractContextManager[Written]:
        return kept(self._texts, case, by, prose(body, "text", TEXT_MAX), self._new_token)

    def _change(self, case: str, decide: Decision, actor: str, at: datetime) -> CaseReceipt:
        for _ in range(TRIES):
            state, last = self._load(case)
            events = decide(state)
            position = last.position
            if events:
                try:
                    position = self._log.append(
                        case_stream(case), last.version, events, actor=actor, at=at
                    )
                except ConcurrentChange:
                    continue
            for event in events:
                state.apply(event)
            effect = "recorded" if events else "nothing"
            return CaseReceipt(case=case, status=state.status, position=position, effect=effect)
        raise Busy(f"many are writing to {case} at once; try again")

    def _load(self, case: str) -> tuple[Case, Recorded]:
        history = self._history(case)
        first = history[0].event
        assert isinstance(first, CaseReported)
        state = reported(first)
        for recorded in history[1:]:
            state.apply(recorded.event)
        return state, history[-1]

    def _history(self, case: str, organization: str | None = None) -> Sequence[Recorded]:
        visible = organization is None or case_owner(case) == organization
        history = self._log.read(case_stream(case)) if visible else ()
        if not history:
            raise NotFound(f"there is no case {case}", case=case)
        return history


def _report(
    organization: str, case: str, new: NewCase, seen: Seen, written: Written, at: datetime
) -> CaseReported:
    return CaseReported(
        at=at,
        case=case,
        organization=organization,
        by=written.by,
        text=written.text,
        seal=written.seal,
        as_of=new.as_of,
        cycle=new.cycle,
        line=new.line,
        known_at=seen.known_at,
        position=seen.position,
        digest=seen.digest,
        total=seen.total,
        amount=seen.amount,
        currency=seen.currency,
    )
