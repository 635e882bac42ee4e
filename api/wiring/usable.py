"""What only those who use a setting can find wrong with it, asked before anything starts."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from api.settings import Settings
from api.tracing import require_packages
from domain.errors import InvalidInput


def unusable(settings: Settings, known: Sequence[InvalidInput]) -> list[InvalidInput]:
    """Problems of the settings, beside those that are known."""
    named = {each.context["field"] for each in known}
    return [each for each in _found(settings) if each.context["field"] not in named]


def _found(settings: Settings) -> Iterator[InvalidInput]:
    for check in _checks(settings):
        try:
            check()
        except InvalidInput as error:
            yield error


def _checks(settings: Settings) -> Iterator[Callable[[], object]]:
    """Nothing is loaded for what is not set."""
    yield partial(require_packages, settings)
    if settings.database_url:
        from adapters.postgres.conninfo import require_readable

        yield partial(require_readable, settings.database_url)
    if settings.smtp_url:
        from adapters.notify.mail import server

        yield partial(server, settings.smtp_url)
    if settings.amqp_url:
        from adapters.rabbitmq.link import require_usable

        yield partial(require_usable, settings.amqp_url)
