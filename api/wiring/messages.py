"""Wiring of usage that comes in messages: a broker, if any, and what could not be recorded."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from adapters.postgres.database import Database
from adapters.postgres.dead_letters import PostgresDeadLetters
from adapters.postgres.due_syncs import PostgresDueSyncs
from api.settings import Settings
from api.usage_messages import read
from application.dead_letters import DeadLetters
from application.intake import Intake
from application.messages import Reception
from application.recording import Recording

if TYPE_CHECKING:
    from api.wiring.rabbitmq import Broker


def dead_letters(database: Database, recording: Recording) -> DeadLetters:
    """What came in messages and could not be recorded."""
    return DeadLetters(PostgresDeadLetters(database), Reception(read, recording))


def broker(
    settings: Settings, database: Database, recording: Recording, now: Callable[[], datetime]
) -> "Broker | None":
    """RabbitMQ, or ``None`` where the settings name none. Nothing is connected yet.

    Raises:
        InvalidInput: its address cannot be used.
    """
    if settings.amqp_url is None:
        return None
    from api.wiring.rabbitmq import Broker

    intake = Intake(Reception(read, recording), PostgresDeadLetters(database), now)
    due = PostgresDueSyncs(database)
    return Broker(settings.amqp_url, settings.amqp_prefix, intake, due)
