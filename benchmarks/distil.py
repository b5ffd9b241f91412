"""One EfficientNet-Lite that learns from a larger model where paintings lie.

    python -m benchmarks.distil CATALOGUE --out FOLDER [--teacher vit] [--epochs 8] [--per-artist 8]

The student is the second network of `lite` as it ships, whose batch statistics are folded into its
convolutions, with a new projection: first ridge regression from its features to the teacher's
embeddings of training pictures, then gradients. No label is used but to measure. The loss is three
times the cosine distance of a cropped view's embedding to the teacher's of the whole picture, and
half the divergence of the similarities within a batch (Tung and Mori, ICCV 2019, with a softmax at
0.07). Prints AUC on validation artists before and after, by cosine and corrected by the cohort of
training artists. Checkpoints twice an epoch; run again to go on. Needs samehand[train].
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
import torch
from onnx import numpy_helper
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from samehand.catalogue.schema import load_catalogue
from samehand.evaluation.metrics import auc
from samehand.model.embed import embed_catalogued
from samehand.model.folder import ENCODER, find_model
from samehand.networks.encoder import Encoder, EncoderConfig
from samehand.networks.statistics import map_statistics
from samehand.records import Floats
from samehand.verification.verifier import SameHand

BATCH, SIZE, WHOLE, RIDGE, FROZEN, NEIGHBOURS = 64, 176, 224, 3000.0, 5, 20
SCALE = 50.0
"""The projection's weights are so small that the optimiser's steps would drown them; the length of
what they give is taken off again."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("catalogue", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--teacher", default="vit")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--per-artist", type=int, default=8)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    table = load_catalogue(options.catalogue)
    rows = [row for row in table.iter_rows(named=True) if row["split"] in ("train", "validation")]
    rows = _at_most(rows, options.per_artist)
    root, paths = options.catalogue, [row["path"] for row in rows]
    teacher = SameHand(options.teacher).embedder
    told = embed_catalogued(teacher, paths, root, root / "embeddings", "the teacher's embeddings")
    training = np.array([row["split"] == "train" for row in rows])
    told = told - told[training].mean(axis=0)
    told /= np.linalg.norm(told, axis=1, keepdims=True)
    pixels = np.stack([_pixels(root / path) for path in paths])
    student = shipped_student(told.shape[1])
    checkpoint = options.out / "student.pt"
    if not checkpoint.exists():
        start(student, pixels[training], told[training])
        print("ridge regression:", measured(student, pixels, rows, training), flush=True)
    learn(student, pixels[training], told[training], options.epochs, checkpoint)
    print("distilled:", measured(student, pixels, rows, training), flush=True)


