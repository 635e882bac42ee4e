"""One scene: what led to a piece of work, the work, and what has to be there afterwards."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.sync.account import Account

Given = Callable[[Account], str]
Work = Callable[[Account, str], object]
Then = Callable[[Account], None]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """given: what led to it; it answers what the work has to know. work: may be repeated.

    write: the call it is about, as (method, what its path ends with); others come along.
    """

    given: Given
    work: Work
    then: Then
    write: tuple[str, str]
    policies: dict[str, Any] = field(default_factory=dict)

    def begin(self, account: Account) -> str:
        """Lead up to the work."""
        account.begin(**self.policies)
        return self.given(account)

    def must_hold(self, account: Account, about: str) -> None:
        """Everything is there, once, and the same work again does nothing."""
        before = account.invoices(), len(account.notes())
        self.work(account, about)
        assert (account.invoices(), len(account.notes())) == before
        self.then(account)
