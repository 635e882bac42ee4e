"""A gateway in shadow mode: every read of the port, and not one write."""

import inspect
from typing import Any

import pytest

from application.gateway import InvoiceGateway
from application.shadowing.read_only import ReadOnlyGateway
from domain.errors import RuleViolation
from tests.world import World

READS = {
    *("glance", "complete", "find", "listed", "find_customer", "customer", "invoice_of"),
    *("renewal", "note", "notes", "payments", "refunds", "disputes", "has_product"),
}
PORT = {name for name in vars(InvoiceGateway) if not name.startswith("_")}


@pytest.mark.parametrize("name", sorted(PORT - READS))
def test_every_write_of_the_port_is_refused(name: str) -> None:
    made = World()
    method = getattr(ReadOnlyGateway(made.gateway), name)
    given: list[Any] = [None] * len(inspect.signature(method).parameters)
    with pytest.raises(RuleViolation, match="shadow mode") as refused:
        method(*given)
    assert refused.value.code == "shadow"
    assert not made.sandbox.transport.calls


def test_reads_are_answered() -> None:
    made = World()
    customer = made.client.v1.customers.create({}).id
    reads = ReadOnlyGateway(made.gateway)
    assert reads.customer(customer) == made.gateway.customer(customer)
    assert (reads.glance("in_none"), reads.find(customer, "acme.2026-01-01")) == (None, ())
    assert list(reads.listed(made.now, made.now)) == []


def test_the_wrapper_has_the_whole_port_and_no_more() -> None:
    assert {name for name in vars(ReadOnlyGateway) if not name.startswith("_")} == PORT
    assert READS <= PORT
