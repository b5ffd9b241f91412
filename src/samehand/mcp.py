"""samehand for assistants: its questions as tools of the Model Context Protocol.

Pictures are read from the folders that the assistant's user has opened to it (the client's roots)
and the server's user allows, and from nowhere else. Nothing is asked of a network.
"""

import base64
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit
from urllib.request import url2pathname

from mcp.server.mcpserver import Context, ListRoots, MCPServer, Resolve
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult, ImageContent, ListRootsResult, TextContent
from pydantic import Field, RootModel

import samehand
from samehand.errors import SamehandError
from samehand.explain.evidence import full_verdict
from samehand.explain.evidence_sheet import evidence_sheet
from samehand.explain.words import claim_in_words, context_in_words, matches_in_words
from samehand.files import printable
from samehand.gallery import Gallery
from samehand.records import FalseAlarms, OperatingPoint
from samehand.results import Answer, Identification, ReferenceVerdict, SearchResult, Verdict
from samehand.verification.asynchronous import AsyncSameHand
from samehand.verification.verifier import SameHand

_INSTRUCTIONS = """\
samehand says how strongly pictures of paintings speak for one artist or for two, as a likelihood
ratio that was calibrated on secure works; each answer says whose. It sorts and suggests; it does
not authenticate. Say its warnings and its error rate whenever you pass on a verdict, and never turn
a likelihood ratio into certainty: `probability` holds only for the stated prior. It knows pictures,
not materials, dates or provenance.
"""

Picture = Annotated[str, Field(description="The file of a picture: its path.")]
Prior = Annotated[float, Field(gt=0, lt=1, description="The probability before looking.")]
Point = Annotated[
    OperatingPoint,
    Field(description="Which measured error rate the decision promises: eer always decides."),
]
Where = Annotated[
    list[str], Field(description='Conditions on works, such as "style=Baroque"; all must hold.')
]
Named = Annotated[
    str | None, Field(description="A gallery that is served; may be left out if there is one.")
]


@dataclass(frozen=True, slots=True)
class Reach:
    """Which files may be read: those below one folder of each list.

    Attributes:
        allowed: Folders that the server's user allows.
        opened: Folders that the client has opened; None where it says nothing of that.
    """

    allowed: tuple[Path, ...]
    opened: tuple[Path, ...] | None

    def file(self, name: str) -> Path:
        """Return a file that may be read; a link counts as what it leads to.

        Args:
            name: Its path; a relative one starts in the first folder.

        Raises:
            ToolError: It may not be read.
        """
        first = (self.opened or self.allowed)[0]
        path = (first / name).resolve()
        for folders in (self.allowed, self.opened):
            if folders is not None and not any(path.is_relative_to(one) for one in folders):
                shown = ", ".join(map(str, folders)) or "none"
                raise ToolError(f"{name} is outside the folders that may be read: {shown}")
        return path


