"""Every answer of samehand, declared once.

The command line prints these objects as JSON, the web API returns them, Python hands them over. A
field added here appears in all three. An `llr` is always a log10 likelihood ratio.
"""

from samehand.results.answer import (
    Answer,
    Grid,
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

__all__ = [
    "AddReport",
    "Answer",
    "Candidate",
    "Clustering",
    "Context",
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
    "Nearby",
    "Neighbour",
    "Problem",
    "ReferenceEvidence",
    "ReferenceVerdict",
    "Region",
    "SearchResult",
    "SideEvidence",
    "Suspect",
    "Suspects",
    "Verdict",
    "WorkRecord",
]
