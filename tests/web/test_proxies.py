"""Behind real proxies, as deploy/ configures them: `pytest -m slow tests/web/test_proxies.py`.

Needs the programs nginx (Debian: nginx-light), caddy and openssl; what is absent is skipped.
"""

import contextlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import pytest

from samehand.web.users import with_user

pytestmark = pytest.mark.slow

DEPLOY = Path(__file__).parents[2] / "deploy"
ANN = {"name": "Ann", "password": "correct horse battery"}
HOST = {"host": "museum.example"}
VISITOR = "127.0.0.3"
"""From where clients come; the proxy's own address is 127.0.0.1."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


def wait_for(port: int, process: subprocess.Popen) -> None:
    for _ in range(600):
        assert process.poll() is None, process.args
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise AssertionError(f"nothing listens: {process.args}")


@contextlib.contextmanager
def running(command: list[str], port: int, **more) -> Iterator[subprocess.Popen]:
    with subprocess.Popen(command, **more) as process:
        try:
            wait_for(port, process)
            yield process
        finally:
            process.terminate()


@pytest.fixture(scope="module", params=["", "/samehand"])
def prefix(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def server(tiny_model, tmp_path_factory, prefix) -> Iterator[tuple[int, Path]]:
    """A server of users behind a proxy on this machine, and its log."""
    folder = tmp_path_factory.mktemp("server")
    with_user(folder / "users.json", ANN["name"], "decider", ANN["password"])
    port, log = free_port(), folder / "log"
    command = [
        sys.executable, "-m", "samehand", "serve", "--port", str(port), "--model", str(tiny_model),
        "--users", str(folder / "users.json"), "--proxy", "127.0.0.1", "--root-path", prefix,
        "--allow-host", "museum.example", "--access-log", "--log-format", "json",
    ]  # fmt: skip
    with log.open("wb") as out, running(command, port, stdout=out):
        yield port, log


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> tuple[Path, Path]:
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    key, made = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=museum.example", "-addext", "subjectAltName=DNS:museum.example",
         "-keyout", key, "-out", made],
        check=True, capture_output=True,
    )  # fmt: skip
    return key, made


@pytest.fixture(scope="module")
def nginx(server, certificate, prefix, tmp_path_factory) -> Iterator[httpx.Client]:
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if not program:
        pytest.skip("nginx is not installed")
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    key, made = certificate
    text = (DEPLOY / "nginx.conf").read_text()
    for old, new in {
        "server samehand:8017": f"server 127.0.0.1:{server[0]}",
        "listen 8080;": f"listen 127.0.0.1:{port} ssl; ssl_certificate {made}; "
        f"ssl_certificate_key {key};",
        "location / {": f"location {prefix}/ {{",
    }.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    kept = "".join(
        f"{kind}_temp_path {folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
        f"http {{ access_log off; {kept}\n{text}\n}}"
    )
    command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with running(command, port, stderr=subprocess.DEVNULL), asking(port, made) as client:
        yield client


@pytest.fixture(scope="module")
def caddy(server, certificate, prefix, tmp_path_factory) -> Iterator[httpx.Client]:
    if not shutil.which("caddy"):
        pytest.skip("caddy is not installed")
    folder, port = tmp_path_factory.mktemp("caddy"), free_port()
    key, made = certificate
    text = (DEPLOY / "Caddyfile").read_text()
    shown = f" {prefix}/*" if prefix else ""
    for old, new in {
        "\nmuseum.example {": "\n{\n\tadmin off\n\tauto_https disable_redirects\n}\n"
        f"https://museum.example:{port} {{\n\ttls {made} {key}\n\tbind 127.0.0.1",
        "\treverse_proxy samehand:8017": f"\treverse_proxy{shown} 127.0.0.1:{server[0]}",
    }.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    # The options of a Caddyfile stand at its head.
    head, _, rest = text.partition("\n{\n")
    (folder / "Caddyfile").write_text("{\n" + rest + "\n" + head + "\n")
    command = ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    environment = os.environ | {"HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    with (
        running(command, port, env=environment, stderr=subprocess.DEVNULL),
        asking(port, made) as client,
    ):
        yield client


def asking(port: int, certificate: Path) -> httpx.Client:
    trusting = ssl.create_default_context(cafile=str(certificate))
    return Named(port, trusting)


class Named(httpx.Client):
    """A client that finds museum.example on this machine."""

    def __init__(self, port: int, trusting: ssl.SSLContext) -> None:
        transport = httpx.HTTPTransport(verify=trusting, local_address=VISITOR)
        super().__init__(base_url=f"https://127.0.0.1:{port}", transport=transport, timeout=60)

    def request(self, method, url, headers=None, **more):
        more["extensions"] = {"sni_hostname": "museum.example"}
        return super().request(method, url, headers=HOST | (headers or {}), **more)


@pytest.fixture(params=["nginx", "caddy"])
def proxy(request) -> httpx.Client:
    client = request.getfixturevalue(request.param)
    client.cookies.clear()
    return client


def sign_in(proxy: httpx.Client, prefix: str) -> str:
    told = proxy.post(f"{prefix}/login", data=ANN, headers={"origin": "https://museum.example"})
    assert told.status_code == 303, told.text
    assert told.headers["location"] == f"{prefix}/"
    cookie = told.headers["set-cookie"]
    # The client is at an address, not at the name that the cookie is for.
    proxy.cookies.clear()
    return cookie


def test_a_user_signs_in_over_tls_and_asks(proxy, prefix, pair):
    sent = proxy.get(f"{prefix}/gallery")
    assert sent.status_code == 303
    assert sent.headers["location"].startswith(f"{prefix}/login")
    assert "Sign in" in proxy.get(sent.headers["location"]).text
    cookie = sign_in(proxy, prefix)
    assert "Secure" in cookie
    assert f"Path={prefix or '/'};" in cookie
    carried = {"cookie": cookie.split(";")[0], "origin": "https://museum.example"}
    page = proxy.get(f"{prefix}/", headers=carried)
    assert "Ann" in page.text
    assert "museum.example, stays in its memory" in " ".join(page.text.split())
    assert proxy.get(f"{prefix}/static/style.css").status_code == 200
    told = proxy.post(f"{prefix}/api/v1/compare", files=pair, headers=carried)
    assert -5 < told.json()["llr"] < 5


def test_what_is_forwarded_is_the_proxys_word_and_no_clients(proxy, prefix, server):
    told = proxy.get(f"{prefix}/healthz?spoof", headers={"x-forwarded-for": "203.0.113.9"})
    identity = told.headers["x-request-id"]
    for _ in range(100):
        lines = [json.loads(line) for line in server[1].read_text().splitlines() if "{" in line]
        if found := [one for one in lines if one["request_id"] == identity]:
            break
        time.sleep(0.05)
    assert found[0]["client"] == VISITOR


def test_who_is_no_named_proxy_is_not_believed(server, prefix):
    transport = httpx.HTTPTransport(local_address=VISITOR)
    with httpx.Client(base_url=f"http://127.0.0.1:{server[0]}", transport=transport) as direct:
        told = direct.post(f"{prefix}/login", data=ANN, headers={"x-forwarded-proto": "https"})
    assert "samehand-session" in told.headers["set-cookie"]
    assert "Secure" not in told.headers["set-cookie"]


def test_other_sites_and_oversized_bodies_are_refused(proxy, prefix):
    evil = {"origin": "https://evil.example"}
    assert proxy.post(f"{prefix}/login", data=ANN, headers=evil).status_code == 403
    large = {"left": ("a.png", b"\0" * (65 * 2**20), "image/png")}
    assert proxy.post(f"{prefix}/api/v1/compare", files=large).status_code in (401, 413)


def test_metrics_stay_inside(proxy, prefix):
    assert proxy.get(f"{prefix}/metrics").status_code == (401 if prefix else 403)
