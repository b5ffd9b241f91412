"""A tiny but real model folder, and made-up paintings that it can tell apart."""

import ctypes.util
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, settings
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from samehand import atelier
from samehand.catalogue.schema import SCHEMA
from samehand.cli import main
from samehand.files import sha256_bytes, sha256_file
from samehand.model.background import Background, write_background
from samehand.model.folder import (
    COHORT,
    ENCODER,
    FORMAT,
    ModelConfig,
    read_cohort,
    write_cohort,
    write_config,
)
from samehand.model.painting import Painting
from samehand.model.runtime import Embedder, EmbedderConfig, Encoded
from samehand.scoring.calibration import fit_calibration
from samehand.scoring.comparator import CosineComparator
from samehand.verification.verifier import SameHand

# No test may fail because the machine is busy.
settings.register_profile("samehand", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("samehand")

# Where no model is named, tests ask the fast one, in processes that they start as well.
os.environ["SAMEHAND_MODEL"] = "lite"

SIZE, WIDTH, NEIGHBOURS = 32, 24, 8
VIEWS = ("whole", "mirror", "centre")

Painter = Callable[..., Image.Image]


@pytest.fixture(scope="session")
def picture():
    """A made-up painting: every seed another composition, every size the same one."""

    def make(seed, size=(64, 48)):
        rng = np.random.default_rng(seed)
        coarse = rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)
        fine = rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)
        layers = [
            Image.fromarray(layer).resize(size, Image.Resampling.BICUBIC)
            for layer in (coarse, fine)
        ]
        return Image.blend(*layers, 0.4)

    return make


