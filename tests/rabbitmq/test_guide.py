"""The guide's publisher does what the guide says."""

import re
from pathlib import Path

import pytest

from api.wiring import Wired
from tests.api.test_worker import wait_until
from tests.rabbitmq.conftest import Rabbit
from tests.rabbitmq.test_intake import stored, working

GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "rabbitmq.md"


def test_the_publisher_of_the_guide_publishes_usage(
    wired: Wired, acme: str, rabbit: Rabbit, monkeypatch: pytest.MonkeyPatch
) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    assert len(example.splitlines()) < 25
    monkeypatch.setenv("AMQP_URL", rabbit.url)
    with working(wired):
        exec(example.replace("cyclebook.usage", rabbit.names.usage), {})
        wait_until(lambda: stored(wired) == 1)
    assert wired.dead_letters.count() == 0
