"""Trained encoders side by side, projected to one embedding.

Shapes: B batch, P patches of the last map, D embedding width, M members.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from samehand.errors import RecipeError
from samehand.networks.encoder import Encoder


class Ensemble(nn.Module):
    """The unit embeddings of one or more encoders, joined and projected to one of width D.

    Attributes:
        members: The encoders, all of width D, and whose patches are the same windows.
        projection: What a release fits to the joined embeddings; see `training.discriminate`.
    """

    def __init__(self, members: Sequence[Encoder]) -> None:
        """Join trained encoders.

        Raises:
            RecipeError: Their widths differ.
        """
        super().__init__()
        widths = {member.config.width for member in members}
        if len(widths) != 1:
            raise RecipeError(
                f"runs of widths {', '.join(map(str, sorted(widths)))} cannot be joined; train "
                "them with one width"
            )
        self.members = nn.ModuleList(members)
        self.width = widths.pop()
        self.projection = nn.Linear(self.width * len(members), self.width)

    def joined(self, images: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B M*D"]:
        """Return the members' unit embeddings beside one another, RGB in [0, 1]."""
        return torch.cat([member(images) for member in self._encoders()], dim=-1)

    def forward(self, images: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B D"]:
        """Return the unit embedding of each image, RGB in [0, 1]."""
        return F.normalize(self.projection(self.joined(images)), dim=-1)

    def serve(
        self, images: Float[Tensor, "B 3 H W"]
    ) -> tuple[Float[Tensor, "B D"], Float[Tensor, "B P D"], Float[Tensor, " B"]]:
        """Return what `Encoder.serve` does; novelty is the mean of the members'."""
        embeddings, patches, novelty = zip(
            *(member.serve(images) for member in self._encoders()), strict=True
        )
        return (
            F.normalize(self.projection(torch.cat(embeddings, dim=-1)), dim=-1),
            F.normalize(self.projection(torch.cat(patches, dim=-1)), dim=-1),
            torch.stack(novelty).mean(dim=0),
        )

    def _encoders(self) -> list[Encoder]:
        return [member for member in self.members if isinstance(member, Encoder)]
