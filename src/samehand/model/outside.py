"""Which other files an ONNX graph would have ONNX Runtime read.

A graph may keep weights as "external data": a path, beside an offset and a length. Whoever writes
the graph chooses the path, so a model folder from a stranger could name any file of the machine,
or, with names that are ONNX Runtime's own, any place in memory. The paths are read before ONNX
Runtime sees the graph. The package `onnx`, which could read them too, is needed for training only.
"""

from collections.abc import Iterator
from typing import Literal

from samehand.errors import ModelError

_Kind = Literal[
    "model", "training", "graph", "function", "node", "attribute", "sparse", "tensor", "entry"
]

# Fields of onnx.proto3 that lead to a tensor, by message and number. What else a message may hold
# has no tensor within. ONNX Runtime reads no field that onnx.proto does not name.
_PATHS: dict[_Kind, dict[int, _Kind]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
    "entry": {},
}
_KEY, _VALUE = 1, 2
_LOCATION = b"location"

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5


def outside_files(graph: bytes) -> frozenset[str]:
    """Return every path that the external data of a graph names.

    Args:
        graph: An ONNX file.

    Raises:
        ModelError: It is not an ONNX file.
    """
    found: set[str] = set()
    waiting: list[tuple[memoryview, _Kind]] = [(memoryview(graph), "model")]
    try:
        while waiting:
            message, kind = waiting.pop()
            if kind == "entry":
                found |= _locations(message)
                continue
            known = _PATHS[kind]
            waiting += [(part, known[n]) for n, part in _parts(message) if n in known]
    except (ValueError, IndexError) as error:
        raise ModelError("the file is damaged or not an ONNX graph") from error
    return frozenset(found)


def _locations(entry: memoryview) -> set[str]:
    parts = list(_parts(entry))
    # Of a field that is there twice one reader takes the first, another the last: none is let pass.
    if all(bytes(part) != _LOCATION for number, part in parts if number == _KEY):
        return set()
    values = [bytes(part) for number, part in parts if number == _VALUE]
    return {value.decode("utf-8", "surrogateescape") for value in values or [b""]}


def _parts(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield number and bytes of each field of a message that has bytes.

    The encoding is that of https://protobuf.dev/programming-guides/encoding.
    """
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        kind = tag & 7
        if kind == _VARINT:
            _, place = _varint(message, place)
        elif kind == _BYTES:
            length, place = _varint(message, place)
            if place + length > len(message):
                raise ValueError("a field that is longer than its message")
            yield tag >> 3, message[place : place + length]
            place += length
        elif kind in (_EIGHT, _FOUR):
            place += 8 if kind == _EIGHT else 4
        else:
            raise ValueError(f"no field of kind {kind}")
    if place > len(message):
        raise ValueError("a field that is longer than its message")


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """Return a whole number of variable length, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        byte = message[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
    raise ValueError("a number that does not end")
