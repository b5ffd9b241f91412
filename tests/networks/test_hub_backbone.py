"""A machine without a network hears in a moment, and in one sentence, that the hub is away."""

import socket

import pytest
from huggingface_hub import constants

from samehand.errors import RecipeError
from samehand.networks.backbone import load_backbone
from samehand.networks.hub import reachable


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def closed(no_proxy: None) -> str:
    """The address of a port of this machine that nothing listens at."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_host_that_listens_is_reachable_and_one_that_does_not_is_not(closed: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert reachable(f"http://127.0.0.1:{server.getsockname()[1]}")
    assert not reachable(closed)


def test_behind_a_proxy_the_hub_may_be_there(closed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert reachable(closed + "/")


@pytest.mark.parametrize("name", ["nobody/no-such-backbone", "vgg16", "resnet18"])
def test_without_a_network_weights_are_refused_at_once_in_one_sentence(
    name: str,
    closed: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path,
) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", closed)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    # Nothing that this machine fetched before may be found.
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    load_backbone("resnet18", pretrained=False)  # imports what takes long
    with pytest.raises(RecipeError, match=r"never fetched, and the Hugging Face hub cannot be"):
        load_backbone(name)
    assert "retry" not in capfd.readouterr().err.lower()
