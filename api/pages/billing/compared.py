"""Two invoices side by side: which lines became more, or less."""

from dataclasses import dataclass

from api.pages.billing.breakdown import described
from domain.invoice import Invoice


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparedLine:
    """One line on two invoices. Minor units; 0 where it is not on one. new, gone: not on both."""

    key: str
    description: str
    was: int
    becomes: int
    new: bool
    gone: bool

    @property
    def difference(self) -> int:
        """What it became more by."""
        return self.becomes - self.was


def compared(before: Invoice, after: Invoice) -> tuple[ComparedLine, ...]:
    """Lines whose amount differs, the greatest difference first; none across currencies."""
    if before.currency != after.currency:
        return ()
    was = {line.key: line for line in before.lines}
    becomes = {line.key: line for line in after.lines}
    lines = [
        ComparedLine(
            key=key,
            description=described(becomes.get(key) or was[key]),
            was=was[key].amount if key in was else 0,
            becomes=becomes[key].amount if key in becomes else 0,
            new=key not in was,
            gone=key not in becomes,
        )
        for key in was.keys() | becomes.keys()
    ]
    changed = [line for line in lines if line.difference]
    return tuple(sorted(changed, key=lambda line: (-abs(line.difference), line.key)))
