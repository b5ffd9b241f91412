"""Many clients at one time: errors, waiting times, and memory of `samehand serve`.

    python benchmarks/web_load.py [SECONDS] [CLIENTS] [WORKERS]

Starts a server of WORKERS (1 unless told) on a free port of 127.0.0.1, asks it from one client
alone, then from CLIENTS at a time (60 s and 16 unless told), each posting the same two example
paintings again and again; then sends hostile uploads and asks once more. Talks to nothing but that
server.
"""

import http.client
import os
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

from shared import EXAMPLES

HEADERS = {"Content-Type": "multipart/form-data; boundary=samehand"}


def form(left: bytes, right: bytes) -> bytes:
    parts = [
        b'--samehand\r\nContent-Disposition: form-data; name="%s"; filename="%s.jpg"\r\n\r\n%s\r\n'
        % (name, name, data)
        for name, data in ((b"left", left), (b"right", right))
    ]
    return b"".join(parts) + b"--samehand--\r\n"


def ask(port: int, body: bytes) -> tuple[int, float]:
    """Return the status and the seconds of one comparison."""
    started = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request("POST", "/api/v1/compare", body, HEADERS)
        answer = connection.getresponse()
        answer.read()
        return answer.status, time.perf_counter() - started
    finally:
        connection.close()


def megabytes(pid: int) -> float:
    """Return the resident memory of a process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    total = 0
    for one in (str(pid), *children):
        for line in Path(f"/proc/{one}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                total += int(line.split()[1])
    return total / 1024


def processor_seconds(pid: int) -> float:
    """Return the processor time of a process and its children, those that have ended too."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    total = 0
    for one in (str(pid), *children):
        fields = Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
        total += sum(map(int, fields[11:15]))
    return total / os.sysconf("SC_CLK_TCK")


def crowd(port: int, pid: int, body: bytes, seconds: float, clients: int) -> None:
    answers: list[tuple[int, float]] = []
    memory: list[float] = []
    end = time.monotonic() + seconds
    spent = processor_seconds(pid)

    def client() -> None:
        while time.monotonic() < end:
            answers.append(ask(port, body))

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    while time.monotonic() < end:
        memory.append(megabytes(pid))
        time.sleep(1)
    for thread in threads:
        thread.join()
    spent = processor_seconds(pid) - spent
    statuses = [status for status, _ in answers]
    taken = sorted(seconds for status, seconds in answers if status == 200)
    counts = {status: statuses.count(status) for status in sorted(set(statuses))}
    quarter = max(1, len(memory) // 4)
    print(f"{clients} clients, {seconds:.0f} s   statuses {counts}")
    print(f"  median {statistics.median(taken):.2f} s, p95 {taken[int(0.95 * len(taken))]:.2f} s")
    print(f"  {1000 * spent / len(taken):.0f} ms of processor time an answer")
    print(
        f"  memory {statistics.mean(memory[quarter : 2 * quarter] or memory):.0f} MB in the second "
        f"quarter, {statistics.mean(memory[-quarter:]):.0f} MB in the last"
    )


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    clients = int(sys.argv[2]) if len(sys.argv) > 2 else 16
    workers = sys.argv[3] if len(sys.argv) > 3 else "1"
    load = os.getloadavg()[0]
    print(f"workers {workers}, {os.cpu_count()} processors, load average {load:.1f} at the start")
    body = form(*(path.read_bytes() for path in EXAMPLES))
    command = [sys.executable, "-m", "samehand", "serve", "--port", "0", "--workers", workers]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            port = int(server.stdout.readline().split()[3].rsplit(":", 1)[1])
            ask(port, body)
            alone = sorted(ask(port, body)[1] for _ in range(20))
            print(f"1 client       median {statistics.median(alone):.2f} s, p95 {alone[18]:.2f} s")
            crowd(port, server.pid, body, seconds, clients)
            hostile = [b"", b"x" * 2**20, b"\x89PNG\r\n\x1a\n" + bytes(10_000), b"GIF89a<html>"]
            refused = [ask(port, form(bad, bad))[0] for bad in hostile]
            tiny = b"".join(
                b"--samehand\r\nContent-Disposition: form-data; "
                b'name="left"; filename="a"\r\n\r\n\r\n'
                for _ in range(10_000)
            )
            refused.append(ask(port, tiny + b"--samehand--\r\n")[0])
            print(f"hostile        statuses {refused}, then {ask(port, body)[0]}")
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
