"""Training batches: m paintings of each of several artists."""

from collections.abc import Sequence

import numpy as np


def artist_batches(
    artists: Sequence[str],
    *,
    artists_per_batch: int,
    per_artist: int,
    per_epoch: int,
    seed: int,
    epoch: int,
) -> list[list[int]]:
    """Draw one epoch of artist-balanced batches.

    Every artist is equally likely whatever the size of the oeuvre, so that the prolific do not
    decide what "the same hand" means. Artists come in shuffled rounds, and each artist's paintings
    in shuffled rounds of their own, so none comes twice before all have come once.

    Args:
        artists: The artist of each training painting; an index into it names a painting.
        artists_per_batch: Different artists in a batch, at least 2.
        per_artist: Paintings of each artist in a batch; artists with fewer are left out.
        per_epoch: Paintings in an epoch, rounded down to whole batches (at least one).
        seed: Seeds the run.
        epoch: Together with `seed` fixes the draw, so a resumed epoch is the same epoch.

    Returns:
        Batches of `artists_per_batch * per_artist` indices into `artists`.

    Raises:
        ValueError: Fewer artists than `artists_per_batch` have `per_artist` paintings.
    """
    rng = np.random.default_rng([seed, epoch])
    works: dict[str, list[int]] = {}
    for index, artist in enumerate(artists):
        works.setdefault(artist, []).append(index)
    names = sorted(name for name, indices in works.items() if len(indices) >= per_artist)
    if len(names) < artists_per_batch:
        raise ValueError(
            f"only {len(names)} artists have {per_artist} paintings; a batch needs "
            f"{artists_per_batch} of them"
        )
    pending: dict[str, list[int]] = {name: [] for name in names}
    round_of_artists: list[str] = []
    batches = []
    for _ in range(max(1, per_epoch // (artists_per_batch * per_artist))):
        chosen: list[str] = []
        while len(chosen) < artists_per_batch:
            if not round_of_artists:
                order = [names[i] for i in rng.permutation(len(names))]
                # Those already in this batch come last (the end is drawn first), so that a batch
                # never doubles an artist and a round never skips one.
                round_of_artists = sorted(order, key=lambda name: name not in chosen)
            chosen.append(round_of_artists.pop())
        batches.append(
            [index for name in chosen for index in _draw(name, works, pending, per_artist, rng)]
        )
    return batches


def _draw(
    name: str,
    works: dict[str, list[int]],
    pending: dict[str, list[int]],
    count: int,
    rng: np.random.Generator,
) -> list[int]:
    if len(pending[name]) < count:
        left = pending[name]
        fresh = rng.permutation(works[name]).tolist()
        # What is left from the last round comes last in this one: doubled in no batch, skipped in
        # no round.
        pending[name] = left + sorted(fresh, key=lambda index: index in left)
    drawn, pending[name] = pending[name][:count], pending[name][count:]
    return drawn
