"""Gallery: stored works and their embeddings, crash-safe, and safe for concurrent processes."""

import difflib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from samehand.arguments import (
    as_path,
    checked,
    conditions,
    flag,
    function,
    listed,
    or_none,
    path,
    text,
    texts_by_name,
    vector,
    whole,
)
from samehand.errors import GalleryError
from samehand.gallery.engines import create_storage, open_storage
from samehand.gallery.filters import COLUMNS
from samehand.gallery.gone import missing_files
from samehand.gallery.judged import Judged
from samehand.gallery.model import OpenedModel, folder_of
from samehand.gallery.schema import About
from samehand.gallery.storage import Near, Storage
from samehand.gallery.thumbnails import Thumbnails
from samehand.gallery.works import StoredWork, Work
from samehand.model.folder import ModelFolder
from samehand.records import Floats, PictureKind
from samehand.results import (
    AddReport,
    GalleryInfo,
    IndexInfo,
    MergeReport,
)


class Gallery(Judged):
    """A stored collection of works; several processes may use one at a time.

    Example:
        >>> from samehand import Gallery, SameHand
        >>> model = SameHand()
        >>> with Gallery.create("masters", model) as gallery:  # doctest: +SKIP
        ...     gallery.add(["scans/"], model)
    """

    @checked(name=path)
    def __init__(self, name: str | os.PathLike[str], storage: Storage | None = None) -> None:
        """Open a gallery's folder or address; `Gallery.open` also checks the model.

        Args:
            name: A name in the user's data folder, a path, or an address such as
                "lance:///data/atlas".
            storage: What keeps its works; None opens what lies there.

        Raises:
            GalleryError: There is none, or it is damaged or of another version.
        """
        self.store: Storage = open_storage(name) if storage is None else storage

    @classmethod
    @checked(name=path)
    def open(
        cls, name: str | os.PathLike[str], model: ModelFolder | OpenedModel | None = None
    ) -> "Gallery":
        """Open a gallery.

        Args:
            name: A name in the user's data folder, a path, or an address.
            model: Refuse a gallery whose embeddings this model did not make.

        Raises:
            GalleryError: There is no such gallery, it is damaged, or another model made it.
        """
        gallery = cls(name)
        if model is not None:
            try:
                gallery.require(model)
            except GalleryError:
                gallery.close()
                raise
        return gallery

    @classmethod
    @checked(name=path)
    def create(cls, name: str | os.PathLike[str], model: ModelFolder | OpenedModel) -> "Gallery":
        """Make an empty gallery for the embeddings of a model.

        Args:
            name: A name in the user's data folder, a path, or an address.
            model: Whose embeddings it will hold.

        Raises:
            GalleryError: It exists, or the folder holds something else.
            OutputError: It cannot be written there.
        """
        opened = folder_of(model)
        opened.require_metric("fill a gallery")
        about = About(opened.embedder.digest, opened.identity, opened.comparator.width)
        return cls(name, create_storage(name, about))

    def __enter__(self) -> "Gallery":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return self.store.count()

    @property
    def address(self) -> str:
        """Where the gallery is: its folder, or the address that opens it."""
        return self.store.address

    @property
    def folder(self) -> Path:
        """The gallery's folder, where it is one."""
        return Path(self.address.removeprefix("lance://"))

    @property
    def thumbnails(self) -> Thumbnails:
        """Small pictures of the works, where the gallery is a folder that can be written."""
        return Thumbnails(self.folder)

    def kinds(self, works: Sequence[StoredWork]) -> Sequence[PictureKind | None]:
        """Return what kind of picture each work's file is; None where that was not found out."""
        return self.thumbnails.kinds([stored.sha256 for stored in works])

    @property
    def name(self) -> str:
        """The gallery's name."""
        return self.folder.name

    def close(self) -> None:
        """Close the gallery; whatever was reported as added is stored already."""
        self.store.close()

    def require(self, model: ModelFolder | OpenedModel) -> None:
        """Refuse a model that did not make the gallery's embeddings.

        Raises:
            GalleryError: The embeddings are another model's.
        """
        about = self.store.about()
        opened = folder_of(model)
        if about.encoder != opened.embedder.digest:
            raise GalleryError(
                f"the gallery {self.name} was made with the model {about.model}, not with "
                f"{opened.identity}, and their embeddings cannot be compared; name that model "
                f"(--model {about.model.partition('@')[0]}, or SAMEHAND_MODEL), or run samehand "
                f"gallery re-embed {self.name}"
            )

    @checked(where=conditions, limit=or_none(whole()), offset=whole())
    def list(
        self, where: Sequence[str] = (), *, limit: int | None = None, offset: int = 0
    ) -> Iterator[StoredWork]:
        """Yield works in the order in which they were embedded.

        Args:
            where: Conditions that all hold, such as "artist=Claude Monet" or "date>=1880";
                `filters.read_conditions` has the rules.
            limit: How many at most; None for all.
            offset: Number of works to skip.

        Raises:
            GalleryError: A condition cannot be understood.
        """
        return self.store.works(where, limit=limit, offset=offset)

    @checked(
        sources=listed((str, os.PathLike, Work), "paths"),
        cache=or_none(as_path),
        images=or_none(as_path),
        columns=or_none(texts_by_name),
        tell=or_none(function),
        erase_labels=flag,
    )
    def add(
        self,
        sources: str | os.PathLike[str] | Sequence[str | os.PathLike[str] | Work],
        model: OpenedModel,
        *,
        cache: Path | None = None,
        images: Path | None = None,
        columns: Mapping[str, str] | None = None,
        tell: Callable[[str], None] | None = None,
        erase_labels: bool = False,
    ) -> AddReport:
        """Add works; files that have not changed since they were added are not embedded again.

        Works are stored a few hundred at a time, so an interrupted call has lost little, and the
        same call resumes there. One unreadable file never stops the rest.

        Args:
            sources: Works, or paths: image files, folders of an artist each, tables, catalogues,
                patterns, other galleries; see `sources.read_works`.
            model: What embeds them.
            cache: A cache of `embed_files`, such as a catalogue's, to look for embeddings in.
            images: The folder that the paths of tables are relative to.
            columns: Which column of a table is which, by meaning: {"path": "Image file"}.
            tell: Called with each of the report's notes before any image is embedded.
            erase_labels: Forget what is known of a work and its source does not say; by default a
                label is kept until another takes its place.

        Raises:
            GalleryError: The gallery is another model's, or is damaged or locked.
            CatalogueError: A source cannot be read.
            OutputError: The disk is full.
        """
        from samehand.gallery.adding import add_works

        self.require(model)
        report = add_works(
            self.store,
            sources,
            model.embedder,
            cache,
            images=images,
            columns=columns,
            tell=tell,
            erase_labels=erase_labels,
        )
        if report.added or report.changed:
            self.thumbnails.fill(self.store.works())
        return report

    @checked(paths=listed((str, os.PathLike), "paths"), where=conditions)
    def remove(
        self,
        paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] = (),
        *,
        where: Sequence[str] = (),
    ) -> int:
        """Remove works, by path or by condition, and return how many.

        Their room on the disk is used again once the gallery is embedded again.

        Raises:
            GalleryError: A condition cannot be understood.
        """
        several = [paths] if isinstance(paths, str | os.PathLike) else paths
        given_paths = [os.fspath(path) for path in several]
        wanted = [os.path.abspath(path) for path in given_paths]
        known = self.store.states().keys()
        # A path may have been stored from another machine, where it was absolute all the same.
        wanted = [
            path if path in known else given
            for path, given in zip(wanted, given_paths, strict=True)
        ]
        if where:
            wanted += [stored.work.path for stored in self.store.works(where)]
        return self.store.remove(wanted)

    @checked(values=texts_by_name, where=conditions)
    def set_columns(self, values: Mapping[str, str], *, where: Sequence[str] = ()) -> int:
        """Write a text into columns of works, and return how many works that changed.

        Args:
            values: Text by column; an empty one makes the column unknown.
            where: Which works; all, without conditions.

        Raises:
            GalleryError: A condition cannot be understood, or a column is not one to write.
        """
        from samehand.gallery.editing import set_columns

        return set_columns(self.store, values, where)

    @checked(source=path)
    def merge(self, source: str | os.PathLike[str]) -> MergeReport:
        """Take another gallery's works, labels and decisions in; that one stays as it is.

        Of a work that both hold, labels that only the other one knows are added. Where the two
        disagree, this gallery's text stays, and the other's is kept in a column named after it,
        such as "artist (loans)". An interrupted call has lost nothing; the same call resumes.

        Args:
            source: The other gallery's name, path or address.

        Raises:
            GalleryError: There is no such gallery, it is another model's, or it is this one.
            OutputError: The disk is full.
        """
        from samehand.gallery.merging import merge

        report = merge(self.store, self.name, source)
        if report.added:
            # Also of works whose files are gone by now.
            with Gallery(source) as other:
                self.thumbnails.take(other.thumbnails)
            self.thumbnails.fill(self.store.works())
        return report

    @checked(name=path)
    def rename(self, name: str | os.PathLike[str]) -> None:
        """Give the gallery another name; its works and embeddings stay as they are.

        Args:
            name: A name, for a folder beside this one, or a path.

        Raises:
            GalleryError: There is something of that name, or another process uses the gallery.
            OutputError: The folder cannot be moved.
        """
        self.store = open_storage(self.store.rename(os.fspath(name)))

    def delete(self) -> None:
        """Delete the gallery with its labels and embeddings; the images stay. It is closed then.

        Raises:
            GalleryError: The folder holds other files, too, or another process uses the gallery.
            OutputError: The folder cannot be deleted.
        """
        self.store.delete()

    @checked(cache=or_none(as_path), drop_gone=flag)
    def re_embed(
        self, model: OpenedModel, *, cache: Path | None = None, drop_gone: bool = False
    ) -> tuple[int, int]:
        """Replace every embedding by another model's; until the end the old ones stay.

        Args:
            model: What embeds the works again.
            cache: Where new embeddings are kept meanwhile, so that an interrupted call resumes.
            drop_gone: Remove works whose files cannot be read, rather than stopping.

        Returns:
            How many works were embedded, and how many were dropped.

        Raises:
            GalleryError: Files cannot be read and are not to be dropped, or the gallery was
                changed by another process meanwhile.
        """
        from samehand.gallery.adding import re_embed

        folder_of(model)
        return re_embed(self.store, model, cache, drop_gone=drop_gone)

    @checked(out=path, where=conditions)
    def export(self, out: str | os.PathLike[str], where: Sequence[str] = ()) -> int:
        """Write works into a file, and return how many.

        Args:
            out: A .parquet file, with the embeddings; a .csv or .xlsx file; or a .jsonld file of
                Linked Art, with the decisions.
            where: Conditions that all hold.

        Raises:
            GalleryError: A condition cannot be understood.
            OutputError: The file is another kind, or cannot be written.
            MissingExtraError: What writes .xlsx is not installed.
        """
        from samehand.gallery.export import export

        return export(self, Path(out), where)

    def gone(self) -> tuple[str, ...]:
        """Return the paths of works whose files no longer exist.

        Files that merely cannot be reached now, as on a disk that is not connected, are not gone.
        """
        return missing_files(self.store.states()).gone

    @checked(look_for_files=flag)
    def info(self, *, look_for_files: bool = False) -> GalleryInfo:
        """Return what the gallery says about itself.

        Args:
            look_for_files: Also count the works whose files are gone, which looks at each.
        """
        about = self.store.about()
        names, unattributed = self.store.artists()
        return GalleryInfo(
            name=self.name,
            path=self.address,
            works=len(self),
            artists=names,
            unattributed=unattributed,
            gone=len(self.gone()) if look_for_files else None,
            width=about.width,
            model=about.model,
            encoder=about.encoder,
            columns=(*COLUMNS, *self.store.extra_columns()),
            megabytes=round(self.store.size() / 2**20, 2),
            search="approximate" if self.store.is_approximate() else "exact",
            index=self.store.index_info(),
        )

    @checked(where=conditions)
    def count(self, where: Sequence[str] = ()) -> int:
        """Return how many works meet the conditions."""
        return self.store.count(where)

    @checked(where=conditions)
    def count_artists(self, where: Sequence[str] = ()) -> int:
        """Return how many artists' names occur among the works that meet the conditions."""
        return self.store.artists(where)[0]

    @checked(any_attribution=flag)
    def autograph(self, any_attribution: bool = False) -> tuple[str, ...]:
        """Return the conditions that leave works by an artist's own hand, or none if all count."""
        known = not any_attribution and "qualifier" in self.store.extra_columns()
        return ("qualifier=",) if known else ()

    @checked(name=text)
    def artists_like(self, name: str) -> tuple[str, ...]:
        """Return the artists' names that are closest to a misspelt one, best first."""
        names = {known.casefold(): known for known in self.store.artist_names()}
        found = difflib.get_close_matches(name.casefold(), names, 3)
        return tuple(names[one] for one in found)

    def index_info(self) -> IndexInfo | None:
        """Return what is known of the approximate index, or None where there is none."""
        return self.store.index_info()

    def build_index(self) -> IndexInfo:
        """Build the approximate index, measure its recall, and return that.

        Raises:
            GalleryError: The gallery is too small to divide.
            MissingExtraError: faiss is not installed.
        """
        return self.store.build_index()

    def wants_index(self) -> bool:
        """Return whether exact search hurts, and no index covers most of the works."""
        return self.store.wants_index()

    @checked(probe=vector, count=whole(1), where=conditions, exact=flag)
    def nearest(
        self, probe: Floats, count: int, where: Sequence[str] = (), *, exact: bool = False
    ) -> Near:
        """Return the works whose embeddings have the largest cosine to a probe's.

        Args:
            probe: Unit length, (D,).
            count: K, how many at most.
            where: Conditions that all hold.
            exact: Look at every work even where there is an index.

        Raises:
            GalleryError: A condition cannot be understood, or the gallery is damaged.
        """
        width = self.store.about().width
        if probe.shape != (width,):
            raise GalleryError(
                f"the gallery {self.name} holds embeddings of {width} numbers, and the probe has "
                f"{probe.size}; embed it with the gallery's model"
            )
        return self.store.nearest(probe, count, where, exact=exact)

    @checked(where=conditions)
    def embeddings(self, where: Sequence[str] = ()) -> tuple[tuple[StoredWork, ...], Floats]:
        """Return works with their embeddings, (N, D), in the order of their slots."""
        return self.store.embeddings(where)
