"""What is wired: every use case, and every change that people ask for."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Generic, TypeVar

from adapters.postgres.cycle_lists import PostgresCycleLists
from api.auth import KeyRing
from api.settings import Settings
from application.adjusting import Adjusting
from application.alerts import Alerts, AlertWatch
from application.attaching import Attaching
from application.cases import Cases
from application.catching_up import CatchingUp
from application.change_requests import ChangeRequests
from application.closing import Closing
from application.conflicts import Conflicts
from application.correcting import Correcting
from application.crediting import Crediting
from application.dead_letters import DeadLetters
from application.diffing import Diffing
from application.discrepancies import Discrepancies
from application.ending import Ending
from application.endpoints import Endpoints
from application.exporting import Exporting
from application.feedback import FeedbackOnBills
from application.holding import Holding
from application.holdings import Holdings
from application.idempotency import AnswerStore
from application.inbox import Inbox, Message
from application.insight import Insight
from application.invoices import Invoices
from application.keys import Keys
from application.linking import Linking
from application.mailing import MailChoices
from application.mails import Mails
from application.meters import Exposition
from application.moving import Moving
from application.notices import NoticeBoard
from application.paying import Paying
from application.portal import Portal
from application.ports import Books, Directory
from application.probing import Probing
from application.projector import Projector, Rebuilder, SyncQueue
from application.publishing import Publishing
from application.quarantine import Quarantine
from application.reconciler import Reconciler
from application.reconciling.reconciliations import Reconciliations
from application.recording import Recording
from application.registration import Registration
from application.replay_preview import ReplayPreviews
from application.repricing import Repricing
from application.schedules import Schedules
from application.searching import Search
from application.signing_in import Sessions
from application.signing_in_by_mail import AskingForLinks
from application.stripe_stream import LoggedStripeStream
from application.usage_records import UsageRecords
from application.verification import Verification
from application.views import Preview, Receipt
from application.vitals import Monitoring
from application.voiding import Voiding
from application.what_if import WhatIf

if TYPE_CHECKING:
    from adapters.postgres.listening import LogGrowth
    from api.wiring.audit_trail import AuditTrail
    from api.wiring.notifying import Notifying
    from api.wiring.rabbitmq import Broker
    from api.wiring.scheduling import Scheduling
    from api.wiring.shadow import Shadowing

Answer = TypeVar("Answer")
ReadWebhook = Callable[[bytes, str | None, datetime], Message]


@dataclass(frozen=True, kw_only=True, slots=True)
class Changes(Generic[Answer]):
    """Every change that people ask for: carried out, or rehearsed to see what it would do."""

    attaching: Attaching[Answer]
    adjusting: Adjusting[Answer]
    correcting: Correcting[Answer]
    holding: Holding[Answer]
    ending: Ending[Answer]
    moving: Moving[Answer]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wired:
    """Every use case, built on the adapters that the settings ask for."""

    settings: Settings
    insight: Insight
    alerts: Alerts
    alert_watch: AlertWatch
    publishing: Publishing
    registration: Registration
    changes: Changes[Receipt]
    previews: Changes[Preview]
    holdings: Holdings
    linking: Linking
    shadowing: "Shadowing"
    portal: Portal
    voiding: Voiding
    crediting: Crediting
    change_requests: ChangeRequests
    search: Search
    paying: Paying
    recording: Recording
    usage_records: UsageRecords
    quarantine: Quarantine
    replay_previews: ReplayPreviews
    dead_letters: DeadLetters
    broker: "Broker | None"
    invoices: Invoices
    what_if: WhatIf
    repricing: Repricing
    diffing: Diffing
    exporting: Exporting
    audit_trail: "AuditTrail"
    closing: Closing
    reconciler: Reconciler
    conflicts: Conflicts
    discrepancies: Discrepancies
    cases: Cases
    feedback: FeedbackOnBills
    reconciliations: Reconciliations
    verification: Verification
    inbox: Inbox
    catching_up: CatchingUp
    cycle_named: Callable[[str], str]
    stripe_stream: LoggedStripeStream
    keys: Keys
    key_ring: KeyRing
    sessions: Sessions
    asking_for_links: AskingForLinks | None
    answers: AnswerStore
    books: Books
    cycle_lists: PostgresCycleLists
    directory: Directory
    notices: NoticeBoard
    endpoints: Endpoints
    mail_choices: MailChoices
    mails: Mails
    notifying: "Notifying"
    projector: Projector
    monitoring: Monitoring
    metrics: Exposition | None
    rebuilder: Rebuilder
    make_checkpoints: Callable[[], int]
    fold_stale_tallies: Callable[[], int]
    sync_queue: SyncQueue
    schedules: Schedules
    scheduling: "Scheduling"
    stripe_away: Callable[[], bool]
    probing: Probing
    read_webhook: ReadWebhook
    pending_migrations: Callable[[], list[str]]
    log_growth: "Callable[[], LogGrowth]"
