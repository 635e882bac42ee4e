"""A gateway that asks before each call, over a sandbox, on a clock that only sleeping moves."""

from collections.abc import Callable, Mapping
from typing import Any

import stripe

from adapters.sandbox.app import Sandbox, create_sandbox
from adapters.sandbox.client import InProcess
from adapters.sandbox.ledger import Ledger
from adapters.stripe.gateway import StripeGateway, stripe_client
from adapters.stripe.paced import PacedClient
from application.gateway import StripeCall, StripeCustomer
from application.pacer import LocalPace, Pacer
from application.pacing import SECOND


class Paced:
    """A gateway at a pace, over a sandbox, on a clock that only sleeping moves."""

    def __init__(self, retries: int = 2, per_s: tuple[int, int] = (100, 25)) -> None:
        self.now = 1_767_225_600 * SECOND
        self.slept: list[int] = []
        app = create_sandbox(Ledger(), clock=lambda: self.now / SECOND)
        self.sandbox: Sandbox = app.extensions["sandbox"]
        self.pace = LocalPace(*per_s, lambda: self.now)
        self.pacer = Pacer(self.pace, self.sleep)
        self.inner: Any = InProcess(app)
        self.client = PacedClient(
            self, self.pacer, retries=retries, sleep=self.sleep, chance=lambda most: most - 1
        )
        self.gateway = StripeGateway(stripe_client("sk_test_x", http_client=self.client))
        self.answers: list[int | None] = []
        self.spoil: Callable[[Any], Any] = lambda response: response

    def sleep(self, span: int) -> None:
        self.slept.append(span)
        self.now += span

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> Any:
        try:
            response = self.spoil(self.inner.request(method, url, headers, post_data))
        except stripe.APIConnectionError as error:
            self.answers.append(None)
            error.should_retry = True  # as the SDK says of connections that end and time-outs
            raise
        self.answers.append(response[1])
        return response

    def close(self) -> None: ...

    def make_customer(self, organization: str = "acme", key: str = "k1") -> int:
        request = self.gateway.new_customer(StripeCustomer(organization=organization))
        call = StripeCall(
            key=key,
            method=request.method,
            endpoint=request.endpoint,
            parameters=request.parameters,
        )
        return self.gateway.send(call).status

    @property
    def customers(self) -> int:
        return len(list(self.sandbox.world.ledger.every("customer")))