def create_server(
    model: SameHand, galleries: Mapping[str, Gallery], allowed: Sequence[Path]
) -> MCPServer:
    """Return the server, ready to run.

    Args:
        model: What answers.
        galleries: Galleries of this model that can be asked about, by name.
        allowed: Folders that may be read; a client's roots narrow them.
    """
    server = MCPServer(
        "samehand",
        instructions=_INSTRUCTIONS,
        version=samehand.__version__,
        log_level="WARNING",
    )
    folders = tuple(folder.resolve() for folder in allowed)
    asking = AsyncSameHand(model)

    async def reach_of(
        context: Context, found: Annotated[ListRootsResult, Resolve(_client_roots)]
    ) -> Reach:
        if not _tells_roots(context):
            return Reach(folders, None)
        return Reach(folders, tuple(_folder(str(root.uri)) for root in found.roots))

    Files = Annotated[Reach, Resolve(reach_of)]

    @server.tool()
    async def compare(
        left: Picture,
        right: Picture,
        files: Files,
        prior: Prior = 0.5,
        operating_point: Point = "eer",
    ) -> Annotated[CallToolResult, RootModel[Verdict]]:
        """Say how strongly two pictures of paintings speak for one artist or for two."""
        with _mistakes():
            return _told(
                await asking.compare(
                    files.file(left),
                    files.file(right),
                    prior=prior,
                    operating_point=operating_point,
                )
            )

    @server.tool()
    async def explain(
        left: Picture,
        right: Picture,
        files: Files,
        prior: Prior = 0.5,
        operating_point: Point = "eer",
    ) -> Annotated[CallToolResult, RootModel[Verdict]]:
        """Compare two pictures, and show in a picture which regions the verdict rests on."""
        with _mistakes():
            one, two = await asking.open(files.file(left)), await asking.open(files.file(right))
            verdict = await asking.run(
                full_verdict,
                model,
                one,
                two,
                prior=prior,
                operating_point=operating_point,
                influence=False,
            )
            drawn = await asking.run(_png, one, two, verdict)
        evidence = verdict.evidence
        assert evidence is not None
        words = [
            claim_in_words(verdict.llr),
            matches_in_words(evidence.matches),
            context_in_words(evidence.context),
            *verdict.warnings,
        ]
        return CallToolResult(
            content=[TextContent(text="\n".join(words)), drawn],
            structured_content=verdict.to_dict(),
        )

    @server.tool()
    async def verify(
        doubtful: Picture,
        references: Annotated[
            list[str], Field(min_length=1, max_length=100, description="Works by one artist.")
        ],
        files: Files,
        prior: Prior = 0.5,
        operating_point: Point = "eer",
    ) -> Annotated[CallToolResult, RootModel[ReferenceVerdict]]:
        """Say how strongly a doubtful work speaks for the artist of some secure works."""
        with _mistakes():
            return _told(
                await asking.verify(
                    files.file(doubtful),
                    [files.file(one) for one in references],
                    prior=prior,
                    operating_point=operating_point,
                )
            )

    @server.tool()
    async def identify(
        picture: Picture,
        files: Files,
        gallery: Named = None,
        top: Annotated[int, Field(ge=1, le=100, description="How many candidates.")] = 5,
        where: Where = [],  # noqa: B006
        prior: Prior = 0.5,
        threshold: Annotated[
            FalseAlarms,
            Field(description="Share of unknown hands that may be given a name: 1 % or 10 %."),
        ] = "far10",
        any_attribution: Annotated[
            bool, Field(description="Count works after an artist or from the workshop, too.")
        ] = False,
    ) -> Annotated[CallToolResult, RootModel[Identification]]:
        """Say which artist of a gallery made a picture, or that none of them did."""
        with _mistakes():
            return _told(
                await asking.identify(
                    files.file(picture),
                    _named(galleries, gallery),
                    top,
                    where=where,
                    prior=prior,
                    threshold=threshold,
                    any_attribution=any_attribution,
                )
            )

    @server.tool()
    async def search(
        picture: Picture,
        files: Files,
        gallery: Named = None,
        top: Annotated[int, Field(ge=1, le=200, description="How many works.")] = 20,
        where: Where = [],  # noqa: B006
        exact: Annotated[
            bool, Field(description="Compare with every work even where there is an index.")
        ] = False,
    ) -> Annotated[CallToolResult, RootModel[SearchResult]]:
        """Find the works of a gallery most like a picture, each with its likelihood ratio."""
        with _mistakes():
            return _told(
                await asking.search(
                    files.file(picture), _named(galleries, gallery), top, where=where, exact=exact
                )
            )

    return server


def _tells_roots(context: Context) -> bool:
    capabilities = context.client_capabilities
    return capabilities is not None and capabilities.roots is not None


async def _client_roots(context: Context) -> ListRoots | ListRootsResult:
    """Ask for the folders that the client has opened, if it is one that tells."""
    return ListRoots() if _tells_roots(context) else ListRootsResult(roots=[])


def _folder(address: str) -> Path:
    """Return the folder that a root's file:// address means."""
    return Path(url2pathname(urlsplit(address).path)).resolve()


def _named(galleries: Mapping[str, Gallery], name: str | None) -> Gallery:
    if name is None and len(galleries) == 1:
        return next(iter(galleries.values()))
    if name is None or name not in galleries:
        known = ", ".join(galleries) or "none; start samehand mcp with --gallery NAME"
        raise ToolError(f"name a gallery that is served: {known}")
    return galleries[name]


@contextmanager
def _mistakes() -> Iterator[None]:
    """Tell the assistant what its user can mend."""
    try:
        yield
    except SamehandError as error:
        raise ToolError(printable(str(error))) from error


def _told(answer: Answer) -> CallToolResult:
    values = answer.to_dict()
    return CallToolResult(content=[TextContent(text=json.dumps(values))], structured_content=values)


def _png(*shown: object) -> ImageContent:
    buffer = io.BytesIO()
    evidence_sheet(*shown).save(buffer, "PNG", optimize=True)  # type: ignore[arg-type]
    return ImageContent(data=base64.b64encode(buffer.getvalue()).decode(), mime_type="image/png")
