"""The campaign's requests: what no client should send, to a real server on the loopback.

The server is `samehand serve` in a process of its own, with a small gallery; it is started once.
A fault is a status of 500 or more other than 503, an error of the API that is no `{"detail"}`, a
mark of ours that stands unescaped on a page, no answer to a whole request, a server that died or
wrote a traceback.
"""

import atexit
import io
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.campaign_trial import Trial

PATIENCE_S = 30.0
_MARK = "<b id=campaign>"
_PAGES = (
    *("/", "/gallery", "/gallery/map", "/gallery/table", "/gallery/queue", "/gallery/suspects"),
    *("/identify", "/reference", "/api", "/healthz", "/readyz", "/metrics", "/openapi.json"),
    *(
        "/gallery/work/{slot}",
        "/gallery/picture/{slot}",
        "/api/v1/gallery",
        "/api/v1/gallery/works",
    ),
    *("/api/v1/gallery/decisions", "/static/page.css", "/favicon.ico"),
)
_QUESTIONS = (
    ("/", ("left", "right"), ("prior", "operating_point")),
    ("/api/v1/compare", ("left", "right"), ("prior", "operating_point")),
    ("/api/v1/verify", ("probe", "references", "references"), ("prior", "operating_point")),
    ("/api/v1/gallery/search", ("probe",), ("top", "where")),
    ("/api/v1/gallery/identify", ("probe",), ("top", "prior", "threshold", "where")),
    ("/identify", ("probe",), ()),
    ("/gallery", ("probe",), ()),
)
_BODIES = (
    ("/api/v1/gallery/decisions", {"first": "0", "second": "1", "label": "same"}),
    ("/api/v1/gallery/decisions/undo", {"id": "0"}),
    ("/api/v1/gallery/queue", {"top": 3}),
    ("/api/v1/gallery/cluster", {}),
)
_VALUES = (
    *("", "0", "-1", "NaN", "1e999", "9" * 400, "0.5", _MARK, "=HYPERLINK(1)", "' OR 1=1 --"),
    *("../../etc/passwd", "a\0b", "\u2028", "artist=", "artist~" + "x" * 3000, "None", "{}"),
)
_PATHS = ("/..", "%00", "//", "%2e%2e%2f" * 9, "é", "a" * 9000, "?%")
_OF_BODIES = ("cut", "flip", "grow")
_METHODS = (b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"TRACE", b"BREW", b"get")


