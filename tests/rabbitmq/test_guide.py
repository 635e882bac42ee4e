"""The guide's publisher does what the guide says."""

import re
from pathlib import Path

import pytest

from api.wiring import Wired
from tests.api.test_worker import wait_until
from tests.rabbitmq.conftest import Rabbit
from tests.rabbitmq.test_intake import stored, working

GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "rabbitmq.md"


def as_here(example: str, rabbit: Rabbit) -> str:
    """The example speaks of the demo."""
    names = {'"cpu_seconds"': '"cpu"', '"web"': '"a1"', "cyclebook.usage": rabbit.names.usage}
    for demo, here in names.items():
        assert demo in example
        example = example.replace(demo, here)
    return example


def test_the_publisher_of_the_guide_publishes_usage(
    wired: Wired, acme: str, rabbit: Rabbit, monkeypatch: pytest.MonkeyPatch
) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    assert len(example.splitlines()) < 25
    monkeypatch.setenv("AMQP_URL", rabbit.url)
    with working(wired):
        exec(as_here(example, rabbit), {})
        wait_until(lambda: stored(wired) == 1)
    assert wired.dead_letters.count() == 0
