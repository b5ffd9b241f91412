"""One EfficientNet-Lite that learns from a larger model where paintings lie.

    python -m benchmarks.distil CATALOGUE --out FOLDER [--teacher vit] [--member 1] [--epochs 8]
        [--per-artist 8] [--styled] [--labels 0.15] [--apart] [--start lite]

The student is one of the two networks of `lite` as it ships, or of another model of theirs named by
--start, whose batch statistics are folded into its convolutions, with a new projection: first ridge
regression from its features to the teacher's embeddings of training pictures, then gradients. The
loss is three times the cosine distance of a cropped view's embedding to the teacher's of the whole
picture, and half the divergence of the similarities within a batch (Tung and Mori, ICCV 2019, with
a softmax at 0.07). Without --labels no label of an artist is used but to measure; with it, so much
of a softmax over the artists' mean embeddings is added, with a margin (Wang et al., CVPR 2018).
With --styled every second batch holds pictures of one style. --apart leaves out every second artist
who has no thumbnail, for `benchmarks.held_out` to calibrate with. Prints AUC on validation artists
before and after, by cosine and corrected by the cohort of training artists. Checkpoints twice an
epoch; run again to go on. CATALOGUE may be what `benchmarks.make_vit` gathers from several
collections; `benchmarks.make_lite` makes a model of two students. Needs samehand[train].
"""

import argparse
import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import polars as pl
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from PIL import Image
from torch import Tensor, nn

from benchmarks.held_out import PHOTOGRAPHS, set_apart
from benchmarks.make_vit.folds import artist_means
from benchmarks.shared import pair_aucs
from samehand.catalogue.schema import load_catalogue
from samehand.errors import RecipeError
from samehand.files import write_text
from samehand.images.augment import Augmentation, training_view
from samehand.images.views import render_views
from samehand.model.embed import embed_catalogued
from samehand.model.folder import ENCODER, find_model, open_model
from samehand.networks.encoder import Encoder, EncoderConfig
from samehand.networks.statistics import map_statistics
from samehand.records import Floats
from samehand.scoring.comparator import CosineComparator
from samehand.training.loop import keep_freed_memory
from samehand.verification.verifier import SameHand

BATCH, SIZE, WHOLE, RIDGE, NEIGHBOURS = 64, 176, 224, 3000.0, 20
FROZEN = 9
"""The stem and eight blocks are not trained."""
VARIED = Augmentation(smallest_crop=0.4, recompress=0.0, exposure=0.08, white_balance=0.0)
SCALE = 50.0
"""The projection's weights are so small that the optimiser's steps would drown them; the length of
what they give is taken off again."""
SOFTMAX, MARGIN = 20.0, 0.1
STUDENT, FACTS = "student.pt", "student.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("catalogue", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--teacher", default="vit")
    parser.add_argument("--member", type=int, choices=(0, 1), default=1)
    parser.add_argument("--start", default="lite")
    parser.add_argument("--labels", type=float, default=0.0)
    parser.add_argument("--apart", action="store_true")
    parser.add_argument("--styled", action="store_true")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--per-artist", type=int, default=8)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    keep_freed_memory()
    table = load_catalogue(options.catalogue)
    if options.apart:
        table = table.filter(~pl.col("artist").is_in(apart_artists(table)))
    table = _at_most(table, options.per_artist)
    root, paths = options.catalogue, table["path"].to_list()
    training = (table["split"] == "train").to_numpy()
    styles = table.filter(training)["style"].to_list() if options.styled else None
    if styles is not None and not any(styles):
        parser.error(f"no training picture of {root} has a style; leave out --styled")
    teacher = SameHand(options.teacher)
    facts = {
        "kind": "distilled",
        "name": f"lite{options.member}",
        "seed": 0,
        "keep": "last",
        "teacher": teacher.folder.identity,
        "started_from": open_model(options.start).identity,
        "epochs": options.epochs,
        "labels": options.labels,
        "styled": options.styled,
        "apart": options.apart,
        "per_artist": options.per_artist,
        "batch": BATCH,
        "size": SIZE,
        "frozen_blocks": FROZEN,
        "width": teacher.folder.comparator.width,
        "pictures": int(training.sum()),
    }
    _refuse_another(options.out, facts)
    write_text(options.out / FACTS, json.dumps(facts, indent=1) + "\n")
    told = embed_catalogued(
        teacher.embedder, paths, root, root / "embeddings", "the teacher's embeddings"
    )
    told = told - told[training].mean(axis=0)
    told /= np.linalg.norm(told, axis=1, keepdims=True)
    pictures = [_picture(root / path) for path in paths]
    known = [one for one, is_known in zip(pictures, training, strict=True) if is_known]
    student = shipped_student(told.shape[1], options.member, options.start)
    checkpoint = options.out / STUDENT
    artists = table.filter(training)["artist"].to_list()
    if not checkpoint.exists():
        start(student, known, told[training])
        print("ridge regression:", measured(student, pictures, table), flush=True)
    labels = Labels(artists, told[training], options.labels) if options.labels else None
    learn(student, known, told[training], options.epochs, checkpoint, styles, labels)
    print("distilled:", measured(student, pictures, table), flush=True)