def _at_most(rows: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """Return all validation pictures, and so many of each training artist, drawn at random."""
    left: dict[str, int] = {}
    chosen = []
    for number in np.random.default_rng(0).permutation(len(rows)).tolist():
        row = rows[number]
        left[row["artist"]] = left.get(row["artist"], count) - 1
        if row["split"] == "validation" or left[row["artist"]] >= 0:
            chosen.append(number)
    return [rows[number] for number in sorted(chosen)]


def _pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        small = image.convert("RGB").resize((WHOLE, WHOLE), Image.Resampling.LANCZOS)
    return np.asarray(small).transpose(2, 0, 1)


def shipped_student(width: int, member: int = 1) -> Encoder:
    """Return a network of `lite` with its shipped convolutions and a projection to be learned."""
    config = EncoderConfig(f"efficientnet-lite{member}", pooling="statistics", width=width)
    encoder = Encoder(config, pretrained=False)
    graph = onnx.load(find_model("lite") / ENCODER).graph
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


def _views(pixels: np.ndarray) -> Tensor:
    views = torch.from_numpy(pixels).float() / 255
    return views.contiguous(memory_format=torch.channels_last)


def _batches(pixels: np.ndarray) -> Iterator[Tensor]:
    for first in range(0, len(pixels), BATCH):
        yield _views(pixels[first : first + BATCH])


@torch.inference_mode()
def start(student: Encoder, pixels: np.ndarray, told: Floats) -> None:
    """Set the projection by ridge regression from features to the teacher's embeddings."""
    features = torch.cat(
        [map_statistics(student.backbone.maps(views)) for views in _batches(pixels)]
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
    student: Encoder, pixels: np.ndarray, told: Floats, epochs: int, checkpoint: Path
) -> None:
    """Train all but the stem and the first blocks; leaves the mean of the last steps' weights."""
    for name, weight in student.backbone.body.network.named_parameters():
        part = name.split(".")
        early = part[0] in ("_conv_stem", "_bn0")
        weight.requires_grad_(not (early or (part[0] == "_blocks" and int(part[1]) < FROZEN)))
    body = [weight for weight in student.backbone.parameters() if weight.requires_grad]
    rates = (2e-4, 5e-5)
    optimiser = torch.optim.AdamW(
        [{"params": body}, {"params": [student.projection.weight]}], weight_decay=0.0
    )
    mean = {name: value.clone() for name, value in student.state_dict().items()}
    steps = len(pixels) // BATCH
    step, targets = 0, torch.from_numpy(told)
    if checkpoint.exists():
        kept = torch.load(checkpoint, weights_only=True)
        student.load_state_dict(kept["student"])
        optimiser.load_state_dict(kept["optimiser"])
        mean, step = kept["mean"], kept["step"]
    while step < epochs * steps:
        order = np.random.default_rng(step // steps).permutation(len(pixels))
        chosen = np.sort(order[(step % steps) * BATCH :][:BATCH])
        share = min(1.0, (step + 1) / 100) * 0.5 * (1 + math.cos(math.pi * step / (epochs * steps)))
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * max(share, 0.01)
        # Batch statistics stay as they were folded in.
        found = student.eval()(_cropped(pixels[chosen], np.random.default_rng([1, step])))
        loss = distance(found, targets[chosen])
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


def _cropped(pixels: np.ndarray, rng: np.random.Generator) -> Tensor:
    """Return random parts of pictures, 40 to 100 % of each, some mirrored, some lighter."""
    views = []
    for image in _views(pixels):
        side, aspect = math.sqrt(rng.uniform(0.4, 1.0)), math.exp(rng.uniform(-0.14, 0.14))
        height, width = (min(WHOLE, int(WHOLE * side * by)) for by in (aspect, 1 / aspect))
        top, left = rng.integers(0, WHOLE - height + 1), rng.integers(0, WHOLE - width + 1)
        part = image[None, :, top : top + height, left : left + width]
        view = functional.interpolate(part, (SIZE, SIZE), mode="bilinear", antialias=True)[0]
        view = view * float(rng.uniform(0.92, 1.08))
        views.append(view.flip(-1) if rng.random() < 0.5 else view)
    return torch.stack(views).clamp(0, 1).contiguous(memory_format=torch.channels_last)


@torch.inference_mode()
def measured(
    student: Encoder, pixels: np.ndarray, rows: list[dict[str, Any]], training: np.ndarray
) -> dict[str, float]:
    """Return AUCs of validation artists: by cosine and with the cohort, all pairs and one style."""
    found = torch.cat([student.eval()(views) for views in _batches(pixels)]).numpy()
    artist = np.array([row["artist"] for row in rows])
    style = np.array([row["style"] or "" for row in rows])
    cohort = np.stack(
        [found[training & (artist == one)].mean(0) for one in np.unique(artist[training])]
    )
    cohort /= np.linalg.norm(cohort, axis=1, keepdims=True)
    embeddings, artist, style = found[~training], artist[~training], style[~training]
    left, right = np.triu_indices(len(embeddings), 1)
    same, of_one = (
        artist[left] == artist[right],
        (style[left] == style[right]) & (style[left] != ""),
    )
    cosines = (embeddings @ embeddings.T)[left, right]
    level = np.sort(embeddings @ cohort.T, axis=1)[:, -NEIGHBOURS:].mean(1)
    corrected = 2 * cosines - level[left] - level[right]
    return {
        f"{name}, {pairs}": round(auc(scores[kept], same[kept]), 4)
        for name, scores in (("cosine", cosines), ("cohort", corrected))
        for pairs, kept in (("all pairs", same | True), ("one style", of_one))
        if same[kept].any()
    }


if __name__ == "__main__":
    main()
