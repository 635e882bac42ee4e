"""Numbers for Prometheus: what this process counted, and what the store says when asked."""

from collections.abc import Callable, Iterator, Mapping
from time import monotonic

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from application.schedules import SCHEDULES
from application.vitals import Vitals
from domain.errors import CyclebookError

KEPT_S = 5.0
"""For so long the store is not asked again."""

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class PrometheusMeters:
    """The ``Meters`` port, and the text of everything there is to read.

    folder: where the API's processes note theirs, so that whichever is asked answers for all; none
    for a process by itself.
    """

    def __init__(self, folder: str | None = None) -> None:
        own = CollectorRegistry(auto_describe=True)
        self._read = CollectorRegistry() if folder else own
        if folder:
            MultiProcessCollector(self._read, folder)  # type: ignore[no-untyped-call]
        self._usage = Counter(
            "cyclebook_usage_records",
            "Usage records by what became of them",
            ["outcome"],
            registry=own,
        )
        self._stripe = Counter(
            "cyclebook_stripe_calls",
            "Calls to Stripe, each try of its own",
            ["endpoint", "outcome"],
            registry=own,
        )
        self._requests = Histogram(
            "cyclebook_request_duration_seconds",
            "How long requests took",
            ["method", "route", "status"],
            registry=own,
            buckets=_SECONDS,
        )
        self._syncs = Histogram(
            "cyclebook_sync_duration_seconds",
            "How long syncs took, by how they ended",
            ["outcome"],
            registry=own,
            buckets=_SECONDS,
        )

    def watch(
        self, look: Callable[[], Vitals], version: str, clock: Callable[[], float] = monotonic
    ) -> None:
        """Let the text hold what the store says, too. clock: seconds."""
        self._read.register(_Store(look, version, clock))

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered."""
        self._requests.labels(method, route, str(status)).observe(seconds)

    def usage(self, outcome: str, records: int) -> None:
        """So many usage records ended so."""
        self._usage.labels(outcome).inc(records)

    def stripe_call(self, endpoint: str, outcome: str) -> None:
        """A call to Stripe was made."""
        self._stripe.labels(endpoint, outcome).inc()

    def sync(self, outcome: str, seconds: float) -> None:
        """A cycle was synced, or could not be."""
        self._syncs.labels(outcome).observe(seconds)

    def text(self) -> bytes:
        """Everything, in Prometheus's text format."""
        return generate_latest(self._read)


class _Store(Collector):
    """What the store says, asked at most every few seconds."""

    def __init__(
        self, look: Callable[[], Vitals], version: str, clock: Callable[[], float]
    ) -> None:
        self._look = look
        self._version = version
        self._clock = clock
        self._known: tuple[float, Vitals] | None = None

    def describe(self) -> Iterator[Metric]:
        """Nothing: to be registered, the store need not answer."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Every gauge; without a store only that it is away."""
        yield InfoMetricFamily("cyclebook_build", "What runs here", {"version": self._version})
        try:
            vitals = self._vitals()
        except CyclebookError:
            yield _gauge("cyclebook_store_up", "Whether the database answers", 0)
            return
        yield _gauge("cyclebook_store_up", "Whether the database answers", 1)
        yield from _log(vitals)
        yield from _waiting(vitals)
        yield from _pace(vitals)
        yield from _schedules(vitals)

    def _vitals(self) -> Vitals:
        now, known = self._clock(), self._known
        if known is None or now - known[0] > KEPT_S:
            known = self._known = (now, self._look())
        return known[1]


def _log(vitals: Vitals) -> Iterator[Metric]:
    lag = vitals.lag
    yield _gauge("cyclebook_log_position", "The last event of the log", lag.last)
    yield _gauge("cyclebook_projected_position", "The last event in the lists", lag.position)
    seconds = lag.age.total_seconds()
    yield _gauge("cyclebook_projection_lag_seconds", "Age of the oldest event they lack", seconds)
    chain = vitals.chain
    yield _gauge("cyclebook_chained_position", "The last event in a hash chain", chain.position)
    seconds = chain.age.total_seconds()
    yield _gauge("cyclebook_chain_lag_seconds", "Age of the oldest event in none", seconds)


def _waiting(vitals: Vitals) -> Iterator[Metric]:
    counted = vitals.counted
    items = counted.waiting.items()
    yield _by("cyclebook_waiting", "How many wait", "what", {n: each.count for n, each in items})
    ages = {n: each.age(vitals.at).total_seconds() for n, each in items}
    yield _by("cyclebook_waiting_age_seconds", "For how long the oldest waits", "what", ages)
    kinds = counted.discrepancies
    yield _by("cyclebook_discrepancies", "Ways in which Stripe differs", "kind", kinds)
    reasons = counted.quarantined
    yield _by("cyclebook_quarantined", "Usage records without a place", "reason", reasons)
    workers = dict.fromkeys(vitals.needed, 0) | dict(counted.workers)
    yield _by("cyclebook_workers", "Workers at work", "role", workers)
    away = int(vitals.mail_outage is not None)
    yield _gauge("cyclebook_mail_away", "Whether no e-mail goes out", away)


def _pace(vitals: Vitals) -> Iterator[Metric]:
    budget = vitals.budget
    calls = {"used": budget.used, "allowed": budget.allowed, "full": budget.full}
    yield _by("cyclebook_stripe_budget_calls", "Calls to Stripe a second", "which", calls)
    away = int(budget.away is not None)
    yield _gauge("cyclebook_stripe_away", "Whether Stripe is left alone", away)
    refused = int(budget.key_refused)
    yield _gauge("cyclebook_stripe_key_refused", "Whether Stripe refuses our key", refused)
    interval = vitals.sync_interval.total_seconds()
    yield _gauge("cyclebook_sync_interval_seconds", "The setting SYNC_INTERVAL_S", interval)


def _schedules(vitals: Vitals) -> Iterator[Metric]:
    names = [each.name for each in SCHEDULES]
    late = {name: int(name in vitals.late) for name in names}
    yield _by("cyclebook_schedule_late", "Whether it should have run by now", "schedule", late)
    ill = {name: int(name in vitals.ill) for name in names}
    yield _by("cyclebook_schedule_ill", "Whether its last run ended badly", "schedule", ill)


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=value)


def _by(name: str, words: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, words, labels=[label])
    for value, count in values.items():
        family.add_metric([value], count)
    return family
