"""What kind of picture each file is, kept beside embeddings, so that none is decoded to tell it.

The kind depends on the file alone, so that all models share what is kept.
"""

import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from samehand.files import atomic_path, read_json
from samehand.images.condition import KINDS_VERSION
from samehand.records import PictureKind


class KindCache:
    """Append-only parts of kinds by content; a crash loses a part that was being written."""

    def __init__(self, cache: Path) -> None:
        """Name the folder that also holds embeddings; nothing is written yet."""
        self._folder = cache / f"kinds-{KINDS_VERSION}"

    def load(self, wanted: set[str]) -> dict[str, PictureKind]:
        """Return the kinds that are known of some contents, by their SHA-256."""
        names: dict[str, PictureKind] = {name: name for name in get_args(PictureKind)}
        found: dict[str, PictureKind] = {}
        for part in sorted(self._folder.glob("part-*.json")):
            try:
                told = read_json(part.read_text("utf-8"))
                some = {key: names[kind] for key, kind in told.items() if key in wanted}
            except (OSError, ValueError, AttributeError, KeyError, TypeError):
                continue  # A damaged part only costs decoding those pictures again.
            found |= some
        return found

    def save(self, kinds: Mapping[str, PictureKind]) -> None:
        """Keep kinds by SHA-256.

        Raises:
            OutputError: The folder cannot be written.
        """
        # A name of its own lets several processes fill one cache.
        with atomic_path(self._folder / f"part-{uuid.uuid4().hex}.json") as temporary:
            temporary.write_text(json.dumps(dict(kinds)), "utf-8")
