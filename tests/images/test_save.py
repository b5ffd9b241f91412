import numpy as np
import pytest
from PIL import Image

from samehand.errors import OutputError
from samehand.images.save import save_picture


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.png", "PNG"),
        ("a.JPG", "JPEG"),
        ("a.jpeg", "JPEG"),
        ("a.webp", "WEBP"),
        ("a.tif", "TIFF"),
    ],
)
def test_a_picture_gets_what_its_suffix_says(tmp_path, picture, name, kind):
    image = picture(1)
    save_picture(image, tmp_path / name)
    with Image.open(tmp_path / name) as found:
        assert found.format == kind
        difference = np.abs(np.asarray(found.convert("RGB"), int) - np.asarray(image, int))
    assert difference.max() == 0 or (kind == "JPEG" and difference.mean() < 4)


def test_a_picture_may_be_a_pdf_and_nothing_unknown(tmp_path, picture):
    save_picture(picture(1), tmp_path / "a.pdf")
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF-")
    for name in ("a.html", "a", "a.svg", "a.csv"):
        with pytest.raises(OutputError, match=r"name it with \.png, .* or \.pdf"):
            save_picture(picture(1), tmp_path / name)
        assert not (tmp_path / name).exists()
