"""The options of `samehand protocol` to pairs and the sentence that describes them."""

from pathlib import Path
from typing import Literal

import polars as pl

from samehand.errors import ProtocolError
from samehand.pairs.draws import ArtistScope, PairDraft, Split, all_pairs, sampled_pairs
from samehand.pairs.submission import submission_pairs


def choose_pairs(
    catalogue: pl.DataFrame,
    *,
    split: Split,
    artists: ArtistScope,
    within_style: bool,
    genuine: int | None,
    impostors: int | None,
    submission: Path | None,
    seed: int,
) -> tuple[PairDraft, str]:
    """Return the pairs that a user asked for, and a sentence that says what they are.

    Args:
        catalogue: The catalogue table.
        split: "train", "validation" or "test".
        artists: "unseen", "seen" or "all".
        within_style: Only pairs, or only impostors where they are drawn, of one style.
        genuine: How many genuine pairs to draw; None for all, or as many as impostors exist.
        impostors: How many impostor pairs to draw; None lists every pair.
        submission: A list of pairs to use instead.
        seed: Seeds the draw.

    Raises:
        ProtocolError: Options contradict each other.
    """
    if submission is not None:
        if genuine or impostors or within_style:
            raise ProtocolError(
                f"{submission} already lists its pairs; leave out --genuine, --impostors and "
                "--within-style"
            )
        draft = submission_pairs(submission, catalogue, split=split)
        return draft, f"The pairs of {submission.name} among {split} paintings."
    style = " of one style" if within_style else ""
    if genuine is None and impostors is None:
        draft = all_pairs(catalogue, split=split, artists=artists, within_style=within_style)
        return draft, f"Every pair of {split} paintings{style}, {artists} artists."
    kind: Literal["any", "same-style"] = "same-style" if within_style else "any"
    draft = sampled_pairs(
        catalogue,
        split=split,
        artists=artists,
        genuine=genuine,
        impostors=impostors,
        impostor_kind=kind,
        seed=seed,
    )
    return (
        draft,
        f"Genuine and impostor pairs{style} drawn among {split} paintings, {artists} artists.",
    )
