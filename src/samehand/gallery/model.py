"""What a gallery needs of a model; `SameHand` is one."""

from typing import Protocol

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
    """Return the folder of a model that may be no more than that."""
    return model if isinstance(model, ModelFolder) else model.folder
