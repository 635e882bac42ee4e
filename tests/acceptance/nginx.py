"""A real nginx with the file of ``deploy/``; its ports, certificate and folders are ours."""

import http.client
import os
import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPMessage
from pathlib import Path

from tests.acceptance.running import free_port

CONF = Path(__file__).parents[2] / "deploy" / "nginx" / "cyclebook.conf"
PROGRAM = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
LIVE = "/etc/letsencrypt/live/billing.example.com"

AROUND = """
pid nginx.pid;
error_log error.log;
events {{}}
http {{
    include /etc/nginx/mime.types;
    access_log access.log;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    gzip on;  # as in Debian's own file
    include {conf};
}}
"""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: HTTPMessage
    body: bytes


class Nginx:
    """One nginx in a folder, in front of a port."""

    def __init__(self, home: Path, upstream: int) -> None:
        self.home = home
        self.http, self.https = free_port(), free_port()
        self.www = home / "www"
        (home / "cyclebook.conf").write_text(self._ours(upstream), "utf-8")
        around = AROUND.format(conf=home / "cyclebook.conf")
        user = "user root;" if os.geteuid() == 0 else ""
        (home / "nginx.conf").write_text(user + around, "utf-8")
        _make_certificate(home)

    def _ours(self, upstream: int) -> str:
        text = re.sub(r"\n *listen \[::\].*", "", CONF.read_text("utf-8"))
        for theirs, ours in {
            "server 127.0.0.1:8000;": f"server 127.0.0.1:{upstream};",
            "listen 80;": f"listen 127.0.0.1:{self.http};",
            "listen 443 ssl http2;": f"listen 127.0.0.1:{self.https} ssl http2;",
            "/var/www/html;": f"{self.www};",
            f"{LIVE}/fullchain.pem": str(self.home / "cert.pem"),
            f"{LIVE}/privkey.pem": str(self.home / "key.pem"),
        }.items():
            assert text.count(theirs) == 1, theirs
            text = text.replace(theirs, ours)
        return text

    def command(self, *more: str) -> list[str]:
        """How it is called."""
        assert PROGRAM is not None
        return [PROGRAM, "-p", str(self.home), "-c", str(self.home / "nginx.conf"), *more]

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run it. Its sockets are open once its parent has become a daemon."""
        subprocess.run(self.command(), check=True, timeout=20)
        try:
            yield
        finally:
            subprocess.run(self.command("-s", "stop"), check=True, timeout=20)

    def connection(self, address: str = "127.0.0.1") -> http.client.HTTPSConnection:
        """A new connection of a client at this address."""
        context = ssl.create_default_context(cafile=str(self.home / "cert.pem"))
        return http.client.HTTPSConnection(
            "127.0.0.1", self.https, timeout=30, context=context, source_address=(address, 0)
        )

    def call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        address: str = "127.0.0.1",
    ) -> Answer:
        """One request over TLS, its path exactly as it is written."""
        connection = self.connection(address)
        try:
            return exchanged(connection, method, path, body, headers or {})
        finally:
            connection.close()


def exchanged(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes | None,
    headers: Mapping[str, str],
) -> Answer:
    """A request and its whole answer."""
    connection.request(method, path, body, dict(headers))
    answer = connection.getresponse()
    return Answer(answer.status, answer.headers, answer.read())


def _make_certificate(home: Path) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=cyclebook", "-addext"]
    command += ["subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(command, cwd=home, check=True, capture_output=True, timeout=60)
