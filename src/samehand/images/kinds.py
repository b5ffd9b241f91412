"""Files that are not opened, told apart by their first bytes and called by their names.

A sound file of another kind must never be called damaged.
"""

from samehand.images.boxes import brands

_DEVELOP = "develop it and export the painting as TIFF or JPEG"
_EXPORT = "export the painting from it as TIFF, PNG or JPEG"
_UNPACK = "unpack it and name an image inside it"
_RAW = f"a camera raw file; {_DEVELOP}"

_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", f"a PDF document; {_EXPORT}"),
    (b"%!PS", f"a PostScript document; {_EXPORT}"),
    (b"\xc5\xd0\xd3\xc6", f"a PostScript document; {_EXPORT}"),
    (b"8BPB", f"a large Photoshop document (PSB); {_EXPORT}"),
    (b"\x76\x2f\x31\x01", f"an OpenEXR file of scene light; {_EXPORT}"),
    (b"#?RADIANCE", f"a Radiance file of scene light; {_EXPORT}"),
    (b"#?RGBE", f"a Radiance file of scene light; {_EXPORT}"),
    (b"gimp xcf", f"a GIMP document; {_EXPORT}"),
    (b"II\xbc\x01", f"a JPEG XR file; {_EXPORT}"),
    (b"II\xbc\x00", f"a JPEG XR file; {_EXPORT}"),
    (b"AT&TFORM", f"a DjVu document; {_EXPORT}"),
    (b"SIMPLE  =", f"a FITS file of measured values; {_EXPORT}"),
    (b"DDS ", f"a DDS texture; {_EXPORT}"),
    (b"icns", f"an icon of macOS; {_EXPORT}"),
    (b"\x00\x05\x16\x07", "a companion file of macOS without a picture; name the file beside it"),
    (b"\x00\x05\x16\x00", "a companion file of macOS without a picture; name the file beside it"),
    (b"FUJIFILMCCD-RAW", _RAW),
    (b"IIRO", _RAW),
    (b"IIRS", _RAW),
    (b"MMOR", _RAW),
    (b"IIU\0", _RAW),
    (b"FOVb", _RAW),
    (b"\0MRM", _RAW),
    (b"II\x1a\0\0\0HEAPCCDR", _RAW),
    (b"PK\x03\x04", f"a ZIP archive or an office document; {_UNPACK}"),
    (b"\x1f\x8b", f"a compressed archive; {_UNPACK}"),
    (b"BZh", f"a compressed archive; {_UNPACK}"),
    (b"\xfd7zXZ\0", f"a compressed archive; {_UNPACK}"),
    (b"7z\xbc\xaf\x27\x1c", f"a 7z archive; {_UNPACK}"),
    (b"Rar!", f"a RAR archive; {_UNPACK}"),
    (b"\xd0\xcf\x11\xe0", f"an office document; {_EXPORT}"),
    (b"\x1a\x45\xdf\xa3", f"a video; {_EXPORT}"),
    (b"\x89HDF", f"an HDF5 file; {_EXPORT}"),
    (b"BPG\xfb", f"a BPG file; {_EXPORT}"),
)

_HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"heif"}
_VIDEO = {b"isom", b"iso2", b"mp41", b"mp42", b"qt  ", b"avc1", b"M4V ", b"3gp4", b"3gp5"}

OPENED = "JPEG, PNG, WebP, TIFF, GIF, BMP, PPM, JPEG 2000, AVIF, PSD or ICO"


def refused_kind(data: bytes) -> str | None:
    """Return what a file is that is never opened, and what to do about it; None for others."""
    for start, sentence in _STARTS:
        if data.startswith(start):
            return sentence
    if data[128:132] == b"DICM":
        return f"a DICOM file; {_EXPORT}"
    if data[:4] in (b"II*\0", b"MM\0*") and data[8:10] == b"CR":
        return _RAW
    claimed = brands(data)
    if b"crx " in claimed:
        return _RAW
    if data[:4] == b"RIFF" and data[8:12] in (b"AVI ", b"WAVE"):
        return f"a video or a sound; {_EXPORT}"
    if claimed & _VIDEO and not claimed & (_HEIC | {b"avif", b"mif1", b"avis"}):
        return f"a video; {_EXPORT}"
    return _refused_text(bytes(data[:1024]))


def _refused_text(start: bytes) -> str | None:
    head = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<!doctype html", b"<html")):
        return "a web page; open its address in a browser and save the picture there"
    if head.startswith(b"version https://git-lfs"):
        return "a pointer of Git LFS; run git lfs pull in its repository, and try again"
    if head.startswith((b"{\n", b'{"', b"[{", b"{\r")):
        return "a JSON document, such as a server's message or a sidecar; name the image itself"
    if head.startswith(b"<svg") or (head.startswith(b"<?xml") and b"<svg" in head):
        return f"a drawing in SVG; {_EXPORT}"
    if head.startswith(b"<?xml"):
        return f"an XML document; {_EXPORT}"
    if b"%pdf-" in head:
        return f"a PDF document; {_EXPORT}"
    return None


def extra_kind(data: bytes) -> str | None:
    """Return which format, that only the extra `formats` opens, a file is in."""
    claimed = brands(data)
    if claimed & _HEIC and not claimed & {b"avif", b"avis"}:
        return "HEIC"
    if claimed & {b"mif1", b"msf1"} and not claimed & {b"avif", b"avis"}:
        return "HEIF"
    if data.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")):
        return "JPEG XL"
    return None