class _Server:
    """A server that lives as long as the campaign."""

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        base = Path(self.folder.name)
        works = base / "works" / "Ann <b>"
        works.mkdir(parents=True)
        for number in range(4):
            (works / f"{number}.png").write_bytes(_picture(np.random.default_rng(number)))
        environment = os.environ | {"SAMEHAND_MODEL": "lite", "SAMEHAND_HOME": str(base / "home")}
        call = [sys.executable, "-m", "samehand"]
        for words in (["create", "g"], ["add", "g", str(base / "works")]):
            subprocess.run([*call, "gallery", *words], env=environment, check=True,
                           capture_output=True)  # fmt: skip
        self.errors = open(base / "errors", "w+b")  # noqa: SIM115
        self.process = subprocess.Popen(
            [*call, "serve", "--port", "0", "--gallery", "g", "--threads", "1"],
            env=environment, stdout=subprocess.PIPE, stderr=self.errors, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        address = self.process.stdout.readline().split()[3]
        self.port = int(address.rsplit(":", 1)[1].strip("/"))
        atexit.register(self.stop)

    def stop(self) -> None:
        """End it, and say so if its end was not clean."""
        self.process.terminate()
        self.process.wait(60)
        if self.wrote():
            print(f"  requests: at its end the server wrote {self.wrote()[:300]!r}")
        self.errors.close()
        self.folder.cleanup()

    def wrote(self) -> str:
        """Return what it wrote to standard error that is a traceback, if anything."""
        self.errors.seek(0)
        text = self.errors.read().decode(errors="replace")
        return text[text.index("Traceback") :] if "Traceback" in text else ""

    def memory(self) -> float:
        """Return the most memory it has had, in MiB."""
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text()
        except OSError:
            return 0.0
        return int(status.split("VmHWM:")[1].split()[0]) / 1024


_server: _Server | None = None


def requests(rng: np.random.Generator) -> Trial:
    """Send one altered request, and judge the answer."""
    global _server  # noqa: PLW0603
    if _server is None:
        _server = _Server()
    data, name, whole = _request(rng)
    fault, answer = "", "left"
    try:
        answer, fault = _asked(_server.port, data, rng, whole=whole)
    except OSError as error:
        answer, fault = "no answer", f"{type(error).__name__}: {error}"
    if _server.process.poll() is not None:
        fault = "the server died"
    elif traceback := _server.wrote():
        fault = traceback.strip().splitlines()[-1]
        print(traceback, file=sys.stderr)
        _server.errors.seek(0)
        _server.errors.truncate()
    if _server.memory() > 3000:
        fault = f"the server has taken {_server.memory():.0f} MiB"
    return Trial(name, data, fault, answer)


def _asked(port: int, data: bytes, rng: np.random.Generator, *, whole: bool) -> tuple[str, str]:
    """Return how a request was answered, and what is wrong with that."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as client:
        cuts = sorted(int(cut) for cut in rng.integers(0, len(data) + 1, int(rng.integers(0, 3))))
        for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
            try:
                client.sendall(data[start:end])
            except OSError:
                break  # Refused before it was all sent; the answer says why.
        if rng.random() < 0.1:
            time.sleep(float(rng.uniform(0, 0.05)))
            return "left", ""
        got = b""
        try:
            if not whole:
                client.shutdown(socket.SHUT_WR)
            while part := client.recv(65536):
                got += part
        except TimeoutError:
            return "no answer", "" if got else f"no answer in {PATIENCE_S:g} s"
        except OSError:
            pass  # Closed by the server, which may have answered before.
    return _judged(data, got, whole=whole)


def _judged(data: bytes, got: bytes, *, whole: bool) -> tuple[str, str]:
    head, _, body = got.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 "):
        return "closed", "closed without an answer" if whole and data.startswith(b"POST") else ""
    status = int(head[9:12])
    if status >= 500 and status != 503:
        return str(status), f"status {status}"
    html = b"text/html" in head.lower()
    if html and _MARK.encode() in body:
        return str(status), "what was sent stands unescaped on a page"
    of_api = data.split(b" ", 2)[1:2] and data.split(b" ", 2)[1].startswith(b"/api/v1/")
    if status >= 400 and of_api and body and b"application/json" in head.lower():
        try:
            if "detail" not in json.loads(body):
                return str(status), "an error without its detail"
        except ValueError:
            # An answer to HEAD, or one that a second answer follows, is no single document.
            if not data.startswith(b"HEAD") and b"HTTP/1.1" not in body:
                return str(status), "an error that is no JSON"
    return str(status), ""


def _request(rng: np.random.Generator) -> tuple[bytes, str, bool]:
    """Return a request, what it is, and whether it is whole and ends the connection."""
    method, target, body, kind = _plain(rng)
    lines = [b"Host: 127.0.0.1", b"Connection: close"]
    if body:
        lines += [b"Content-Type: " + kind, b"Content-Length: " + str(len(body)).encode()]
    name, whole = f"{method.decode()} {target.split('?')[0]}", True
    for _ in range(int(rng.integers(0, 3))):
        change = str(
            rng.choice(["method", "header", "path", "elsewhere", *_OF_BODIES[: 3 * bool(body)]])
        )
        name += f", {change}"
        if change == "method":
            method = bytes(rng.choice(_METHODS))
        elif change == "header":
            place = int(rng.integers(len(lines) + 1))
            lines[place : place + int(rng.integers(2))] = [_header(rng)]
            whole = False
        elif change == "path":
            target += str(rng.choice(_PATHS))
        elif change == "elsewhere":
            lines.append(b"Origin: http://elsewhere.example")
        else:
            body, whole = _altered(change, body, rng), whole and change != "cut"
    head = b"\r\n".join([method + b" " + target.encode() + b" HTTP/1.1", *lines])
    return head + b"\r\n\r\n" + body, name, whole


def _plain(rng: np.random.Generator) -> tuple[bytes, str, bytes, bytes]:
    """Return method, target, body and content type of a request as a client might send it."""
    draw = rng.random()
    if draw < 0.35:
        path = str(rng.choice(_PAGES)).replace("{slot}", "0")
        query = "?" + "&".join(f"{_key(rng)}={_quoted(_value(rng))}" for _ in range(3))
        return b"GET", path + (query if rng.random() < 0.5 else ""), b"", b""
    if draw < 0.55:
        target, fields = _BODIES[int(rng.integers(len(_BODIES)))]
        sent = {key: _value(rng) if rng.random() < 0.4 else value for key, value in fields.items()}
        return b"POST", target, json.dumps(sent).encode(), b"application/json"
    target, pictures, texts = _QUESTIONS[int(rng.integers(len(_QUESTIONS)))]
    return b"POST", target, *_form(rng, pictures, texts)


def _altered(change: str, body: bytes, rng: np.random.Generator) -> bytes:
    if change == "cut":
        return body[: int(rng.integers(len(body)))] if body else body
    if change == "flip":
        return _flipped(body, rng)
    return body + bytes(int(rng.integers(1, 3000)))


def _form(
    rng: np.random.Generator, pictures: tuple[str, ...], texts: tuple[str, ...]
) -> tuple[bytes, bytes]:
    boundary = b"campaign"
    parts = []
    for field in pictures:
        data = _picture(rng)
        if rng.random() < 0.4:
            data = _flipped(data, rng) if rng.random() < 0.5 else data[: int(rng.integers(400))]
        name = _value(rng).encode().replace(b"\0", b"") if rng.random() < 0.3 else b"a.png"
        name = name.replace(b'"', b"%22").replace(b"\r", b"").replace(b"\n", b"")
        parts.append(
            b'Content-Disposition: form-data; name="' + field.encode() + b'"; filename="' + name
            + b'"\r\nContent-Type: image/png\r\n\r\n' + data
        )  # fmt: skip
    for field in texts:
        if rng.random() < 0.5:
            parts.append(
                b'Content-Disposition: form-data; name="' + field.encode() + b'"\r\n\r\n'
                + _value(rng).encode()
            )  # fmt: skip
    if rng.random() < 0.15:
        parts = parts[1:]
    if rng.random() < 0.1:
        parts *= 30
    body = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts)
    return body + b"--" + boundary + b"--\r\n", b"multipart/form-data; boundary=" + boundary


def _header(rng: np.random.Generator) -> bytes:
    return bytes(
        rng.choice(
            np.array(
                [
                    *(b"Host: evil.example", b"Host:", b"Content-Length: -1", b"Content-Length: 5"),
                    *(b"Content-Length: 99999999999", b"Transfer-Encoding: chunked", b"X: \x01"),
                    *(b"Content-Type: text/plain", b"Content-Type: multipart/form-data", b": x"),
                    *(b"Content-Type: application/json; charset=utf-99", b"Expect: 100-continue"),
                    *(b"Upgrade: websocket", b"Range: bytes=5-1", b"Accept: \xff", b"A" * 9000),
                    *(b"Origin: null", b"Sec-Fetch-Site: cross-site", b"X-Request-ID: <b>\t"),
                ],
                dtype=object,
            )
        )
    )


def _key(rng: np.random.Generator) -> str:
    return str(rng.choice(["artist", "page", "q", "work", "style", "limit", "offset", "sort", "x"]))


def _value(rng: np.random.Generator) -> str:
    return _VALUES[int(rng.integers(len(_VALUES)))]


def _quoted(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


def _flipped(data: bytes, rng: np.random.Generator) -> bytes:
    found = bytearray(data)
    for place in rng.integers(0, max(1, len(found)), int(rng.integers(1, 6))):
        if found:
            found[place] ^= 1 << int(rng.integers(8))
    return bytes(found)


def _picture(rng: np.random.Generator) -> bytes:
    pixels = rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)
    image = Image.fromarray(pixels).resize((90, 70), Image.Resampling.BICUBIC)
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()
