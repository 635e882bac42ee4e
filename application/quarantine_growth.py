"""Telling that many usage records cannot be placed."""

from datetime import datetime, timedelta

from application.notices import Notice, Notices
from application.noticing import NoticeWork
from application.schedule_ports import Tally

GROWING_BY = 100
"""So many usage records quarantined within an hour are told of."""


class QuarantineGrowth:
    """Tells, once a day at most, that many usage records cannot be placed."""

    def __init__(self, work: NoticeWork, notices: Notices) -> None:
        self._work = work
        self._notices = notices

    def run(self, now: datetime) -> Tally:
        """Count the last hour's."""
        count = self._work.quarantined(now - timedelta(hours=1), GROWING_BY)
        growing = int(count >= GROWING_BY)
        if growing:
            day = f"{now:%Y-%m-%d}"
            self._notices.announce(
                [
                    Notice(
                        kind="quarantine.growing",
                        organization="",
                        occurrence=f"quarantine.growing/{day}",
                        at=now,
                        data={"at_least": count, "within_s": 3600},
                    )
                ]
            )
        return Tally(expected=growing, done=growing)
