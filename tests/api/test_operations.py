"""Liveness and readiness; and what is answered while the database is away."""

import psycopg
import pytest

from api.app import create_app
from api.settings import Settings
from api.wiring import wire
from domain.errors import StoreUnavailable
from tests.api.conftest import Caller
from tests.databases import migrated_database


def test_a_process_is_ready_when_its_database_is(admin: Caller) -> None:
    assert admin.client.get("/readyz").get_json() == {"ready": True, "warnings": []}
    assert admin.client.get("/healthz").get_json() == {"status": "ok"}


def test_without_its_database_the_process_lives_and_says_what_is_wrong(
    embedded_server: str,
) -> None:
    url = migrated_database(embedded_server, "soon_gone")
    settings = Settings.from_environment({"DATABASE_URL": url})
    with wire(settings, url) as wired:
        client = create_app(wired).test_client()
        assert client.get("/readyz").status_code == 200
        drop_database(embedded_server, "soon_gone")
        assert client.get("/healthz").status_code == 200
        ready = client.get("/readyz")
        assert (ready.status_code, ready.get_json()["code"]) == (503, "not_ready")
        key = {"Authorization": "Bearer ck_x"}
        response = client.post("/v1/usage", json=[], headers=key)
        assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
        assert response.get_json()["code"] == "store_unavailable"


def drop_database(server: str, name: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)".encode())


def test_a_process_does_not_start_without_its_database() -> None:
    url = "postgresql://nobody@127.0.0.1:1/nothing"
    settings = Settings.from_environment({"DATABASE_URL": url})
    with pytest.raises(StoreUnavailable), wire(settings, url):
        pass
