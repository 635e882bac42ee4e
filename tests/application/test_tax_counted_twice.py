"""With automatic tax switched on and off at any time, a second plain count agrees."""

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from application.stripe_stream import CustomerLinks
from tests.application.test_life_machine import DEEP
from tests.application.test_verification import CountedTwice


class Taxed(CountedTwice):
    """A life in which Stripe computes tax, at times."""

    @initialize()
    def tax_is_computed(self) -> None:
        made = self.made
        known = made.client.v1.customers.create({"address": {"country": "DE"}})
        CustomerLinks(made.books, made.clock)("acme", known.id)
        made.register(policies={"automatic_tax": True})

    @rule(on=st.booleans())
    def the_policy_changes(self, on: bool) -> None:
        self.made.register(policies={"automatic_tax": on})

    @invariant()
    def no_line_is_below_zero_where_tax_is_computed(self) -> None:
        for state in self.made.store.snapshot("acme").cycles:
            view = self.made.invoice(state.cycle.id)
            taxed = self.made.store.snapshot("acme").organization.policy("automatic_tax")
            if taxed and state.cycle.settled is None:
                assert all(line.amount >= 0 for line in view.invoice.lines)


Taxed.TestCase.settings = settings(
    max_examples=max(DEEP // 100, 8),
    stateful_step_count=50 if DEEP else 15,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
TestTaxed = Taxed.TestCase
