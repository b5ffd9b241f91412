"""Every answer of samehand, declared once.

The command line prints these objects as JSON, the web API returns them, Python hands them over. A
field added here appears in all three. An `llr` is always a log10 likelihood ratio.
"""

from samehand.results.answer import (
    Answer,
    Grid,
)
from samehand.results.decisions import (
    DecidedWork,
    Decision,
    Decisions,
    MergeReport,
    Queue,
    Suggestion,
)
from samehand.results.embedding import EmbedReport
from samehand.results.galleries import (
    AddReport,
    Candidate,
    Clustering,
    GalleryInfo,
    Hand,
    Identification,
    IndexInfo,
    Listing,
    Nearby,
    Neighbour,
    SearchResult,
    Suspect,
    Suspects,
    WorkRecord,
)
from samehand.results.server import (
    Health,
    Problem,
)
from samehand.results.verdicts import (
    Context,
    Evidence,
    GrowthStep,
    LeftOut,
    Match,
    ReferenceEvidence,
    ReferenceVerdict,
    Region,
    SideEvidence,
    Verdict,
)

ANSWERS_VERSION = 1
"""Version of the answers' JSON. It rises when a field is removed or changes its meaning; a field
that is added leaves it, so that programs should pass over fields that they do not know."""

__all__ = [
    "ANSWERS_VERSION",
    "AddReport",
    "Answer",
    "Candidate",
    "Clustering",
    "Context",
    "DecidedWork",
    "Decision",
    "Decisions",
    "EmbedReport",
    "Evidence",
    "GalleryInfo",
    "Grid",
    "GrowthStep",
    "Hand",
    "Health",
    "Identification",
    "IndexInfo",
    "LeftOut",
    "Listing",
    "Match",
    "MergeReport",
    "Nearby",
    "Neighbour",
    "Problem",
    "Queue",
    "ReferenceEvidence",
    "ReferenceVerdict",
    "Region",
    "SearchResult",
    "SideEvidence",
    "Suggestion",
    "Suspect",
    "Suspects",
    "Verdict",
    "WorkRecord",
]
