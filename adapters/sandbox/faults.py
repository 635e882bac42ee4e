"""Trouble on request: which calls the sandbox spoils, and how."""

from dataclasses import dataclass
from threading import Lock
from typing import Any, Literal, get_args

FaultKind = Literal[
    "rate_limit", "lock_timeout", "error_before", "error_after", "partial", "lost_response", "hang"
]
"""``error_after`` and ``partial`` are stored under the key and replayed; ``lost_response`` and
``hang`` carry the call out and say nothing, the latter only after a while."""


@dataclass(kw_only=True)
class Fault:
    """Spoils matching calls. skip: how many pass first. times: how many it then meets."""

    fault: FaultKind
    method: str = "POST"
    path: str = ""
    skip: int = 0
    times: int = 1
    seconds: int = 0

    def __post_init__(self) -> None:
        if self.fault not in get_args(FaultKind):
            raise ValueError(f"{self.fault!r} is no fault; one of {', '.join(get_args(FaultKind))}")


class Faults:
    """The faults still to come, in the order they were asked for."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._coming: list[Fault] = []

    def add(self, fault: str, **details: Any) -> None:
        """Ask for one more."""
        with self._lock:
            self._coming.append(Fault(fault=fault, **details))  # type: ignore[arg-type]

    def clear(self) -> None:
        """Everything works again."""
        with self._lock:
            self._coming.clear()

    def meet(self, method: str, path: str) -> Fault | None:
        """The fault that spoils this call, if any; counts it."""
        with self._lock:
            for fault in self._coming:
                if fault.method == method and fault.path in path:
                    return self._count(fault)
        return None

    def _count(self, fault: Fault) -> Fault | None:
        if fault.skip:
            fault.skip -= 1
            return None
        fault.times -= 1
        if fault.times <= 0:
            self._coming.remove(fault)
        return fault