def _refuse_another(out: Path, facts: dict[str, Any]) -> None:
    """Refuse to go on with a student that learns something else.

    Raises:
        RecipeError: The folder's facts differ in more than the epochs.
    """
    if (out / FACTS).is_file():
        before = json.loads((out / FACTS).read_text(encoding="utf-8"))
        other = sorted(key for key in facts if key != "epochs" and before.get(key) != facts[key])
        if other:
            raise RecipeError(
                f"{out} holds a student of another {', '.join(other)}; choose another --out"
            )


def _at_most(table: pl.DataFrame, count: int) -> pl.DataFrame:
    """Return all validation pictures, and so many of each training artist, drawn at random."""
    training = table.filter(pl.col("split") == "train").sample(fraction=1.0, shuffle=True, seed=0)
    chosen = training.group_by("artist", maintain_order=True).head(count).select(table.columns)
    return pl.concat([chosen, table.filter(pl.col("split") == "validation")])


def _picture(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB").resize((WHOLE, WHOLE), Image.Resampling.LANCZOS)


def apart_artists(table: pl.DataFrame) -> list[str]:
    """Return the artists with photographs and no thumbnail who are held out for calibration."""
    folders: dict[str, set[str]] = {}
    for artist, path in table.select("artist", "path").rows():
        folders.setdefault(artist, set()).add(Path(path).parts[0])
    return [
        artist
        for artist, names in sorted(folders.items())
        if PHOTOGRAPHS in names and "images" not in names and set_apart(artist)
    ]


def shipped_student(width: int, member: int = 1, start: str | Path = "lite") -> Encoder:
    """Return a network of a model's convolutions, and a projection to be learned.

    Args:
        width: Numbers in an embedding.
        member: 0 for EfficientNet-Lite0, 1 for Lite1.
        start: `lite`, or another model that joins the two.
    """
    config = EncoderConfig(
        f"efficientnet-lite{member}", pooling="statistics", width=width, frozen_blocks=FROZEN
    )
    encoder = Encoder(config, pretrained=False)
    graph = onnx.load(find_model(start) / ENCODER).graph
    stored = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    halves = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Cast"}
    prefix = f"encoder.members.{member}.backbone.body.network."
    modules: dict[str, Any] = dict(encoder.backbone.body.network.named_modules())
    norms = {
        "_conv_stem": "_bn0",
        "_expand_conv": "_bn0",
        "_depthwise_conv": "_bn1",
        "_project_conv": "_bn2",
        "_conv_head": "_bn1",
    }
    for node in graph.node:
        name = halves.get(node.input[1], node.input[1]) if node.op_type == "Conv" else ""
        if not name.startswith(prefix):
            continue
        weights, bias = (stored[halves.get(one, one)] for one in node.input[1:3])
        path = name.removeprefix(prefix).split(".weight")[0]
        parent, _, leaf = path.rpartition(".")
        norm = modules[f"{parent}.{norms[leaf]}" if parent else norms[leaf]]
        with torch.no_grad():
            modules[path].weight.copy_(torch.from_numpy(weights.astype(np.float32)))
            norm.running_mean.zero_()
            norm.running_var.fill_(1 - norm.eps)
            norm.weight.fill_(1)
            norm.bias.copy_(torch.from_numpy(bias.astype(np.float32)))
    return encoder.eval().to(memory_format=torch.channels_last)


def _batch(views: list[Floats]) -> Tensor:
    return torch.from_numpy(np.stack(views)).contiguous(memory_format=torch.channels_last)


def _wholes(pictures: list[Image.Image]) -> Iterator[Tensor]:
    for first in range(0, len(pictures), BATCH):
        some = pictures[first : first + BATCH]
        yield _batch([render_views(one, ("whole",), WHOLE)[0] for one in some])


@torch.inference_mode()
def start(student: Encoder, pictures: list[Image.Image], told: Floats) -> None:
    """Set the projection by ridge regression from features to the teacher's embeddings."""
    features = torch.cat(
        [map_statistics(student.backbone.maps(views)) for views in _wholes(pictures)]
    )
    mean, deviation = features.mean(0), features.std(0) + 1e-4
    scaled = (features - mean) / deviation
    square = scaled.T @ scaled + RIDGE * torch.eye(scaled.shape[1])
    student.projection.weight.copy_(
        SCALE * torch.linalg.solve(square, scaled.T @ torch.from_numpy(told)).T
    )
    student.feature_mean.copy_(mean)
    student.feature_deviation.copy_(deviation)


def learn(
    student: Encoder,
    pictures: list[Image.Image],
    told: Floats,
    epochs: int,
    checkpoint: Path,
    styles: list[str | None] | None = None,
    labels: "Labels | None" = None,
) -> None:
    """Train all but the stem and the first blocks; leaves the mean of the last steps' weights.

    Where `styles` are given, every second batch is of one of them.
    """
    body = [weight for weight in student.backbone.parameters() if weight.requires_grad]
    rates = (2e-4, 5e-5)
    optimiser = torch.optim.AdamW(
        [{"params": body}, {"params": [student.projection.weight]}], weight_decay=0.0
    )
    mean = {name: value.clone() for name, value in student.state_dict().items()}
    steps = len(pictures) // BATCH
    step, targets = 0, torch.from_numpy(told)
    if checkpoint.exists():
        kept = torch.load(checkpoint, weights_only=True)
        student.load_state_dict(kept["student"])
        optimiser.load_state_dict(kept["optimiser"])
        mean, step = kept["mean"], kept["step"]
    while step < epochs * steps:
        order = np.random.default_rng(step // steps).permutation(len(pictures))
        chosen = np.sort(order[(step % steps) * BATCH :][:BATCH])
        if styles is not None and step % 2:
            chosen = of_one_style(styles, np.random.default_rng([2, step]))
        share = min(1.0, (step + 1) / 100) * 0.5 * (1 + math.cos(math.pi * step / (epochs * steps)))
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * max(share, 0.01)
        # Batch statistics stay as they were folded in.
        rng = np.random.default_rng([1, step])
        views = [training_view(pictures[one], SIZE, VARIED, rng) for one in chosen.tolist()]
        found = student.eval()(_batch(views))
        loss = distance(found, targets[chosen])
        if labels is not None:
            loss = loss + labels.loss(found, chosen)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(student.parameters(), 5.0)
        optimiser.step()
        step += 1
        with torch.no_grad():
            for name, value in student.state_dict().items():
                if value.dtype.is_floating_point:
                    mean[name].lerp_(value, 0.01)
        if step % (steps // 2) == 0 or step == epochs * steps:
            _keep(checkpoint, student, optimiser, mean, step)
            print(json.dumps({"step": step, "loss": round(float(loss.detach()), 3)}), flush=True)
    student.load_state_dict(mean)


class Labels:
    """How well embeddings name their artists, for whom the teacher's mean embeddings stand.

    Attributes:
        number: Number of each picture's artist, (N,).
        means: The artists' mean embeddings, unit length, (A, D).
    """

    def __init__(self, artists: list[str], told: Floats, weight: float) -> None:
        number = np.unique(artists, return_inverse=True)[1]
        self.number = torch.from_numpy(number)
        self.means = torch.from_numpy(artist_means(told, number))
        self._weight = weight

    def loss(self, found: Tensor, chosen: NDArray[np.int64]) -> Tensor:
        """Return the weighted softmax loss with a margin of embeddings, (B, D), of `chosen`, (B,).

        Wang et al., "CosFace", CVPR 2018, equation 4.
        """
        own = self.number[chosen]
        cosines = found @ self.means.T - MARGIN * nn.functional.one_hot(own, len(self.means))
        return self._weight * nn.functional.cross_entropy(SOFTMAX * cosines, own)


def of_one_style(styles: list[str | None], rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw a batch of one style, (B,), the likelier the more pictures it has; see `learn`.

    A style with too few pictures is filled up with another's.
    """
    known = np.array([style or "" for style in styles])
    names, counts = np.unique(known[known != ""], return_counts=True)
    share = np.sqrt(counts) / np.sqrt(counts).sum()
    found: list[int] = []
    for style in rng.choice(names, size=len(names), replace=False, p=share):
        found += rng.permutation(np.flatnonzero(known == style)).tolist()
        if len(found) >= BATCH:
            break
    return np.sort(np.array(found[:BATCH], np.int64))


def _keep(
    path: Path, student: Encoder, optimiser: torch.optim.Optimizer, mean: Any, step: int
) -> None:
    beside = path.with_suffix(".tmp")
    state = {"student": student.state_dict(), "optimiser": optimiser.state_dict()}
    torch.save(state | {"mean": mean, "step": step}, beside)
    os.replace(beside, path)


def distance(found: Tensor, told: Tensor) -> Tensor:
    """Return how far a batch of unit embeddings is from the teacher's: (B, D) twice, a number."""
    direct = (1 - (found * told).sum(1)).mean()
    others = ~torch.eye(len(found), dtype=torch.bool)
    mine, theirs = (
        (rows @ rows.T / 0.07)[others].view(len(rows), -1).log_softmax(1) for rows in (found, told)
    )
    return 3 * direct + 0.5 * (theirs.exp() * (theirs - mine)).sum(1).mean()


@torch.inference_mode()
def measured(
    student: Encoder, pictures: list[Image.Image], table: pl.DataFrame
) -> dict[str, list[float]]:
    """Return AUCs of validation artists, of all pairs and one style: without and with a cohort."""
    found = torch.cat([student.eval()(views) for views in _wholes(pictures)]).numpy()
    training = (table["split"] == "train").to_numpy()
    number = np.unique(table.filter(training)["artist"].to_numpy(), return_inverse=True)[1]
    cohort = artist_means(found[training], number)
    left, right = np.triu_indices(int((~training).sum()), k=1)
    told = {}
    for normalisation in ("none", "csls"):
        comparator = CosineComparator(normalisation, min(NEIGHBOURS, len(cohort)), cohort)
        scores = comparator.pair_scores(comparator.enrol(found[~training]), left, right)
        told[normalisation] = [round(one, 4) for one in pair_aucs(scores, table.filter(~training))]
    return told


if __name__ == "__main__":
    main()
