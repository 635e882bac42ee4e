"""What the command line refuses: in a sentence that helps, with status 2."""

import pytest

from tests.api.conftest import Run


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["settigns"], "Did you mean 'settings'?", id="a mistyped command"),
        pytest.param(["rate", "/no/such"], "/no/such: No such file", id="no such file"),
        pytest.param(["work", "--role", "x"], "'x' is none of project, sync", id="no such role"),
        pytest.param(
            ["rate", "--history", "acme", "--price", __file__],
            f"{__file__}: the price is not JSON",
            id="another kind of file",
        ),
    ],
)
def test_what_cannot_be_run_is_said_in_a_sentence(
    run: Run, arguments: list[str], told: str
) -> None:
    status, _, errors = run(*arguments)
    assert (status, told in errors) == (2, True), errors
