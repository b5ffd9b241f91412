"""How far the settings that the report leaves unsaid decide what its frozen network learns.

    python benchmarks/report_settings.py CATALOGUE

The max-pooled differences of 24,000 training pairs and of the recipe's validation pairs are
computed once; on them, logistic regression says what the dense unit could reach, and 1,500 steps of
the recipe's Adam what it reaches at several rates of dropout.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn
from torch.nn import functional as F

from samehand.catalogue.schema import load_catalogue
from samehand.pairs.generator import DrawnPairs
from samehand.training.pairwise import PairwiseObjective
from samehand.training.recipe import SiameseRecipe, load_recipe

RECIPE = Path(__file__).parents[1] / "recipes" / "report-lite0-max.toml"
PAIRS, STEPS, BATCH = 24_000, 1500, 32


def main() -> None:
    folder = Path(sys.argv[1])
    recipe = load_recipe(RECIPE)
    assert isinstance(recipe, SiameseRecipe)
    objective = PairwiseObjective(recipe, load_catalogue(folder), folder)
    train = objective.generator.draw(PAIRS, recipe.seed, 99)
    x, y = differences(objective, train, 0), torch.from_numpy(train.same)
    held = objective.validation_pairs
    v, truth = differences(objective, held, len(objective.paths)), torch.from_numpy(held.same)
    for strength in (1e-5, 1e-4, 1e-3):
        fit = LogisticRegression(C=strength, max_iter=1000).fit(x.numpy(), y.numpy())
        known, new = fit.score(x.numpy(), y.numpy()), fit.score(v.numpy(), truth.numpy())
        print(f"logistic regression, C {strength:g}: training {known:.3f}, validation {new:.3f}")
    for dropout in (0.5, 0.2, 0.1, 0.0):
        unit = trained(x, y, dropout)
        right = ((unit(v).squeeze(1) > 0) == (truth > 0.5)).float().mean().item()
        print(f"{STEPS} steps of Adam, dropout {dropout:g}: validation {right:.3f}")


def differences(objective: PairwiseObjective, pairs: DrawnPairs, first: int) -> Tensor:
    """Return max-pooled |A - B| of pairs whose maps begin at row `first`, (M, C)."""
    assert objective.maps is not None
    channels = objective.model.map_shape[0]
    rows = np.empty((len(pairs.same), channels), np.float32)
    for start in range(0, len(rows), 16):
        block = slice(start, start + 16)
        left, right = (objective.maps[side[block] + first] for side in (pairs.left, pairs.right))
        rows[block] = np.abs(left - right).reshape(-1, channels, left.shape[1] // channels).max(2)
    return torch.from_numpy(rows)


def trained(x: Tensor, y: Tensor, dropout: float) -> nn.Linear:
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    unit = nn.Linear(x.shape[1], 1)
    adam = torch.optim.Adam(unit.parameters(), lr=1e-3)
    for _ in range(STEPS):
        rows = torch.randint(len(x), (BATCH,), generator=generator)
        logits = unit(F.dropout(x[rows], dropout)).squeeze(1)
        adam.zero_grad()
        F.binary_cross_entropy_with_logits(logits, y[rows]).backward()
        adam.step()
    return unit


if __name__ == "__main__":
    main()