@pytest.fixture(scope="session")
def bucket() -> Iterator[str]:
    """An empty bucket of a real server that speaks S3, in a process of its own."""
    program = os.environ.get("MOTO_SERVER") or shutil.which("moto_server")
    if program is None:
        pytest.skip("no moto_server; see the head of tests/gallery/test_storage_s3.py")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    nothing = subprocess.DEVNULL
    child = subprocess.Popen(
        [program, "-H", "127.0.0.1", "-p", str(port)], stdout=nothing, stderr=nothing
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(address, timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        made = urllib.request.Request(f"{address}/museum", method="PUT")
        urllib.request.urlopen(made, timeout=10).close()
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {
                "AWS_ACCESS_KEY_ID": "x",
                "AWS_SECRET_ACCESS_KEY": "x",
                "AWS_REGION": "us-east-1",
                "AWS_ENDPOINT": address,
                "AWS_ENDPOINT_URL": address,
                "AWS_ALLOW_HTTP": "true",
            }.items():
                patch.setenv(name, value)
            yield "s3://museum"
    finally:
        child.terminate()
        child.wait()


@pytest.fixture(scope="session")
def work_of() -> Painter:
    """Paint work number `work` of an artist: the artist's blots of colour under strokes of its own.

    Every size shows the same composition. They are no paintings, and `lite` says so.
    """

    def paint(artist: int, work: int, size: tuple[int, int] = (120, 100)) -> Image.Image:
        blots = np.random.default_rng([1, artist]).integers(0, 256, (4, 4, 3), dtype=np.uint8)
        strokes = np.random.default_rng([2, artist, work]).integers(
            0, 256, (20, 20, 3), dtype=np.uint8
        )
        layers = [
            Image.fromarray(layer).resize(size, Image.Resampling.BICUBIC)
            for layer in (blots, strokes)
        ]
        return Image.blend(*layers, 0.4)

    return paint


@pytest.fixture(scope="session")
def painting_of() -> Painter:
    """Paint work number `work` of an artist of the atelier; no model that ships calls it strange.

    Every size shows the same composition.
    """
    painted: dict[tuple[int, int], Image.Image] = {}

    def paint(artist: int, work: int, size: tuple[int, int] = (120, 100)) -> Image.Image:
        key = artist, work
        if key not in painted:
            painted[key] = atelier.paint(atelier.painter(3, artist), work + 100 * artist, (90, 75))
        return painted[key].resize(size, Image.Resampling.BICUBIC)

    return paint


class Result(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def samehand(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Result]:
    """Run a command line in this process, as the installed script would."""

    def run(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["samehand", *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 0
        return Result(code, *capsys.readouterr())

    return run


@pytest.fixture
def oddly_named(tmp_path: Path, work_of: Painter) -> Path:
    """A folder of two pictures, one of a name and in a folder that are not UTF-8."""
    folder = tmp_path / "works"
    inside = os.path.join(os.fsencode(folder), b"\xe9")
    (folder / "Ann").mkdir(parents=True)
    work_of(0, 0).save(folder / "Ann" / "plain.png")
    try:
        os.mkdir(inside)
    except OSError:
        pytest.skip("this file system takes UTF-8 names alone")
    with open(os.path.join(inside, b"\xff.png"), "wb") as stream:
        work_of(1, 0).save(stream, "PNG")
    return folder


@pytest.fixture(scope="session")
def catalogued(work_of: Painter) -> Callable[..., dict[str, object]]:
    """Paint a work into a catalogue's folder, and return its row."""

    def paint(folder: Path, artist: int, work: int, *, style: str, split: str) -> dict[str, object]:
        identity = f"{artist}-{work}"
        path = folder / "images" / f"{identity}.png"
        path.parent.mkdir(exist_ok=True)
        work_of(artist, work).save(path)
        return dict.fromkeys(SCHEMA) | {
            "painting_id": identity,
            "path": f"images/{identity}.png",
            "artist": f"artist {artist}",
            "style": style,
            "width": 120,
            "height": 100,
            "bytes": 1,
            "sha256": sha256_bytes(identity.encode()),
            "phash": "0" * 16,
            "origin": identity,
            "repaired": False,
            "split": split,
        }

    return paint


def tiny_encoder(path: Path) -> None:
    """Write a graph: an 8 x 8 grid of mean colours, projected at random to unit length."""
    rng = np.random.default_rng(0)
    constants = {
        # No 8-bit colour is this grey, so that no picture is the zero vector.
        "grey": np.float32(0.45),
        "projection": rng.normal(size=(3 * 64, WIDTH)).astype(np.float32),
        "cell_projection": rng.normal(size=(3, WIDTH)).astype(np.float32),
        "cells": np.array([0, 3, 64], np.int64),
        "last": np.array([1], np.int64),
    }
    nodes = [
        helper.make_node("AveragePool", ["images"], ["grid"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Sub", ["grid", "grey"], ["centred"]),
        helper.make_node("Flatten", ["centred"], ["flat"]),
        helper.make_node("MatMul", ["flat", "projection"], ["projected"]),
        helper.make_node("LpNormalization", ["projected"], ["embedding"], axis=-1, p=2),
        helper.make_node("Reshape", ["centred", "cells"], ["listed"]),
        helper.make_node("Transpose", ["listed"], ["turned"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["turned", "cell_projection"], ["projected_cells"]),
        helper.make_node("LpNormalization", ["projected_cells"], ["patches"], axis=-1, p=2),
        helper.make_node("Mul", ["flat", "flat"], ["squares"]),
        helper.make_node("ReduceMean", ["squares", "last"], ["strangeness"], keepdims=0),
    ]
    shapes = {
        "images": ["batch", 3, SIZE, SIZE],
        "embedding": ["batch", WIDTH],
        "patches": ["batch", 64, WIDTH],
        "strangeness": ["batch"],
    }
    images, *outputs = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in shapes.items()
    )
    initialisers = [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()]
    graph = helper.make_graph(nodes, "tiny", [images], outputs, initialisers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, path)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory, work_of: Painter) -> Path:
    """A model folder of a few kB, calibrated on 25 artists it has no cohort painting of."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    folder.mkdir()
    tiny_encoder(folder / ENCODER)
    digest = sha256_file(folder / ENCODER)
    embedder = Embedder(EmbedderConfig(folder / ENCODER, digest, SIZE, VIEWS), threads=1)

    def encode(artists: range, works: int) -> Encoded:
        images = [work_of(artist, work) for artist in artists for work in range(works)]
        return embedder.encode(np.stack([embedder.render(image) for image in images]))

    write_cohort(folder, encode(range(1000, 1060), 1).embeddings)
    comparator = CosineComparator("csls", NEIGHBOURS, read_cohort(folder))
    known = encode(range(2000, 2025), 4)
    enrolled = comparator.enrol(known.embeddings)
    left, right = np.array(list(combinations(range(100), 2))).T
    artist = np.repeat(np.arange(25), 4)
    scores = comparator.pair_scores(enrolled, left, right)
    calibration = fit_calibration(
        scores, artist[left] == artist[right], artist[left], artist[right]
    )
    alike = artist[left] % 5 == artist[right] % 5
    one_style = fit_calibration(
        scores[alike],
        (artist[left] == artist[right])[alike],
        artist[left][alike],
        artist[right][alike],
    )
    config = ModelConfig(
        format=FORMAT,
        name="tiny",
        size=SIZE,
        views=VIEWS,
        normalisation="csls",
        neighbours=NEIGHBOURS,
        novelty_limit=float(np.quantile(known.novelty, 0.98)),
        calibration=calibration,
        files={ENCODER: digest, COHORT: sha256_file(folder / COHORT)},
        training={"recipe": {"name": "tiny", "seed": 0}},
        one_style=one_style,
    )
    write_config(folder, config)
    write_background(folder, config, tiny_background(embedder, work_of, scores, artist))
    return folder


def tiny_background(
    embedder: Embedder, work_of: Painter, scores: np.ndarray, artist: np.ndarray
) -> Background:
    """Four regions of each cohort painting, and the counts of the calibration pairs."""
    regions = [
        Painting.open(work_of(artist, 0), embedder).patches[artist % 16 :: 16]
        for artist in range(1000, 1060)
    ]
    left, right = np.array(list(combinations(range(len(artist)), 2))).T
    same = artist[left] == artist[right]
    edges = np.linspace(scores.min(), scores.max(), 41)
    counts = [np.histogram(scores[chosen], edges)[0] for chosen in (same, ~same)]
    return Background(np.concatenate(regions), edges, *counts)


@pytest.fixture(scope="session")
def verifier(tiny_model: Path) -> SameHand:
    return SameHand(tiny_model, threads=1)


@pytest.fixture(autouse=True, scope="session")
def _offline():
    """No test may ask a model hub for anything."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield


@pytest.fixture(scope="module")
def one_thread():
    """Small networks only wait for one another in several threads."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def pango() -> None:
    """Skip where the system library that a PDF needs is absent."""
    if ctypes.util.find_library("pangoft2-1.0") is None:
        pytest.skip("needs the system library Pango")
