"""What happens to the shipped model's likelihood ratios in a domain it was not calibrated on.

    python benchmarks/synthetic_domain.py

Sixteen painters of the atelier paint three scenes each. The model ranks their hands, but all were
painted by one program, and its likelihood ratios take that for one hand.
"""

import numpy as np

from samehand import SameHand
from samehand.atelier import paint, painter
from samehand.evaluation.metrics import auc
from samehand.scoring.calibration import llr_from_score
from samehand.serving.painting import stacked

SEED, PAINTERS, SUBJECTS = 7, 16, (30, 51, 24)


def main() -> None:
    model = SameHand()
    works = [
        model.open(paint(painter(SEED, index), subject + 100 * index, (480, 400)))
        for index in range(PAINTERS)
        for subject in SUBJECTS
    ]
    comparator, config = model.folder.comparator, model.folder.config
    enrolled = comparator.enrol(stacked(works))
    artist = np.repeat(np.arange(PAINTERS), len(SUBJECTS))
    left, right = np.triu_indices(len(works), k=1)
    same = artist[left] == artist[right]
    scores = comparator.pair_scores(enrolled, left, right)
    llr = llr_from_score(config.calibration, scores)
    noticed = np.mean([work.novelty > config.novelty_limit for work in works])
    print(f"AUC                                    {auc(scores, same):.3f}")
    print(f"impostor pairs with an LLR above 0     {(llr[~same] > 0).mean():.1%}")
    print(f"genuine pairs with an LLR below 0      {(llr[same] < 0).mean():.1%}")
    print(f"works that the domain warning notices  {noticed:.1%}")


if __name__ == "__main__":
    main()
