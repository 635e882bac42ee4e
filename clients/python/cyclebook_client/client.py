"""The client: usage is recorded in passing, everything else is answered at once."""

import atexit
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Self

from cyclebook_client.calls import Calls
from cyclebook_client.errors import Refused, Unsent
from cyclebook_client.options import Options
from cyclebook_client.outbox import TOO_LARGE, Outbox
from cyclebook_client.records import (
    Ids,
    Record,
    Refusal,
    Value,
    instant_text,
    properties_of,
    value_text,
)
from cyclebook_client.spool import Spool
from cyclebook_client.transport import Later, Transport

log = logging.getLogger(__name__)

USAGE = "/v1/usage"
COUNTS = ("accepted", "duplicates", "conflicts", "rejected", "quarantined")
DUPLICATE, REJECTED = "duplicate", "rejected"
UNPROCESSABLE = 422
FLUSH_MAX_S = 30.0


class Client(Calls):
    """Speaks to one service with one key; any thread may use it.

    Used with ``with``, it sends what it holds at the end. Without, that is done when the process
    ends, unless it is killed.
    """

    def __init__(self, url: str, key: str, options: Options | None = None) -> None:
        """Nothing is sent yet, unless an earlier process has left something in the spool."""
        chosen = options or Options()
        super().__init__(Transport(url, key, chosen.timeout_s), chosen)
        self._source = chosen.named_source
        self._ids = Ids()
        self._spool = None if chosen.spool is None else Spool(chosen.spool)
        self._outbox = Outbox(self._deliver, chosen, self._spool, self.close)
        atexit.register(self.close)
        if self._spool is not None:
            self._outbox.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def record(  # noqa: PLR0913 - these are what a usage record says
        self,
        meter: str,
        value: Value,
        *,
        organization: str,
        attachment: str | None = None,
        properties: Mapping[str, str] | None = None,
        occurred_at: datetime | None = None,
        id: str | None = None,
    ) -> str:
        """Report usage; it is sent in a moment. Returns the id under which it counts once.

        occurred_at: now by default. id: your own, where this may be reported again later.

        Raises:
            TypeError, ValueError: the value is a float, or something is no text.
            Full: there is no room, and the client was told not to wait.
            Refused: the service takes nothing from this key. The record was not taken.
            ClientClosed: the client was closed. The record was not taken.
        """
        record = Record(
            source=self._source,
            id=id or self._ids.new(),
            organization=organization,
            meter=meter,
            value=value_text(value),
            occurred_at=instant_text(occurred_at or datetime.now(UTC)),
            attachment=attachment,
            properties=properties_of(properties),
        )
        _require_texts(record)
        self._outbox.put(record)
        return record.id

    def resume(self, records: Sequence[Record]) -> None:
        """Send records that another client could not send, as they are."""
        for record in records:
            self._outbox.put(record)

    def flush(self, within_s: float = FLUSH_MAX_S) -> None:
        """Send what was recorded so far, and wait until it is settled.

        Raises:
            NoAnswer: not in this time; it is still tried.
            Refused: the service takes nothing from this key.
        """
        self._outbox.flush(within_s)

    def close(self) -> None:
        """Send what is left, for as long as the options say. Twice does nothing.

        Raises:
            Unsent: some was not sent, and there is no spool; or it could not be written.
        """
        left, why = self._outbox.close()
        atexit.unregister(self.close)
        if not left:
            return
        if self._spool is None:
            raise Unsent(left, why)
        try:
            self._spool.add(left)
        except OSError as error:
            raise Unsent(left, f"{why}; and the spool cannot be written: {error}") from error
        log.warning("%d usage records wait in %s: %s", len(left), self._spool.path, why)

    def _deliver(self, batch: Sequence[Record]) -> None:
        try:
            answer = self._transport.send("POST", USAGE, [each.to_json() for each in batch])
        except Refused as refused:
            answer = _judgement(refused, len(batch))
        for refusal in _refusals(batch, answer):
            self._report(refusal)

    def _report(self, refusal: Refusal) -> None:
        if self._options.on_refused is None:
            log.error("usage record not accepted: %s", refusal)
            return
        try:
            self._options.on_refused(refusal)
        except Exception:  # the caller's own; the records after this one are to be told of, too
            log.exception("on_refused failed for %s", refusal)


def _judgement(refused: Refused, size: int) -> Mapping[str, Any]:
    """What became of each record, where a whole request is refused for what is in it.

    Raises:
        Refused: it was refused for another reason.
    """
    if refused.status == UNPROCESSABLE and "items" in refused.problem:
        return refused.problem
    if refused.status == TOO_LARGE and size == 1:
        item = {"index": 0, "outcome": REJECTED, "code": refused.code, "detail": refused.detail}
        return {REJECTED: 1, "items": [item]}
    raise refused


def _refusals(batch: Sequence[Record], answer: Any) -> list[Refusal]:
    """The records that are not in the books.

    Raises:
        Later: the answer does not account for each record; it is none of this service's.
    """
    try:
        if sum(answer.get(name, 0) for name in COUNTS) != len(batch):
            raise Later("the answer counts other records than were sent")
        return [
            Refusal(
                record=batch[item["index"]],
                index=item["index"],
                outcome=item["outcome"],
                code=item["code"],
                detail=item["detail"],
                field=item.get("field"),
            )
            for item in answer["items"]
            if item["outcome"] != DUPLICATE
        ]
    except (AttributeError, LookupError, TypeError) as error:
        raise Later(f"the answer is not one of this service: {error!r}") from error


def _require_texts(record: Record) -> None:
    """Refuse here what would be hard to trace back to its call later."""
    for name in ("id", "organization", "meter"):
        if not isinstance(getattr(record, name), str):
            raise TypeError(f"{name} must be a text, not {getattr(record, name)!r}")
    if not isinstance(record.attachment, str | None):
        raise TypeError(f"attachment must be a text, not {record.attachment!r}")
