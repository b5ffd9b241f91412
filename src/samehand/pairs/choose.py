"""The options of `samehand protocol` to pairs and the sentence that describes them."""

from pathlib import Path
from typing import Literal

import polars as pl

from samehand.errors import ProtocolError
from samehand.pairs.draws import ArtistScope, PairDraft, all_pairs, sampled_pairs
from samehand.pairs.submission import submission_pairs
from samehand.records import Split


def choose_pairs(
    catalogue: pl.DataFrame,
    *,
    split: Split,
    artists: ArtistScope | None,
    within_style: bool,
    genuine: int | None,
    impostors: int | None,
    submission: Path | None,
    seed: int,
) -> tuple[PairDraft, str]:
    """Return the pairs that a user asked for, and a sentence that says what they are.

    Args:
        catalogue: The catalogue table.
        split: "train", "validation", "test" or "all".
        artists: "unseen", "seen" or "all"; None for "unseen", and for all where `submission` is
            given or `split` is "all".
        within_style: Only pairs of one style; where pairs are drawn, only impostors of one style.
        genuine: How many genuine pairs to draw; None for all of them.
        impostors: How many impostor pairs to draw; None for as many as genuine ones. Where both
            are None every pair is listed.
        submission: A list of pairs to use instead.
        seed: Seeds the draw.

    Raises:
        ProtocolError: Options contradict each other.
    """
    if submission is not None:
        if genuine or impostors or within_style or artists not in (None, "all"):
            raise ProtocolError(
                f"{submission} already lists its pairs; leave out --genuine, --impostors, "
                "--within-style and --artists"
            )
        draft = submission_pairs(submission, catalogue, split=split)
        return draft, f"The pairs of {submission.name} among {split} paintings."
    artists = artists or ("all" if split == "all" else "unseen")
    if genuine is None and impostors is None:
        draft = all_pairs(catalogue, split=split, artists=artists, within_style=within_style)
        style = " of one style" if within_style else ""
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
        f"Genuine pairs and impostor pairs{' of one style' if within_style else ''} drawn among "
        f"{split} paintings, {artists} artists.",
    )
