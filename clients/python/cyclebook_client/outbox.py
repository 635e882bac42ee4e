"""Records on their way: bounded, in order, each until the service has told what became of it.

One thread of its own sends them. A record leaves memory only once it is settled; what is left
when the outbox is closed is handed back.
"""

import logging
import os
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from time import monotonic
from typing import NamedTuple

from cyclebook_client.errors import ClientClosed, ClientError, Full, NoAnswer, Refused
from cyclebook_client.options import Options
from cyclebook_client.records import Record
from cyclebook_client.spool import Spool
from cyclebook_client.transport import Later, jitter_s

log = logging.getLogger(__name__)

TOO_LARGE = 413
SLACK_S = 1.0
"""How much longer than its last request may take the thread is waited for."""

Deliver = Callable[[Sequence[Record]], None]
"""Sends a batch and reports what was not accepted; raises ``Later`` or ``Refused``."""


class _Held(NamedTuple):
    record: Record
    since: float


class Outbox:
    """A queue and its thread, which is started with the first record of each process.

    end: what has to be called when the process ends.
    """

    def __init__(
        self, deliver: Deliver, options: Options, spool: Spool | None, end: Callable[[], None]
    ) -> None:
        self._deliver = deliver
        self._end = end
        self._options = options
        self._spool = spool
        self._closed = False
        self._begin()
        _OUTBOXES.add(self)

    def _begin(self) -> None:
        """With nothing in it. Also in a forked process: the records are its parent's."""
        self._changed = threading.Condition()
        self._ending = threading.Lock()
        self._held: deque[_Held] = deque()
        self._thread: threading.Thread | None = None
        self._put = self._settled = self._wanted = 0
        self._deadline: float | None = None
        self._stopped: ClientError | None = None
        self._trouble = "the client was closed before they were tried"

    def start(self) -> None:
        """Let the thread run, for what an earlier process has left."""
        with self._changed:
            self._start()

    def put(self, record: Record) -> None:
        """Take a record; it is sent some time later.

        Raises:
            Full: there is no room, and nobody is to wait for it.
            Refused: the service takes nothing from us; this record was not taken either.
            ClientClosed: the outbox was closed.
        """
        with self._changed:
            self._require_open()
            self._start()
            while len(self._held) >= self._options.held_max:
                # The sending thread itself, from a callback, would wait for itself.
                if self._options.when_full == "raise" or self._is_sending():
                    raise Full(f"{len(self._held)} records wait to be sent")
                self._changed.wait()
                self._require_open()
            self._held.append(_Held(record, monotonic()))
            self._put += 1
            if len(self._held) in (1, self._options.batch_max):
                self._changed.notify_all()

    def flush(self, within_s: float) -> None:
        """Wait until all that was put is settled.

        Raises:
            NoAnswer: it was not within the time.
            Refused, ClientClosed: it will not be any more.
        """
        self._require_another_thread()
        with self._changed:
            self._require_open()
            target = self._wanted = self._put
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._settled >= target or self._is_over(), within_s)
            if self._settled < target:
                self._require_open()
                raise NoAnswer(f"not all was sent within {within_s} s: {self._trouble}")

    def close(self) -> tuple[list[Record], str]:
        """Send what can be sent in time; what could not, and why. Twice does nothing more."""
        self._require_another_thread()
        with self._ending:
            with self._changed:
                if self._closed:
                    return [], ""
                self._deadline = monotonic() + self._options.close_within_s
                self._changed.notify_all()
            if self._thread is not None:
                options = self._options
                self._thread.join(options.close_within_s + options.timeout_s + SLACK_S)
            with self._changed:
                self._closed = True
                left = [each.record for each in self._held]
                self._held.clear()
                self._changed.notify_all()
            return left, str(self._stopped or self._trouble)

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="cyclebook-client", daemon=True)
            self._thread.start()
            _at_exit_of_a_child(self._end)

    def _run(self) -> None:
        try:
            self._work()
        except Exception as error:  # nobody else would hear of it
            log.exception("sending usage ended")
            self._stop(ClientError(f"sending usage ended: {error!r}"))

    def _work(self) -> None:
        if self._spool is not None and not self._send_spooled(self._spool):
            return
        while batch := self._next_batch():
            if not self._send(batch, self._settle):
                return

    def _send_spooled(self, spool: Spool) -> bool:
        """Whether all was settled that an earlier process has left."""
        records, settled = spool.records(), list[Record]()
        size = self._options.batch_max
        batches = (records[start : start + size] for start in range(0, len(records), size))
        done = all(self._send(batch, settled.extend) for batch in batches)
        if settled:
            spool.remove(settled)
        return done

    def _next_batch(self) -> list[Record]:
        """The records to send next, once it is time; none when all is sent and closed."""
        with self._changed:
            while (wait_s := self._early_s()) is None or wait_s > 0:
                if self._deadline is not None and not self._held:
                    return []
                self._changed.wait(wait_s)
            return [each.record for each in islice(self._held, self._options.batch_max)]

    def _early_s(self) -> float | None:
        """For how long a batch can wait yet; ``None`` while there is nothing."""
        if not self._held:
            return None
        full = len(self._held) >= self._options.batch_max
        if full or self._deadline is not None or self._settled < self._wanted:
            return 0.0
        return self._held[0].since + self._options.age_s - monotonic()

    def _send(self, batch: Sequence[Record], settle: Callable[[Sequence[Record]], None]) -> bool:
        """Send until it is settled; whether it was, and there is any use in going on."""
        attempt = 0
        while True:
            try:
                self._deliver(batch)
            except Later as later:
                if attempt == 0:
                    log.warning("usage waits to be sent: %s", later)
                self._trouble, was_open = str(later), self._deadline is None
                if not self._pause(later.retry_after_s, attempt):
                    return False
                # Closing leaves little time: the pauses begin anew.
                attempt = attempt + 1 if was_open == (self._deadline is None) else 0
            except Refused as refused:
                if refused.status == TOO_LARGE and len(batch) > 1:
                    middle = len(batch) // 2
                    return self._send(batch[:middle], settle) and self._send(batch[middle:], settle)
                self._stop(refused)
                return False
            else:
                settle(batch)
                return not self._closed

    def _settle(self, batch: Sequence[Record]) -> None:
        with self._changed:
            if self._closed:  # they were handed back meanwhile
                return
            for _ in batch:
                self._held.popleft()
            self._settled += len(batch)
            self._changed.notify_all()

    def _pause(self, asked_s: float, attempt: int) -> bool:
        """Wait before the next attempt; whether there is time for one.

        A close does not wait for what we would wait of our own, only for what was asked for.
        """
        options = self._options
        start = monotonic()
        until = start + asked_s + jitter_s(attempt, options.pause_s, options.pause_max_s)
        with self._changed:
            was_open = self._deadline is None
            while (left := until - monotonic()) > 0:
                if self._deadline is not None:
                    if was_open:
                        until, was_open = start + asked_s, False
                        continue
                    if until > self._deadline:
                        return False
                self._changed.wait(left)
            return self._deadline is None or monotonic() < self._deadline

    def _stop(self, error: ClientError) -> None:
        with self._changed:
            self._stopped = error
            self._changed.notify_all()

    def _require_open(self) -> None:
        if self._stopped is not None:
            raise self._stopped.with_traceback(None)
        if self._is_over():
            raise ClientClosed("the client is closed")

    def _is_over(self) -> bool:
        return self._closed or self._deadline is not None or self._stopped is not None

    def _is_sending(self) -> bool:
        return threading.current_thread() is self._thread

    def _require_another_thread(self) -> None:
        if self._is_sending():
            raise RuntimeError("a callback can neither flush nor close: it is part of sending")

    def forked(self) -> None:
        """In a new process: begin anew, without the parent's records, locks and thread."""
        self._closed = self._closed or self._deadline is not None
        self._begin()


def _at_exit_of_a_child(end: Callable[[], None]) -> None:
    """A child of ``multiprocessing`` ends without ``atexit``."""
    if utilities := sys.modules.get("multiprocessing.util"):
        utilities.Finalize(None, end, exitpriority=0)


_OUTBOXES: weakref.WeakSet[Outbox] = weakref.WeakSet()


def _forked() -> None:
    for outbox in list(_OUTBOXES):
        outbox.forked()


os.register_at_fork(after_in_child=_forked)
