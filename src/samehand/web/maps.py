"""The map of a gallery in memory: its points at once, its neighbourhoods when they are ready."""

import hashlib
import os
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from samehand.errors import OutputError
from samehand.files import atomic_path
from samehand.gallery import Gallery
from samehand.records import Floats
from samehand.web.layout import can_lay, principal
from samehand.web.shelf import title_of_work

MOST_POINTS = 50_000
"""Beyond so many a sample is drawn: dots would hide one another."""

FILE = "map.safetensors"
"""In the gallery's folder; losing it costs the time to lay the works out again."""

Layout = Literal["neighbours", "making", "components"]


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A map.

    Attributes:
        slots: Of the works, N.
        places: Where they lie, in [0, 1], (N, 2).
        layout: Whether neighbourhoods were laid out, are being laid out while components are
            shown, or cannot be.
        artists: Number of each work's artist in `names`, (N,); -1 for none.
        names: The artists, the most frequent first.
        counts: How many works each has.
        titles: What to call each work.
        total: How many works the gallery holds.
    """

    slots: list[int]
    places: NDArray[np.float32]
    layout: Layout
    artists: list[int]
    names: tuple[str, ...]
    counts: tuple[int, ...]
    titles: list[str]
    total: int


class Maps:
    """The map of one gallery, made once for each of its states; safe to use from threads."""

    def __init__(self, gallery: Gallery, folder: Path) -> None:
        """Prepare the map; nothing is read until it is asked for.

        Args:
            gallery: Whose works.
            folder: Where the layout is kept between runs.
        """
        self._gallery = gallery
        self._kept = folder / FILE
        self._lock = threading.Lock()
        self._state: object = None
        self._drawn: Drawn | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def now(self) -> Drawn:
        """Return the map as the gallery is now; a new layout is begun in the background."""
        about = self._gallery.store.about()
        state = (about.generation, about.slots, len(self._gallery))
        with self._lock:
            if self._drawn is None or self._state != state:
                self.stop()
                self._state = state
                self._drawn = self._begin(state)
            return self._drawn

    def stop(self) -> None:
        """End a layout that is being made, or is about to be."""
        self._state = None
        if self._process is not None:
            self._process.terminate()

    def _begin(self, state: object) -> Drawn:
        drawn, rows = _draw(self._gallery)
        if not can_lay(len(rows)):
            return drawn
        key = hashlib.sha256(np.ascontiguousarray(rows).tobytes()).hexdigest()
        places = self._read(key)
        if places is not None:
            return replace(drawn, places=places, layout="neighbours")
        # Ends with the server: a layout is not worth waiting for.
        threading.Thread(target=self._make, args=(state, key, rows), daemon=True).start()
        return replace(drawn, layout="making")

    def _laid(self, state: object, rows: Floats) -> Floats | None:
        """Return what another process, of the lowest priority and one processor, makes; or None."""
        with tempfile.TemporaryDirectory(prefix="samehand-map-") as folder:
            asked, laid = Path(folder) / "rows.npy", Path(folder) / "places.npy"
            np.save(asked, rows)
            command = [sys.executable, "-m", "samehand.web.layout", str(asked), str(laid)]
            one = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
            process = subprocess.Popen(command, env={**os.environ, **one})
            with self._lock:
                current = self._state == state
                self._process = process if current else None
            if not current:
                process.terminate()
            if process.wait() != 0:
                return None
            places: Floats = np.load(laid)
            return places

    def _make(self, state: object, key: str, rows: Floats) -> None:
        """Lay works out in a process of its own, and keep that."""
        try:
            places = self._laid(state, rows)
        except OSError:  # No room for what the other process reads: the components will do.
            places = None
        if places is not None:
            self._write(key, places)
        with self._lock:
            if self._state == state and self._drawn is not None:
                self._process = None
                layout: Layout = "components" if places is None else "neighbours"
                shown = self._drawn.places if places is None else places
                self._drawn = replace(self._drawn, places=shown, layout=layout)

    def _read(self, key: str) -> Floats | None:
        try:
            with safe_open(self._kept, framework="numpy") as kept:
                if (kept.metadata() or {}).get("key") != key:
                    return None
                places: Floats = kept.get_tensor("places")
                return places
        except (OSError, SafetensorError):
            return None  # there is none yet, or it was cut off

    def _write(self, key: str, places: Floats) -> None:
        try:
            with atomic_path(self._kept) as temporary:
                save_file({"places": places}, temporary, metadata={"key": key})
        except (OSError, OutputError):
            pass  # a folder that only allows reading; it is laid out again next time


def _draw(gallery: Gallery) -> tuple[Drawn, Floats]:
    """Return the map by two components, and the embeddings of its works, (N, D)."""
    works, rows = gallery.embeddings()
    total = len(works)
    if total > MOST_POINTS:
        kept = np.linspace(0, total - 1, MOST_POINTS).astype(int)
        works, rows = tuple(works[i] for i in kept), rows[kept]
    counted = Counter(stored.work.artist for stored in works if stored.work.artist)
    ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    number = {name: place for place, (name, _) in enumerate(ordered)}
    drawn = Drawn(
        slots=[stored.slot for stored in works],
        places=principal(rows),
        layout="components",
        artists=[number.get(stored.work.artist or "", -1) for stored in works],
        names=tuple(name for name, _ in ordered),
        counts=tuple(count for _, count in ordered),
        titles=[title_of_work(stored) for stored in works],
        total=total,
    )
    return drawn, rows
