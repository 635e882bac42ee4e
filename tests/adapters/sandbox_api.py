"""Requests to the sandbox, and what they made."""

from typing import Any

from tests.adapters.test_sandbox import AUTH, Api


def made(answer: Any) -> Any:
    assert answer.status_code == 200, answer.json
    return answer.json


def delete(api: Api, path: str) -> Any:
    return api.client.delete(path, headers=AUTH)


def item(api: Api, customer: str, **form: Any) -> Any:
    return made(api.post("/v1/invoiceitems", {"customer": customer, "amount": 5} | form))


def lines(api: Api, invoice: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = api.get(f"/v1/invoices/{invoice}/lines?limit=100").json["data"]
    return listed


def priced(api: Api, invoice: str, **fields: Any) -> Any:
    product = made(api.post("/v1/products", {"name": "CPU"}))["id"]
    row = {"price_data][currency": "usd", "price_data][product": product} | fields
    return api.post(
        f"/v1/invoices/{invoice}/add_lines", {f"lines[0][{name}]": v for name, v in row.items()}
    )
