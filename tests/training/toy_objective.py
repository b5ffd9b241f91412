"""A small objective with all that makes resuming hard, and a script that is killed."""

import os
import signal
import sys
from pathlib import Path

import torch
from torch import nn

from samehand.training.loop import fit, step_generator
from samehand.training.recipe import OptimiserConfig
from samehand.training.runlog import RunFolder

STEPS = 5


class Toy:
    """Convolutions in channels_last, batch statistics, dropout, and a criterion that learns.

    It keeps what the loop did with it: rates, losses, and the weights after each step.
    """

    monitor = "score"

    def __init__(self, scores=None):
        torch.manual_seed(0)
        self.scores = scores
        self.model = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Conv2d(8, 8, 3),
            nn.Dropout(0.3),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(8, 4),
        ).to(memory_format=torch.channels_last)
        self.criterion = nn.Linear(4, 3)
        self.steps = 0
        self.rates, self.losses, self.trace, self.validated, self.scored = [], [], [], [], []
        self._groups = [
            {"params": list(self.model.parameters()), "lr": 0.02},
            {"params": list(self.criterion.parameters()), "lr": 0.005, "weight_decay": 0.0},
        ]
        self.stop_at = None

    def batches(self, epoch):
        return [(epoch, step) for step in range(STEPS)]

    def load(self, batch, epoch, step):
        assert batch == (epoch, step)
        self._reached("load", epoch, step)
        rng = step_generator(5, epoch, step)
        images = torch.from_numpy(rng.random((6, 3, 12, 12), dtype="float32"))
        labels = torch.from_numpy(rng.integers(0, 3, 6))
        where = torch.tensor([epoch, step])
        return images.to(memory_format=torch.channels_last), labels, where

    def loss(self, tensors):
        images, labels, where = tensors
        self._reached("loss", *where.tolist())
        self._remember()
        self.steps += 1
        self.rates.append([group["lr"] for group in self._groups])
        loss = nn.functional.cross_entropy(self.criterion(self.model(images)), labels)
        self.losses.append(loss.detach().item())
        return loss

    def groups(self):
        return self._groups

    def trained(self):
        return {}

    def validate(self, model):
        self._reached("validate", self.steps // STEPS - 1, STEPS)
        assert not model.training
        self._remember()
        self.validated.append(weights_of(model))
        with torch.inference_mode():
            score = model(torch.ones(2, 3, 12, 12)).sum().item()
        self.scored.append(score if self.scores is None else self.scores[len(self.validated) - 1])
        return {"score": self.scored[-1], "other": 0.5}

    def _remember(self):
        if len(self.trace) < self.steps:
            self.trace.append(weights_of(self.model))

    def _reached(self, where, epoch, step):
        if self.stop_at and self.stop_at[1:] == (where, epoch, step):
            os.kill(os.getpid(), self.stop_at[0])


def weights_of(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def train_toy(folder, toy=None):
    """What a user repeats after an interruption: always the same call."""
    run = RunFolder(folder)
    resume = run.start({"recipe": {"name": "toy"}, "catalogue_sha256": "none"})
    return fit(
        toy or Toy(),
        run,
        epochs=2,
        patience=0,
        optimiser=OptimiserConfig(warmup=0.25, average=0.9),
        seed=5,
        resume=resume,
        checkpoint_every=0,
    )


if __name__ == "__main__":
    torch.set_num_threads(1)  # as in the tests
    path, where, epoch, step = sys.argv[1:]
    dying = Toy()
    dying.stop_at = (signal.SIGKILL, where, int(epoch), int(step))
    train_toy(Path(path), dying)
