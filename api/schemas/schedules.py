"""Schedules, their runs, dead jobs, and workers, as people see them."""

from marshmallow import fields, validate

from api.schemas.fields import Instant, Page, Strict, Text

OUTCOMES = ("running", "done", "incomplete", "failed", "lost", "interrupted")


class RunSchema(Strict):
    """A run. ``incomplete``: it did less than it expected to. ``lost``: its worker died.

    ``attempt``: from 1; what fails is tried again. ``asked_by``: ``schedule``, when its time came.
    """

    run = fields.String(required=True)
    started_at = Instant(required=True)
    ended_at = Instant(required=True, allow_none=True)
    outcome = fields.String(required=True, validate=validate.OneOf(OUTCOMES))
    expected = fields.Integer(required=True, allow_none=True)
    done = fields.Integer(required=True, allow_none=True)
    error = fields.String(required=True, allow_none=True)
    attempt = fields.Integer(required=True)
    asked_by = fields.String(required=True)
    worker = fields.String(required=True)


class ScheduleSchema(Strict):
    """A schedule. ``cadence``: five fields of cron, in UTC; none: it is off.

    ``counts``: what ``expected`` and ``done`` are numbers of. ``late``: it did not run when it
    should have. ``well``: nobody has to look.
    """

    schedule = fields.String(required=True)
    words = fields.String(required=True)
    counts = fields.String(required=True)
    cadence = fields.String(required=True, allow_none=True)
    next_at = Instant(required=True, allow_none=True)
    late = fields.Boolean(required=True)
    well = fields.Boolean(required=True)
    last = fields.Nested(RunSchema, required=True, allow_none=True)


class ScheduleListSchema(Strict):
    """Every schedule."""

    data = fields.List(fields.Nested(ScheduleSchema), required=True)


class RunListQuery(Page):
    """Which page."""

    cursor = Text(load_default=None)


class RunPageSchema(Strict):
    """A page of runs, the newest first."""

    data = fields.List(fields.Nested(RunSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class RunRequestSchema(Strict):
    """Nothing to say: send ``{}``."""


class JobAskedSchema(Strict):
    """The job that was put into the queue."""

    job = fields.String(required=True)


class JobSchema(Strict):
    """A job that failed for good, or whose worker is gone (``stalled``: it comes again)."""

    job = fields.String(required=True)
    schedule = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(["failed", "stalled"]))
    attempt = fields.Integer(required=True)
    asked_by = fields.String(required=True)
    at = Instant(required=True, allow_none=True)
    error = fields.String(required=True)


class JobListSchema(Strict):
    """Every dead job, the newest first."""

    data = fields.List(fields.Nested(JobSchema), required=True)


class LoopSchema(Strict):
    """A loop of a worker. ``failures``: in a row; ``problem``: the last one's words."""

    name = fields.String(required=True)
    steps = fields.Integer(required=True)
    failures = fields.Integer(required=True)
    problem = fields.String(required=True, allow_none=True)


class WorkerSchema(Strict):
    """A worker process. ``silent``: nothing was heard of it for half a minute. ``replaced``: nor
    for a quarter of an hour, but others have all its roles. ``stopped``: in order, because it was
    told to."""

    worker = fields.String(required=True)
    host = fields.String(required=True)
    pid = fields.Integer(required=True)
    roles = fields.List(fields.String(), required=True)
    state = fields.String(
        required=True, validate=validate.OneOf(["working", "silent", "replaced", "stopped"])
    )
    started_at = Instant(required=True)
    beat_at = Instant(required=True)
    stopped_at = Instant(required=True, allow_none=True)
    loops = fields.List(fields.Nested(LoopSchema), required=True)


class WorkerListQuery(Strict):
    """``stopped``: also those that stopped in order within a day, last."""

    stopped = fields.Boolean(load_default=False, truthy={"true", "1"}, falsy={"false", "0"})


class WorkerListSchema(Strict):
    """The workers, the newest first; those that fell silent for a day."""

    data = fields.List(fields.Nested(WorkerSchema), required=True)
