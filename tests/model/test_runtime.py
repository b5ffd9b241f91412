from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from samehand.errors import ModelError
from samehand.images.views import render_views
from samehand.model.folder import open_model
from samehand.model.runtime import Embedder, mean_direction
from samehand.verification.verifier import SameHand


def views_of(verifier: SameHand, work_of, count: int) -> np.ndarray:
    return np.stack([verifier.embedder.render(work_of(index, 0)) for index in range(count)])


def test_embeddings_are_of_unit_length_and_known_width(verifier: SameHand, work_of):
    found = verifier.embedder.embed(views_of(verifier, work_of, 5))
    assert found.shape == (5, verifier.embedder.width) == (5, 24)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("size", [1, 2, 7, 16])
def test_the_batch_size_does_not_matter(verifier: SameHand, work_of, size: int):
    views = views_of(verifier, work_of, 21)
    together = verifier.embedder.embed(views)
    parts = [verifier.embedder.embed(views[start : start + size]) for start in range(0, 21, size)]
    np.testing.assert_allclose(np.concatenate(parts), together, atol=1e-5)


def test_a_painting_is_the_direction_of_the_mean_over_its_views(verifier: SameHand, work_of):
    image = work_of(3, 1)
    config = verifier.folder.embedder
    session = onnxruntime.InferenceSession(str(config.encoder), providers=["CPUExecutionProvider"])
    total = np.zeros(24)
    for name in ("whole", "mirror", "centre"):
        view = render_views(image, [name], config.size)
        total += session.run(["embedding"], {"images": view})[0][0]
    expected = total / np.sqrt((total**2).sum())
    found = verifier.embedder.embed(verifier.embedder.render(image)[None])[0]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_views_that_cancel_out_give_no_embedding_rather_than_noise():
    opposite = np.array([[[1.0, 0.0], [-1.0, 0.0]], [[0.6, 0.8], [0.6, 0.8]]], np.float32)
    np.testing.assert_allclose(mean_direction(opposite), [[0, 0], [0.6, 0.8]], atol=1e-6)


def test_threads_do_not_matter(tiny_model: Path, verifier: SameHand, work_of):
    views = views_of(verifier, work_of, 3)
    other = Embedder(open_model(tiny_model).embedder, threads=2)
    np.testing.assert_allclose(other.embed(views), verifier.embedder.embed(views), atol=1e-5)


def test_the_digest_depends_on_all_that_decides_an_embedding(tiny_model: Path):
    config = open_model(tiny_model).embedder
    changes = (
        {"encoder_sha256": "0" * 64},
        {"size": 33},
        {"views": ("whole",)},
        {"views": ("mirror", "whole", "centre")},
    )
    digests = {config.digest, *(replace(config, **change).digest for change in changes)}
    assert len(digests) == 5
    assert replace(config, encoder=Path("elsewhere.onnx")).digest == config.digest


@pytest.mark.parametrize("damage", [b"", b"no graph at all", None])
def test_a_corrupt_graph_is_one_sentence(tiny_model: Path, tmp_path: Path, damage: bytes | None):
    config = open_model(tiny_model).embedder
    whole = config.encoder.read_bytes()
    path = tmp_path / "encoder.onnx"
    path.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    with pytest.raises(ModelError) as caught:
        Embedder(replace(config, encoder=path))
    assert str(caught.value).startswith(f"cannot load {path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("change", ["input", "output"])
def test_a_graph_of_something_else_is_refused(tiny_model: Path, tmp_path: Path, change: str):
    config = open_model(tiny_model).embedder
    graph = onnx.load(config.encoder)
    old, new = {"input": ("images", "pixels"), "output": ("embedding", "logits")}[change]
    for node in graph.graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]
    (graph.graph.input if change == "input" else graph.graph.output)[0].name = new
    path = tmp_path / "encoder.onnx"
    onnx.save(graph, path)
    with pytest.raises(ModelError, match="is not an encoder of 32 x 32 images"):
        Embedder(replace(config, encoder=path))


def test_images_of_another_size_than_the_graph_takes_are_refused(tiny_model: Path):
    config = open_model(tiny_model).embedder
    with pytest.raises(ModelError, match="is not an encoder of 64 x 64 images"):
        Embedder(replace(config, size=64))


def test_a_painting_is_as_strange_as_its_first_view(verifier: SameHand, work_of):
    images = [work_of(artist, 0) for artist in range(3)]
    views = np.stack([verifier.embedder.render(image) for image in images])
    found = verifier.embedder.encode(views)
    for index, image in enumerate(images):
        whole = render_views(image, ["whole"], verifier.folder.config.size)[0]
        cells = whole.reshape(3, 8, 4, 8, 4).mean(axis=(2, 4)) - 0.45
        assert found.novelty[index] == pytest.approx((cells**2).mean(), rel=1e-4)
    np.testing.assert_array_equal(found.embeddings, verifier.embedder.embed(views))


