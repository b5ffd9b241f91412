from math import cos, exp, log, pi

import pytest
import torch
from pydantic import ValidationError

from samehand.training.losses import LossConfig, build_loss

ANGLES = (0.1, 0.5, 1.2, 2.0, 3.3, 3.9)
LABELS = (0, 0, 1, 1, 2, 2)
PROXIES = (0.4, 1.7, 3.5)


def on_circle(angles):
    return torch.tensor([(torch.tensor(a).cos(), torch.tensor(a).sin()) for a in angles])


def with_proxies(config):
    loss = build_loss(config, artists=3, width=2)
    (proxies,) = loss.parameters()
    with torch.no_grad():
        # Their length must not matter; the library keeps them as columns or as rows.
        rows = 1.7 * on_circle(PROXIES)
        proxies.copy_(rows if proxies.shape == rows.shape else rows.T)
    return loss


@pytest.mark.parametrize(("margin", "scale"), [(0.2, 24.0), (0.0, 24.0), (0.35, 10.0)])
def test_margin_softmax_on_angles(margin, scale):
    loss = with_proxies(LossConfig(kind="margin-softmax", margin=margin, scale=scale))
    total = 0.0
    for angle, label in zip(ANGLES, LABELS, strict=True):
        logits = [
            scale * (cos(angle - proxy) - margin * (artist == label))
            for artist, proxy in enumerate(PROXIES)
        ]
        total -= logits[label] - log(sum(exp(logit) for logit in logits))
    # Embeddings of another length have the same direction.
    for length in (1, 3):
        found = loss(length * on_circle(ANGLES), torch.tensor(LABELS))
        assert found.item() == pytest.approx(total / len(ANGLES), rel=1e-4)


@pytest.mark.parametrize("temperature", [0.1, 0.5])
def test_supcon_on_angles(temperature):
    loss = build_loss(LossConfig(kind="supcon", temperature=temperature), artists=3, width=2)
    angles = (*ANGLES, 5.0)
    labels = (*LABELS, 2)
    total = 0.0
    for i, anchor in enumerate(angles):
        others = [k for k in range(len(angles)) if k != i]
        rivals = sum(exp(cos(anchor - angles[k]) / temperature) for k in others)
        same = [k for k in others if labels[k] == labels[i]]
        terms = [log(exp(cos(anchor - angles[k]) / temperature) / rivals) for k in same]
        total -= sum(terms) / len(terms)
    found = loss(on_circle(angles), torch.tensor(labels))
    assert found.item() == pytest.approx(total / len(angles), rel=1e-4)


def test_multi_similarity_on_angles():
    loss = build_loss(LossConfig(kind="multi-similarity"), artists=3, width=2)
    total = 0.0
    for anchor, label in zip(ANGLES, LABELS, strict=True):
        pairs = [
            (cos(anchor - other), label == theirs)
            for other, theirs in zip(ANGLES, LABELS, strict=True)
            if other != anchor
        ]
        near = sum(exp(-2 * (cosine - 0.5)) for cosine, same in pairs if same)
        far = sum(exp(50 * (cosine - 0.5)) for cosine, same in pairs if not same)
        total += log(1 + near) / 2 + log(1 + far) / 50
    found = loss(on_circle(ANGLES), torch.tensor(LABELS))
    assert found.item() == pytest.approx(total / len(ANGLES), rel=1e-4)


def test_proxy_anchor_on_angles():
    margin, scale = 0.1, 8.0
    loss = with_proxies(LossConfig(kind="proxy-anchor", margin=margin, scale=scale))
    total = 0.0
    for artist, proxy in enumerate(PROXIES):
        cosines = [cos(angle - proxy) for angle in ANGLES]
        pull = sum(
            exp(-scale * (c - margin))
            for c, label in zip(cosines, LABELS, strict=True)
            if label == artist
        )
        push = sum(
            exp(scale * (c + margin))
            for c, label in zip(cosines, LABELS, strict=True)
            if label != artist
        )
        total += (log(1 + pull) + log(1 + push)) / len(PROXIES)
    found = loss(on_circle(ANGLES), torch.tensor(LABELS))
    assert found.item() == pytest.approx(total, rel=1e-4)


@pytest.mark.parametrize(
    ("kind", "shapes"),
    [
        ("margin-softmax", {(5, 4)}),
        ("proxy-anchor", {(5, 4)}),
        ("supcon", set()),
        ("multi-similarity", set()),
    ],
)
def test_only_losses_with_proxies_learn(kind, shapes):
    loss = build_loss(LossConfig(kind=kind), artists=5, width=4)
    assert {tuple(sorted(p.shape, reverse=True)) for p in loss.parameters()} == shapes


@pytest.mark.parametrize("kind", ["margin-softmax", "supcon", "multi-similarity", "proxy-anchor"])
def test_gradients_pull_one_hand_together(kind):
    torch.manual_seed(0)
    loss = build_loss(LossConfig(kind=kind), artists=2, width=2)
    angles = torch.tensor([0.0, 1.0, pi, pi + 1], requires_grad=True)
    optimiser = torch.optim.Adam([angles, *loss.parameters()], lr=0.05)
    for _ in range(60):
        optimiser.zero_grad()
        points = torch.stack([angles.cos(), angles.sin()], dim=1)
        loss(points, torch.tensor([0, 0, 1, 1])).backward()
        optimiser.step()
    one, two, three, four = angles.tolist()
    assert min(cos(one - two), cos(three - four)) > 0.7
    assert max(cos(one - three), cos(two - four)) < 0.5


@pytest.mark.parametrize(
    "wrong", [{"kind": "triplet"}, {"margin": 1.0}, {"scale": 0}, {"temperature": 0}, {"m": 1}]
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        LossConfig.model_validate(wrong)
