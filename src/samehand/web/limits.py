"""What one server allows, in one place."""

import os
from dataclasses import dataclass, field, replace


def _decoders() -> int:
    # One picture that is slow to decode must leave room for the others.
    return max(3, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class Limits:
    """What is allowed before a request is refused.

    Attributes:
        body_bytes: The largest request body; 413 beyond it.
        buffered_bytes: All bodies that are held in memory at one time; 429 beyond it.
        body_grace: Seconds after which a body must have arrived at `body_rate`; 408 otherwise.
        body_rate: Least bytes a second of a body, once `body_grace` is over.
        header_seconds: Within which the header of a request must have arrived.
        send_seconds: Within which a client must have read an answer, once the connection closes.
        connections: How many connections are open at one time; 503 beyond it.
        pixels: The largest picture, in pixels; a larger one is refused unopened.
        decode_seconds: Wall time for decoding one picture.
        decode_bytes: Address space of the process that decodes, in bytes.
        decoders: How many processes decode.
        queue: How many questions are worked on or wait at one time; 429 beyond it.
        files: How many files one request may carry.
    """

    body_bytes: int = 64 * 2**20
    buffered_bytes: int = 256 * 2**20
    body_grace: float = 10.0
    body_rate: float = 16 * 2**10
    header_seconds: float = 10.0
    send_seconds: float = 60.0
    connections: int = 500
    pixels: int = 40_000_000
    decode_seconds: float = 15.0
    decode_bytes: int = 2**30
    decoders: int = field(default_factory=_decoders)
    queue: int = 32
    files: int = 65

    @classmethod
    def of_upload(cls, body_bytes: int) -> "Limits":
        """Return the usual limits, but for the largest request body; four such are held at once."""
        usual = cls()
        return replace(
            usual,
            body_bytes=body_bytes,
            buffered_bytes=max(usual.buffered_bytes, 4 * body_bytes),
        )

    def for_pixels(self, pixels: int) -> "Limits":
        """Return these limits, but so that they let pictures of this many pixels in, decoded whole.

        Eight bytes a pixel, beyond what these need, are left to a decoder: two 8-bit RGB copies
        and a mask.
        """
        more = max(0, pixels - self.pixels)
        return replace(
            self,
            pixels=pixels,
            decode_bytes=self.decode_bytes + 8 * more,
            decode_seconds=self.decode_seconds * max(1.0, pixels / self.pixels),
        )
