"""Pillow's process-wide switches, put as decoding needs them while a picture is decoded.

A notebook that once set `ImageFile.LOAD_TRUNCATED_IMAGES` would otherwise turn half a file into a
painting, and one that lowered `Image.MAX_IMAGE_PIXELS` would lose large ones. The first decoding
thread stores what it finds, the last one puts it back; a switch that already stands right is never
touched.
"""

import contextlib
import functools
import importlib
import sys
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_MEBIBYTE = 2**20


@dataclass(frozen=True, slots=True)
class _Switch:
    """One switch: what decoding sets it to unless its value is in a range that does as well."""

    module: str
    name: str
    wanted: int
    least: int
    most: int

    def stands_right(self, value: int | None) -> bool:
        return value is not None and self.least <= value <= self.most


_SWITCHES = (
    _Switch("PIL.ImageFile", "LOAD_TRUNCATED_IMAGES", False, False, False),
    # Pillow refuses twice as many. `opening` holds a limit of its own, before anything is decoded;
    # this one is for pictures inside a picture, as icons have them.
    _Switch("PIL.Image", "MAX_IMAGE_PIXELS", 100_000_000, 50_000_000, 100_000_000),
    # Editing histories and profiles of museums are larger than the 1 MiB that Pillow allows.
    _Switch("PIL.PngImagePlugin", "MAX_TEXT_CHUNK", 64 * _MEBIBYTE, 64 * _MEBIBYTE, 2**40),
    _Switch("PIL.PngImagePlugin", "MAX_TEXT_MEMORY", 128 * _MEBIBYTE, 128 * _MEBIBYTE, 2**40),
)

_lock = threading.Lock()
_users = 0
_found: list[tuple[Any, str, Any]] = []
_quiet = contextlib.ExitStack()


@contextlib.contextmanager
def as_decoding_needs() -> Iterator[None]:
    """Hold the switches, and silence Pillow's warnings of odd metadata, for one block."""
    global _users, _quiet
    with _lock:
        _users += 1
        if _users == 1:
            _quiet = contextlib.ExitStack()
            _quiet.enter_context(warnings.catch_warnings())
            warnings.filterwarnings("ignore", module=r"(PIL|tifffile|pi_heif)\b")
    try:
        with _lock:
            _hold()
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                for module, switch, value in _found:
                    setattr(module, switch, value)
                _found.clear()
                _quiet.close()


def plugin(name: str) -> Any:  # noqa: ANN401
    """Return a module of Pillow, imported now if it is the first time, with its switches held."""
    module = importlib.import_module(f"PIL.{name}")
    with _lock:
        if _users:
            _hold()
    return module


def _hold() -> None:
    for switch in _SWITCHES:
        if switch.module not in sys.modules:
            continue
        # Another thread may be at importing it: this waits until all of it is there.
        module = importlib.import_module(switch.module)
        value = getattr(module, switch.name)
        if not switch.stands_right(value):
            # The latest first: what a program had set is put back last.
            _found.insert(0, (module, switch.name, value))
            setattr(module, switch.name, switch.wanted)


@functools.cache
def silence_libraries() -> None:
    """Keep what libraries say of damage from the standard error stream, past our sentence.

    Python prints what is logged where a program has set up no logging of its own. libtiff has no
    other way to be silenced: its handler is one of the whole process. Where Pillow links libtiff so
    that its functions cannot be reached, as on Windows, it still prints.
    """
    import ctypes
    import logging

    from PIL import _imaging

    for library in ("PIL", "tifffile"):
        logging.getLogger(library).addHandler(logging.NullHandler())
    with contextlib.suppress(AttributeError, OSError):
        # Symbols are looked up in what Pillow's own module was linked with.
        linked = ctypes.CDLL(_imaging.__file__)
        for setter in (linked.TIFFSetErrorHandler, linked.TIFFSetWarningHandler):
            setter.restype, setter.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
            setter(None)
