"""Signed links: they let somebody sign in for a while, once, as what they say."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from itsdangerous import BadSignature, URLSafeSerializer

from api.settings import Settings
from application.signing_in import Visitor
from domain.errors import NotFound, RuleViolation

LINK_LASTS = timedelta(hours=1)
LINK_LASTS_MAX = timedelta(days=7)
SIGN_IN = "/sign-in/"
_PURPOSE = "cyclebook.sign-in.1"


@dataclass(frozen=True, kw_only=True, slots=True)
class SignInLink:
    """What a link says. id: it works once under this. expires_at: aware UTC."""

    id: str
    visitor: Visitor
    expires_at: datetime


class Links:
    """Makes and reads signed links. Changing ``SECRET_KEY`` ends all of them."""

    def __init__(self, settings: Settings) -> None:
        self._origin = settings.origin
        self._signer = URLSafeSerializer(settings.secret_key, salt=_PURPOSE)

    def address(self, link: str, visitor: Visitor, expires_at: datetime) -> str:
        """Where a link leads that ``Sessions.make_link`` named."""
        says = {
            "i": link,
            "a": visitor.actor,
            "r": visitor.role,
            "o": visitor.organization,
            "x": int(expires_at.timestamp()),
        }
        return f"{self._origin}{SIGN_IN}{self._signer.dumps(says)}"

    def read(self, token: str, now: datetime) -> SignInLink:
        """What a link's last part says.

        Raises:
            NotFound: nobody here signed it.
            RuleViolation: its time is over; ``link_expired``.
        """
        try:
            says: Mapping[str, Any] = self._signer.loads(token)
        except BadSignature as error:
            raise NotFound("this link is not one of ours; check that it is whole") from error
        expires_at = datetime.fromtimestamp(says["x"], UTC)
        if expires_at <= now:
            raise RuleViolation("this link's time is over; ask for another", code="link_expired")
        visitor = Visitor(actor=says["a"], role=says["r"], organization=says["o"])
        return SignInLink(id=says["i"], visitor=visitor, expires_at=expires_at)
