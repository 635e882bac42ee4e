"""Sending a webhook: to the address that was checked, once, briefly, and nowhere else."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from adapters.notify.http import HEAD_MAX, HttpSender
from application.delivering import Undeliverable
from tests.receiver import Receiver, receiving

HERE = ["127.0.0.1"]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def local(resolve=lambda host, port: HERE, **more) -> HttpSender:
    return HttpSender(local=True, resolve=resolve, **more)


def test_it_posts_to_the_checked_address_and_speaks_to_the_name(receiver: Receiver) -> None:
    port = receiver.url.rpartition(":")[2].partition("/")[0]
    answered = local()(f"http://erp.example:{port}/hook?a=b", {"webhook-id": "n1"}, b"{}")
    (got,) = receiver.got
    assert answered.status == 204
    assert (got.path, got.body) == ("/hook?a=b", b"{}")
    assert (got.headers["host"], got.headers["webhook-id"]) == (f"erp.example:{port}", "n1")


def test_a_name_that_leads_elsewhere_the_second_time_is_not_asked_again(
    receiver: Receiver,
) -> None:
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return HERE if len(asked) == 1 else ["10.0.0.1"]

    send = local(rebinding)
    assert send(receiver.url.replace("127.0.0.1", "erp.example"), {}, b"{}").status == 204
    assert asked == ["erp.example"]
    with pytest.raises(Undeliverable, match=r"leads to 10\.0\.0\.1"):
        send(receiver.url.replace("127.0.0.1", "erp.example"), {}, b"{}")
    assert len(receiver.got) == 1


def test_a_name_with_one_address_inside_is_not_sent_to() -> None:
    send = HttpSender(resolve=lambda host, port: ["8.8.8.8", "127.0.0.1"])
    with pytest.raises(Undeliverable, match=r"leads to 127\.0\.0\.1"):
        send("https://erp.example/", {}, b"{}")


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.answers = [(302, {"Location": receiver.url}, b"")]
    assert local()(receiver.url, {}, b"{}").status == 302
    assert len(receiver.got) == 1


def test_no_proxy_of_the_environment_is_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert local()(receiver.url, {}, b"{}").status == 204


def test_of_an_answer_a_short_printable_head_is_kept(receiver: Receiver) -> None:
    receiver.answers = [(500, {}, b"<b>no\x00\x1b[31m\r\n" + b"x" * 1_000_000)]
    answered = local()(receiver.url, {}, b"{}")
    assert answered.status == 500
    assert answered.head.startswith("<b>no [31m x") and len(answered.head) == HEAD_MAX


@contextmanager
def speaking(say) -> Iterator[str]:
    """A server that takes connections and does with each what it is told."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    say(connection, over)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        over.set()
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def silence(connection: socket.socket, over: threading.Event) -> None:
    over.wait(10)


def drip(connection: socket.socket, over: threading.Event) -> None:
    """An answer that never ends, a byte at a time."""
    try:
        connection.sendall(b"HTTP/1.1 ")
        while not over.wait(0.02):
            connection.sendall(b"2")
    except OSError:
        return


def nonsense(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH\r\n\r\n")


def nothing(connection: socket.socket, over: threading.Event) -> None:
    return


@pytest.mark.parametrize("say", [silence, drip], ids=lambda each: each.__name__)
def test_whoever_takes_too_long_is_left(say) -> None:
    with speaking(say) as url, pytest.raises(Undeliverable, match=r"within 0\.3 seconds"):
        local(timeout_s=0.3)(url, {}, b"{}")


@pytest.mark.parametrize("say", [nonsense, nothing], ids=lambda each: each.__name__)
def test_whoever_speaks_no_http_is_no_answer(say) -> None:
    with speaking(say) as url, pytest.raises(Undeliverable, match="no answer"):
        local()(url, {}, b"{}")


def test_where_nobody_listens_there_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(Undeliverable, match="no answer"):
        local()(f"http://127.0.0.1:{port}/", {}, b"{}")


def test_a_name_that_nobody_knows_is_told() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.raises(Undeliverable, match=r"erp\.example cannot be resolved"):
        HttpSender(resolve=unknown)("https://erp.example/", {}, b"{}")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for erp.example, signed by itself."""
    file = tmp_path_factory.mktemp("tls") / "erp.pem"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    made += ["-nodes", "-days", "2", "-subj", "/CN=erp.example", "-keyout", str(file)]
    made += ["-addext", "subjectAltName=DNS:erp.example", "-out", f"{file}.crt"]
    subprocess.run(made, check=True, capture_output=True)
    return file


def secured(certificate: Path, names: list[str | None]):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{certificate}.crt", certificate)
    context.sni_callback = lambda sock, name, of: names.append(name)

    def say(connection: socket.socket, over: threading.Event) -> None:
        try:
            with context.wrap_socket(connection, server_side=True) as tls:
                said = b""
                while not said.endswith(b"{}"):
                    said += tls.recv(10_000)
                tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        except OSError:
            return  # it did not trust us

    return say


def test_over_tls_the_name_is_what_is_trusted(certificate: Path) -> None:
    names: list[str | None] = []
    trusting = ssl.create_default_context(cafile=f"{certificate}.crt")
    with speaking(secured(certificate, names)) as url:
        port = url.rpartition(":")[2].rstrip("/")
        send = local(context=trusting)
        assert send(f"https://erp.example:{port}/", {}, b"{}").status == 200
        with pytest.raises(Undeliverable, match="certificate is not trusted"):
            send(f"https://other.example:{port}/", {}, b"{}")
        with pytest.raises(Undeliverable, match="certificate is not trusted"):
            local()(f"https://erp.example:{port}/", {}, b"{}")
    assert names[:2] == ["erp.example", "other.example"]
