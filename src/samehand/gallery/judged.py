"""What people decided about pairs of a gallery's works."""

import os
from abc import abstractmethod

from samehand.arguments import checked, flag, path, text
from samehand.gallery.decisions import DecidedPair
from samehand.gallery.model import OpenedModel, folder_of
from samehand.gallery.storage import Storage
from samehand.gallery.thumbnails import Thumbnails
from samehand.model.folder import ModelFolder
from samehand.records import Judgement
from samehand.results import Decision, Decisions


class Judged:
    """The part of a gallery that keeps decisions.

    Attributes:
        store: What keeps the works, and the decisions.
    """

    store: Storage

    @property
    @abstractmethod
    def name(self) -> str:
        """What the gallery is called."""

    @property
    @abstractmethod
    def thumbnails(self) -> Thumbnails:
        """The small pictures of its works, which know what a picture can show."""

    @checked(first=path, second=path, label=text, note=text, by=text, files=flag)
    def decide(
        self,
        first: str | os.PathLike[str],
        second: str | os.PathLike[str],
        label: Judgement,
        *,
        note: str = "",
        by: str = "",
        model: ModelFolder | OpenedModel | None = None,
        files: bool = True,
    ) -> Decision:
        """Write down what a person decides about two works.

        Args:
            first: A work: its path in the gallery, its accession number, its content hash, or an
                image file outside the gallery.
            second: Another work.
            label: "same" hand, "different" hands, or "unsure". A person's later decision on a
                pair takes the place of an earlier one; another person's stands beside it.
            note: Why.
            by: Who decides.
            model: What gives the ratio that is kept beside the decision; None keeps none.
            files: Whether a work may be an image file outside the gallery.

        Raises:
            GalleryError: There is no such work, both are one, or the label is unknown.
        """
        from samehand.gallery.decisions import decide

        opened = None if model is None else folder_of(model)
        return decide(
            self.store,
            first,
            second,
            label,
            note=note,
            by=by,
            model=opened,
            kinds=self.thumbnails.kinds,
            files=files,
        )

    @checked(identity=text, by=text)
    def undo(self, identity: str, *, by: str = "") -> Decision:
        """Let a decision no longer count; it stays in the record.

        Args:
            identity: The decision's id, or its first letters.
            by: Who says so.

        Raises:
            GalleryError: There is no such decision, or several, or it is undone already.
        """
        from samehand.gallery.decisions import undo

        return undo(self.store, identity, by=by)

    @checked(history=flag)
    def decisions(self, *, history: bool = False) -> Decisions:
        """Return what people decided, by time.

        Args:
            history: Also what was undone, or replaced by a later decision of the same person.
        """
        from samehand.gallery.decisions import list_decisions

        return list_decisions(self.store, self.name, history=history)

    def decided_pairs(self) -> tuple[DecidedPair, ...]:
        """Return the pairs that people agree on, of which the gallery holds both works."""
        from samehand.gallery.decisions import decided_pairs

        return decided_pairs(self.store)
