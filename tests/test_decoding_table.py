"""The table of docs/adr/0035, on every variant."""

import importlib.util
import sys
from pathlib import Path

import pytest
from PIL import Image

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"

pytestmark = pytest.mark.slow


def module_of(name: str):
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def table():
    pytest.importorskip("imagecodecs")
    for name in ("decoding_packers", "decoding_samples", "decoding_variants"):
        module_of(name)
    yield module_of("decoding_table")
    for name in ("decoding_packers", "decoding_samples", "decoding_variants", "decoding_table"):
        del sys.modules[name]


@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")
@pytest.mark.parametrize("decoder", ["samehand", "formats"])
def test_every_variant_is_right_or_refused_in_a_true_sentence(table, decoder: str):
    original = Image.open(table.EXAMPLE).convert("RGB")
    verdicts = {
        variant.name: table.quietly(variant, table.DECODERS[decoder], original)
        for variant in table.variants(original)
    }
    assert len(verdicts) >= 120
    assert {n: v for n, v in verdicts.items() if v[0] in ("wrong", "misnamed") or v[2]} == {}
    right = sum(verdict == "right" for verdict, _, _ in verdicts.values())
    refused = [why for verdict, why, _ in verdicts.values() if verdict == "refused"]
    if decoder == "formats":
        assert right >= 0.95 * len(verdicts)
    else:
        assert all("samehand[formats]" in why for why in refused)
