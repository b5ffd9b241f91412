"""The gallery: a stored, searchable collection of works with their embeddings."""

from samehand.gallery.gallery import Gallery
from samehand.gallery.works import StoredWork, Work

__all__ = ["Gallery", "StoredWork", "Work"]
