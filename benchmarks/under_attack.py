"""How long another person waits while somebody attacks: a real `samehand serve` on the loopback.

    python benchmarks/under_attack.py [--model NAME] [--references N] [--only ATTACK ...]

One client posts the same two example paintings again and again, first alone, then during each
attack of `ATTACKS`. Printed are the median and the longest of its waits, how many times the usual
that is, the most memory that the server and its decoders held together, and what stood in the log
when the server was stopped in the middle of the last attack. Talks to nothing but that server.
"""

import argparse
import contextlib
import os
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from shared import EXAMPLES
from web_load import ask, form, megabytes

SIDE = (7200, 5500)
"""As many pixels as a server lets in, 40 million."""

Attack = Callable[[int, list[bytes], threading.Event], None]


def dear_picture(seed: int, size: tuple[int, int] = SIDE) -> bytes:
    """Return a small PNG file of a picture of coloured squares that takes long to decode."""
    width, height = size
    rows, columns = 50, 60
    colours = np.random.default_rng(seed).integers(0, 256, (rows, columns, 3), dtype=np.uint8)
    packer, packed = zlib.compressobj(1), b""
    tall, wide = -(-height // rows), -(-width // columns)
    for y in range(height):
        # The second filter of PNG is the difference from the row above.
        row = np.repeat(colours[y // tall], wide, axis=0)[:width].tobytes()
        packed += packer.compress(b"\2" + bytes(3 * width) if y % tall else b"\0" + row)
    packed += packer.flush()

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [chunk(b"IHDR", header), chunk(b"IDAT", packed), chunk(b"IEND", b"")]
    )


def request_of(path: str, files: list[tuple[str, bytes]], more: str = "") -> bytes:
    """Return a whole request that posts files under their fields' names."""
    parts = [
        b'--x\r\nContent-Disposition: form-data; name="%s"; filename="a.png"\r\n\r\n%s\r\n'
        % (field.encode(), data)
        for field, data in files
    ]
    body = b"".join(parts) + b"--x--\r\n"
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{more}"
        f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _set_of(pictures: list[bytes]) -> list[tuple[str, bytes]]:
    return [("probe", pictures[0]), *(("references", one) for one in pictures[1:])]


def _asks(path: str) -> Attack:
    """Return the attack that sends one request of all the dear pictures, and waits for it."""

    def attack(port: int, pictures: list[bytes], over: threading.Event) -> None:
        while not over.is_set():
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(request_of(path, _set_of(pictures)))
                client.settimeout(0.5)
                while not over.is_set():
                    with contextlib.suppress(TimeoutError):
                        if not client.recv(2**20):
                            break

    return attack


def slow_readers(port: int, pictures: list[bytes], over: threading.Event) -> None:
    """Read eight streamed answers a byte a second."""
    data = request_of("/reference", _set_of(pictures[:20]), "Accept: application/x-ndjson\r\n")
    with contextlib.ExitStack() as stack:
        clients = []
        for _ in range(8):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", port))
            client.sendall(data)
            clients.append(client)
        while not over.wait(1):
            for client in clients:
                client.settimeout(0.01)
                with contextlib.suppress(OSError):
                    client.recv(1)


def leavers(port: int, pictures: list[bytes], over: threading.Event) -> None:
    """Leave, again and again, while a picture is being decoded."""
    files = [("probe", pictures[0]), ("references", pictures[1])]
    data = request_of("/reference", files, "Accept: application/x-ndjson\r\n")
    while not over.wait(0.2):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(data)
            time.sleep(0.1)


def _pictures(address: str, headers: str) -> Attack:
    """Return the attack of a page that shows a hundred pictures of the gallery."""

    def attack(port: int, pictures: list[bytes], over: threading.Event) -> None:
        del pictures

        def one(number: int) -> None:
            path = address.format(number % 6)
            head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n"
            while not over.is_set():
                with (
                    contextlib.suppress(OSError),
                    socket.create_connection(("127.0.0.1", port)) as client,
                ):
                    client.sendall(head.encode())
                    client.settimeout(0.5)
                    while not over.is_set():
                        with contextlib.suppress(TimeoutError):
                            if not client.recv(2**20):
                                break
                over.wait(0.5)

        threads = [threading.Thread(target=one, args=[number]) for number in range(100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return attack


ATTACKS: dict[str, Attack] = {
    "dear references": _asks("/api/v1/verify"),
    "dear report": _asks("/api/v1/verify/report"),
    "dear page": _asks("/reference"),
    "slow readers": slow_readers,
    "leavers": leavers,
    "cross-site pictures": _pictures("/gallery/work/{}/full", "Sec-Fetch-Site: cross-site\r\n"),
    "pictures": _pictures("/gallery/work/{}/full", ""),
}


class Victim:
    """A client that compares two paintings until it is told to stop."""

    def __init__(self, port: int, pid: int) -> None:
        body = form(*(path.read_bytes() for path in EXAMPLES))
        self._ask = lambda: ask(port, body)
        self._pid = pid

    def waits(self, count: int) -> tuple[list[float], set[int], float]:
        """Return how long each of so many answers took, their statuses, and the memory in MiB."""
        taken, statuses, memory = [], set(), 0.0
        for _ in range(count):
            status, seconds = self._ask()
            taken.append(seconds)
            statuses.add(status)
            with contextlib.suppress(OSError):
                memory = max(memory, megabytes(self._pid))
        return taken, statuses, memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="lite")
    parser.add_argument("--references", type=int, default=64)
    parser.add_argument("--asked", type=int, default=30, help="comparisons during each attack")
    parser.add_argument("--only", nargs="+", choices=ATTACKS, default=list(ATTACKS))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as base:
        _attack_all(Path(base), arguments)


def _attack_all(base: Path, arguments: argparse.Namespace) -> None:
    pictures = [dear_picture(seed) for seed in range(arguments.references + 1)]
    (base / "works").mkdir()
    for number in range(6):
        rng = np.random.default_rng(1000 + number)
        small = Image.fromarray(rng.integers(0, 256, (60, 90, 3), dtype=np.uint8))
        large = small.resize((9000, 6000), Image.Resampling.NEAREST)
        large.save(base / "works" / f"{number}.tif", compression="tiff_lzw")
    environment = os.environ | {
        "SAMEHAND_MODEL": arguments.model,
        "SAMEHAND_HOME": str(base / "home"),
    }
    call = [sys.executable, "-m", "samehand"]
    for words in (["create", "g"], ["add", "g", str(base / "works")]):
        subprocess.run([*call, "gallery", *words], env=environment, check=True, capture_output=True)
    command = [*call, "serve", "--port", "0", "--gallery", "g"]
    with (base / "log").open("w+") as log:
        server = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        )
        try:
            assert server.stdout is not None
            port = int(server.stdout.readline().split()[3].rsplit(":", 1)[1])
            victim = Victim(port, server.pid)
            victim.waits(5)
            for name in arguments.only:
                _attack(name, victim, port, pictures, arguments.asked, server)
        finally:
            server.terminate()
            server.wait(60)
        log.seek(0)
        print(f"in the log at the end: {log.read()[-2000:]!r}")


def _attack(
    name: str,
    victim: Victim,
    port: int,
    pictures: list[bytes],
    count: int,
    server: "subprocess.Popen[str]",
) -> None:
    # The usual is measured beside each attack: a machine is not equally busy all day.
    alone = statistics.median(victim.waits(max(5, count // 2))[0])
    over = threading.Event()
    attacker = threading.Thread(target=ATTACKS[name], args=[port, pictures, over])
    attacker.start()
    time.sleep(2)
    taken, statuses, memory = victim.waits(count)
    if sys.argv[-1] == "stop":
        server.terminate()
    over.set()
    attacker.join()
    median = statistics.median(taken)
    print(
        f"{name}: usual {alone:.2f} s, median {median:.2f} s ({median / alone:.1f} times), "
        f"longest {max(taken):.2f} s, statuses {sorted(statuses)}, {memory:.0f} MiB",
        flush=True,
    )


if __name__ == "__main__":
    main()
