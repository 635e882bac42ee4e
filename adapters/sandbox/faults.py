"""Trouble on request: which calls the sandbox spoils, and how."""

from dataclasses import asdict, dataclass
from random import Random
from threading import Lock
from typing import Any, Literal, get_args

FaultKind = Literal[
    "rate_limit",
    "lock_timeout",
    "key_in_use",
    "unauthorized",
    "forbidden",
    "error_before",
    "dropped",
    "error_kept",
    "error_after",
    "partial",
    "lost_response",
    "cut",
    "hang",
    "bad_json",
    "wrong_object",
    "slow",
]
"""What can happen to a call, by how much of it is done.

Nothing: ``rate_limit``, ``lock_timeout``, ``key_in_use``, ``unauthorized``, ``forbidden``,
``error_before`` and ``dropped``, where the connection ends before an answer. Nothing, and the
failure is stored under the key: ``error_kept``. Half of a bulk call, stored as a failure:
``partial``. All of it, stored as a failure: ``error_after``. All of it, and only the answer is
spoiled: ``lost_response``, ``cut`` in the middle, ``hang`` (says nothing, after a while),
``bad_json``, ``wrong_object``. ``slow`` spoils nothing but time.
"""

RateReason = Literal[
    "global-rate",
    "endpoint-rate",
    "global-concurrency",
    "endpoint-concurrency",
    "resource-specific",
]
FAILURES = (500, 502, 503, 504)


@dataclass(kw_only=True)
class Fault:
    """Spoils matching calls.

    method: ``*`` for any. path: a part of it; ``/v1/invoices$`` is all of its end.
    skip: how many calls pass first. times: how many it may then meet, ``None`` for no end.
    chance: how likely it meets each of them, drawn from ``seed``. seconds, up_to_s: how long
    it takes, drawn between the two. status: of a failure. reason: why a rate is limited.
    should_retry, retry_after: headers that go with the answer.
    """

    fault: FaultKind
    method: str = "POST"
    path: str = ""
    skip: int = 0
    times: int | None = 1
    chance: float = 1
    seed: int = 0
    seconds: float = 0
    up_to_s: float = 0
    status: int = 500
    reason: RateReason = "endpoint-rate"
    should_retry: bool | None = None
    retry_after: int | None = None

    def __post_init__(self) -> None:
        _one_of("fault", self.fault, get_args(FaultKind))
        _one_of("reason", self.reason, get_args(RateReason))
        _one_of("status", self.status, FAILURES)
        self._random = Random(self.seed)

    def concerns(self, method: str, path: str) -> bool:
        """Whether it is about such calls."""
        if self.method not in ("*", method):
            return False
        return path.endswith(self.path[:-1]) if self.path.endswith("$") else self.path in path

    def strikes(self) -> bool:
        """Whether it meets the next call that it concerns; counts it."""
        if self.skip:
            self.skip -= 1
            return False
        if self.over or self._random.random() >= self.chance:
            return False
        if self.times is not None:
            self.times -= 1
        return True

    @property
    def over(self) -> bool:
        """Whether it has met all the calls it may."""
        return self.times is not None and self.times <= 0

    def delay_s(self) -> float:
        """How long it takes this time."""
        return self._random.uniform(self.seconds, max(self.seconds, self.up_to_s))


class Faults:
    """The faults still to come, in the order they were asked for. One of them meets a call."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._coming: list[Fault] = []

    def add(self, fault: str, **details: Any) -> None:
        """Ask for one more.

        Raises:
            ValueError, TypeError: there is no such fault, or no such detail.
        """
        with self._lock:
            self._coming.append(Fault(fault=fault, **details))  # type: ignore[arg-type]

    def clear(self) -> None:
        """Everything works again."""
        with self._lock:
            self._coming.clear()

    def coming(self) -> list[dict[str, Any]]:
        """What is still to come."""
        with self._lock:
            return [asdict(fault) for fault in self._coming]

    def meet(self, method: str, path: str) -> Fault | None:
        """The fault that spoils this call, if any; counts it."""
        with self._lock:
            for fault in self._coming:
                if fault.concerns(method, path) and fault.strikes():
                    self._coming = [each for each in self._coming if not each.over]
                    return fault
        return None


def _one_of(name: str, value: object, allowed: tuple[object, ...]) -> None:
    if value not in allowed:
        listed = ", ".join(map(str, allowed))
        raise ValueError(f"{value!r} is no {name}; one of {listed}")
