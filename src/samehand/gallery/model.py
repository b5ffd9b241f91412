"""What a gallery needs of a model; `SameHand` is one."""

from typing import Protocol

from samehand.errors import GalleryError
from samehand.model.folder import ModelFolder
from samehand.model.runtime import Embedder


class OpenedModel(Protocol):
    """A model that embeds."""

    @property
    def folder(self) -> ModelFolder:
        """Its folder."""

    @property
    def embedder(self) -> Embedder:
        """Its encoder."""


def folder_of(model: ModelFolder | OpenedModel) -> ModelFolder:
    """Return the folder of a model that may be no more than that.

    Raises:
        GalleryError: It is not a model.
    """
    found = model if isinstance(model, ModelFolder) else getattr(model, "folder", None)
    if not isinstance(found, ModelFolder):
        raise GalleryError(
            f"model must be an opened model, such as SameHand(), not something of type "
            f"{type(model).__name__}"
        )
    return found
