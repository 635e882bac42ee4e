"""What customers read for a meter: what the lines of their invoices call it."""

import pytest

from projections.meter_words import meter_words
from tests.january import JANUARY
from tests.world import world


@pytest.mark.parametrize(
    ("prices", "name"),
    [
        pytest.param([], "Api calls", id="nobody prices it: its id"),
        pytest.param([("calls", "API calls")], "API calls", id="its price's name"),
        pytest.param(
            [("calls", "API calls"), ("more", "Batch calls")],
            "API calls and Batch calls",
            id="two of them",
        ),
        pytest.param(
            [("calls", "Calls"), ("more", "Batch"), ("most", "Bulk")], "Api calls", id="too many"
        ),
        pytest.param([("calls", "CPU")], "CPU (Api calls)", id="a name that another one has"),
    ],
)
def test_a_meter_is_called_what_lines_call_it(prices: list[tuple[str, str]], name: str) -> None:
    made = world()
    made.meter("api_calls")
    made.price("cpu-too", name="CPU", meter="cpu", model="per_unit", unit_amount="1")
    made.service("box", "cpu-too")
    made.attach("b1", "box", JANUARY)
    for number, (price, called) in enumerate(prices):
        made.price(price, name=called, meter="api_calls", model="per_unit", unit_amount="1")
        made.service(f"s{number}", price)
        made.attach(f"a{number}", f"s{number}", JANUARY)
    (state,) = made.store.snapshot("acme").cycles

    words = meter_words([state.cycle], made.store.current())

    assert words.name("api_calls") == name
