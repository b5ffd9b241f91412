"""The tensor contract and the closed choices; `results` has the answers.

images      RGB, shape (B, 3, H, W), float32 in [0, 1]; what a backbone wants instead of
[0, 1] (mean and standard deviation, say) lives inside the model
embeddings  unit length, shape (B, D), float32
letters     B batch, V views of one painting, D embedding width, P patches, C cohort
"""

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
"""A float32 array; the docstring beside it gives its shape."""

Split = Literal["train", "validation", "test", "all"]
"""Whose paintings are paired; "all" for those of every split."""

Judgement = Literal["same", "different", "unsure"]
"""What a person decides about two works: one hand made both, or not, or it cannot be told."""

Role = Literal["reader", "decider"]
"""What a user of a server may do: see and ask, or also decide, undo and keep cases."""

ROLES: tuple[Role, ...] = get_args(Role)

Decision = Literal["same", "different", "no decision"]
PictureKind = Literal[
    "photograph", "thumbnail", "small", "tiny", "greyscale photograph", "greyscale"
]
"""What a file can show of a painting; see `samehand.images.condition`."""
OperatingPoint = Literal["eer", "fmr1", "fmr0.1"]
Device = Literal["cpu", "cuda"]
"""Where an encoder runs."""

FalseAlarms = Literal["far1", "far10"]
"""Which share of the hands that are not in a gallery may be taken for one that is."""

NamedBy = Literal["threshold", "decision"]
"""What settles which artist of a gallery is named."""

Qualifier = Literal[
    "attributed to",
    "workshop of",
    "circle of",
    "follower of",
    "after",
    "manner of",
    "forgery of",
]
"""How a work that is not autograph stands to the artist it is catalogued under."""

Collection = Literal["aic", "cleveland", "smk", "met", "rijksmuseum", "commons", "nga", "iiif"]
"""Where paintings can be fetched from; see `catalogue.fetch`."""

Stance = Literal["supports", "neutral", "contradicts"]
"""What one reference says of the probe."""
