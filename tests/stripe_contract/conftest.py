"""The contract's two sides: each test runs over the sandbox, and over Stripe if that is asked."""

from collections.abc import Iterator

import pytest

from tests.stripe_contract.facts import FINDINGS
from tests.stripe_contract.side import Side, asked_key, real, sandbox

_KEY = asked_key()


@pytest.fixture(params=["sandbox", "stripe"] if _KEY else ["sandbox"])
def side(request: pytest.FixtureRequest) -> Iterator[Side]:
    """Somebody who answers as Stripe, and is left as clean as it was."""
    here = real(_KEY) if _KEY and request.param == "stripe" else sandbox()
    yield here
    here.clean()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what Stripe settled."""
    if _KEY:
        terminalreporter.section("what Stripe settled")
        for line in FINDINGS.table():
            terminalreporter.write_line(line)
