"""The method that won Kaggle's Painter by Numbers, on whatever features it is given.

Nejc Ilenič (2016) trained a network to name the artist of a painting among the training artists,
and scored a pair by the dot product of its two softmax outputs: the chance that two independent
guesses name the same artist. Here the network is a linear softmax classifier on features that are
already there, so that what is compared is the method and not the backbone.

Shapes: N paintings, D features, A training artists.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from samehand.records import Floats


@dataclass(frozen=True, slots=True, eq=False)
class ArtistClassifier:
    """A linear softmax classifier over standardised features.

    Attributes:
        mean: (D,) of the training paintings.
        spread: (D,) of the training paintings.
        weights: (D, A).
        bias: (A,).
    """

    mean: Floats
    spread: Floats
    weights: Floats
    bias: Floats

    def posteriors(self, features: Floats) -> Floats:
        """Return P(artist | painting), (N, A), of features (N, D)."""
        logits = (features - self.mean) / self.spread @ self.weights + self.bias
        logits -= logits.max(axis=1, keepdims=True)
        shares = np.exp(logits)
        found: Floats = (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)
        return found


def train_classifier(
    features: Floats, artists: Sequence[str], *, decay: float, steps: int = 60
) -> ArtistClassifier:
    """Fit multinomial logistic regression by L-BFGS.

    Args:
        features: (N, D) of training paintings.
        artists: Who made each, N of them.
        decay: Weight of the penalty, half the mean over artists of their squared weights.
        steps: Most iterations.
    """
    import torch

    codes = torch.from_numpy(np.unique(artists, return_inverse=True)[1])
    mean = features.mean(axis=0)
    spread = np.maximum(features.std(axis=0), 1e-6)
    inputs = torch.from_numpy(((features - mean) / spread).astype(np.float32))
    count = int(codes.max()) + 1
    weights = torch.zeros(inputs.shape[1], count, requires_grad=True)
    bias = torch.zeros(count, requires_grad=True)
    optimiser = torch.optim.LBFGS(
        [weights, bias], max_iter=steps, history_size=10, line_search_fn="strong_wolfe"
    )

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        value = torch.nn.functional.cross_entropy(inputs @ weights + bias, codes)
        value = value + decay * weights.square().sum() / (2 * count)
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    return ArtistClassifier(mean, spread, weights.detach().numpy(), bias.detach().numpy())