def test_a_graph_with_another_shape_of_strangeness_is_refused(tiny_model: Path, tmp_path: Path):
    config = open_model(tiny_model).embedder
    graph = onnx.load(config.encoder)
    output = next(one for one in graph.graph.output if one.name == "strangeness")
    output.type.tensor_type.shape.dim.add().dim_value = 1
    reduced = next(node for node in graph.graph.node if node.output == ["strangeness"])
    next(one for one in reduced.attribute if one.name == "keepdims").i = 1
    onnx.save(graph, tmp_path / "encoder.onnx")
    with pytest.raises(ModelError, match="is not an encoder"):
        Embedder(replace(config, encoder=tmp_path / "encoder.onnx"))


def test_a_graph_that_does_not_tell_what_is_strange(tiny_model: Path, tmp_path: Path, work_of):
    config = open_model(tiny_model).embedder
    graph = onnx.load(config.encoder)
    kept = [output for output in graph.graph.output if output.name != "strangeness"]
    del graph.graph.output[:]
    graph.graph.output.extend(kept)
    onnx.save(graph, tmp_path / "encoder.onnx")
    embedder = Embedder(replace(config, encoder=tmp_path / "encoder.onnx"))
    found = embedder.encode(embedder.render(work_of(0, 0))[None])
    assert np.isnan(found.novelty).all()
    assert found.embeddings.shape == (1, 24)


@pytest.mark.parametrize(
    ("output", "answer", "told"),
    [
        ("embedding", np.full((3, 24), np.nan), "gives numbers that are not finite"),
        ("embedding", np.full((3, 24), np.inf), "gives numbers that are not finite"),
        ("embedding", np.full((3, 24), 1e30), "gives numbers that are not finite"),
        ("embedding", np.ones((5, 24)), "gives embedding of the shape (5, 24) for 3 views"),
        ("strangeness", np.ones(7), "gives strangeness of the shape (7,) for 3 views"),
        ("patches", np.ones((3, 64, 23)), "gives patches of the shape (3, 64, 23) for 3 views"),
        ("patches", np.full((3, 64, 24), np.nan), "gives numbers that are not finite"),
        ("patches", np.ones((3, 0, 24)), "gives 0 patches, which are not a square grid"),
    ],
)
def test_what_a_graph_gives_is_looked_at(
    tiny_model: Path, tmp_path: Path, work_of, output: str, answer: np.ndarray, told: str
):
    """It is not bound by the shapes that it declares."""
    config = open_model(tiny_model).embedder
    graph = onnx.load(config.encoder)
    for node in graph.graph.node:
        node.output[:] = ["unused" if name == output else name for name in node.output]
    graph.graph.initializer.append(numpy_helper.from_array(answer.astype(np.float32), "answer"))
    graph.graph.node.append(helper.make_node("Identity", ["answer"], [output]))
    onnx.save(graph, tmp_path / "encoder.onnx")
    embedder = Embedder(replace(config, encoder=tmp_path / "encoder.onnx"))
    with pytest.raises(ModelError) as caught:
        embedder.encode(embedder.render(work_of(0, 0))[None], patches=True)
    assert told in str(caught.value)


def test_a_graph_that_fails_as_it_runs_is_one_sentence_and_nothing_else(
    tiny_model: Path, tmp_path: Path, work_of, capfd
):
    config = open_model(tiny_model).embedder
    graph = onnx.load(config.encoder)
    shape = numpy_helper.from_array(np.array([2**45], np.int64), "shape")
    graph.graph.initializer.append(shape)
    for node in graph.graph.node:
        if node.op_type == "Sub":
            node.input[1] = "sum"
    huge = helper.make_node("ConstantOfShape", ["shape"], ["huge"], name="\x1b[31mred")
    graph.graph.node.insert(0, huge)
    graph.graph.node.insert(1, helper.make_node("ReduceSum", ["huge"], ["sum"], keepdims=0))
    onnx.save(graph, tmp_path / "encoder.onnx")
    embedder = Embedder(replace(config, encoder=tmp_path / "encoder.onnx"))
    with pytest.raises(ModelError) as caught:
        embedder.embed(embedder.render(work_of(0, 0))[None])
    assert str(caught.value).startswith(f"cannot run {tmp_path / 'encoder.onnx'}: ")
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_a_gpu_that_cannot_be_used_is_one_sentence(tiny_model):
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime has CUDA")
    with pytest.raises(ModelError, match="pip install onnxruntime-gpu"):
        SameHand(tiny_model, device="cuda")


def test_a_device_that_does_not_exist_is_refused(tiny_model):
    with pytest.raises(ModelError, match="device must be one of cpu, cuda, not 'tpu'"):
        SameHand(tiny_model, device="tpu")
