"""Recovering: jobs whose worker is gone are made again, once all could say that they live."""

from application.schedule_ports import Jobs


class Recovering:
    """Looks for jobs of workers that are gone, every so often.

    After an outage of the database nobody was heard for a while, whether gone or not. So the first
    look that succeeds after one that failed, or after the start, takes nothing from anybody: by
    the next one whoever lives has said so.
    """

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._answered = False

    def step(self) -> bool:
        """Look; whether there was any.

        Raises:
            StoreUnavailable: the database is away.
        """
        answered, self._answered = self._answered, False
        recovered = 0
        if answered:
            recovered = self._jobs.recover()
        else:
            self._jobs.dead()  # only to see whether the database answers
        self._answered = True
        return recovered > 0
