"""The process that opens uploads, so that a hostile picture can harm nothing but this process.

    stdin   a line of JSON (name, bytes, max_side, max_pixels), then that many bytes: a file
    stdout  a line of JSON, then 3 x width x height bytes of RGB; or a line of JSON with an error

What comes back is data and never code, so never a pickle. Run by `samehand.web.decoding`, with
the limit of memory in bytes as the only argument.
"""

import json
import os
import sys

from samehand.errors import ImageError
from samehand.images.decode import decode_bytes


def main() -> None:
    """Decode what arrives on standard input until it is closed."""
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # Image libraries in C write where they like, which must not garble the answers.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    _limit_memory(int(sys.argv[1]))
    _yield_to_answers()
    answers.write(b"ready\n")
    answers.flush()
    while line := requests.readline():
        task = json.loads(line)
        data = requests.read(task["bytes"])
        header, pixels = _decode(data, task["name"], task["max_side"], task["max_pixels"])
        answers.write(json.dumps(header).encode() + b"\n")
        answers.write(pixels)
        answers.flush()


def _decode(
    data: bytes, name: str, max_side: int, max_pixels: int
) -> tuple[dict[str, object], bytes]:
    try:
        found = decode_bytes(data, name, max_side, max_pixels)
        header: dict[str, object] = {
            "size": found.image.size,
            "sha256": found.sha256,
            "width": found.width,
            "height": found.height,
            "notes": found.notes,
            "jpeg_quality": found.jpeg_quality,
        }
        return header, found.image.tobytes()
    except ImageError as error:
        return {"error": str(error)}, b""
    except MemoryError:
        return {"error": f"{name} needs too much memory; save a smaller copy and try again"}, b""


def _yield_to_answers() -> None:
    """Let whoever waits for the model have the processor first.

    Somebody else's large picture may take seconds; on an idle machine nothing is lost by it.
    """
    if hasattr(os, "nice"):  # Windows has no such call
        os.nice(10)


def _limit_memory(limit: int) -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limits; the time and the pixels are limited there too
        return
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


if __name__ == "__main__":
    main()
