"""The gallery: a stored, searchable collection of works with their embeddings."""

from samehand.serving.gallery.gallery import Gallery
from samehand.serving.gallery.works import AddReport, GalleryInfo, StoredWork, Work

__all__ = ["AddReport", "Gallery", "GalleryInfo", "StoredWork", "Work"]
