"""Probing: Stripe's return is seen within half a minute, also where nothing is to be sent to it."""

from collections.abc import Callable
from datetime import datetime

from application.catching_up import Feed
from application.pacer import Pacer
from application.pacing import Lane, in_lane
from domain.errors import GatewayError, GatewayRejected


class Probing:
    """Asks Stripe for its newest events whenever a probe is due. now: the clock, aware UTC.

    Whatever else is sent to Stripe then is as good a probe; only one of them goes out.
    """

    def __init__(self, pacer: Pacer, feed: Feed, now: Callable[[], datetime]) -> None:
        self._pacer = pacer
        self._feed = feed
        self._now = now

    def step(self) -> bool:
        """Ask, if Stripe was left alone for long enough; never more to do at once."""
        if self._pacer.budget().away is not None and not self._pacer.away():
            with in_lane(Lane.NORMAL):
                self._ask()
        return False

    def _ask(self) -> None:
        try:
            next(iter(self._feed.happened(self._now())), None)
        except (GatewayError, GatewayRejected):
            return  # the pacer was told what came of it, and tells everybody
