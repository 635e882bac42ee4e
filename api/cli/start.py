"""How every command begins: its settings are checked, and its log is set up."""

import logging
import os
from collections.abc import Iterable, Mapping

from api.logs import log_to_stderr
from api.ports import require_free
from api.setting_checks import InvalidSettings
from api.setting_names import warnings
from api.settings import Settings
from domain.errors import InvalidInput, Unavailable

log = logging.getLogger("cyclebook")


def begun(
    environment: Mapping[str, str] = os.environ, *, listens_at: Iterable[str] = ()
) -> Settings:
    """The settings, once there is a log and nothing about them is wrong.

    listens_at: the settings of the ports that this process is to listen on.

    Raises:
        InvalidSettings: values are malformed, or do not go together, or cannot be used.
        Unavailable: a port cannot be had.
    """
    from api.wiring import unusable

    settings, problems = Settings.as_given(environment)
    log_to_stderr(settings)
    for warning in warnings(environment):
        log.warning("%s", warning)
    problems += unusable(settings, problems)
    if problems:
        raise InvalidSettings(problems)
    try:
        require_free(settings, listens_at)
    except InvalidInput as error:  # it may be free in a moment: whoever starts us may try again
        raise Unavailable(str(error)) from error
    return settings
