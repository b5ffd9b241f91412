import pytest

from samehand.errors import SamehandError
from samehand.reporting.case import Case, read_case


def test_a_case_file_is_read(tmp_path):
    path = tmp_path / "case.toml"
    path.write_text('object = "Mill"\noperator = " A. Reader "\n', encoding="utf-8")
    assert read_case(path) == Case(object="Mill", operator="A. Reader")
    assert read_case(path).rows() == [("object", "Mill"), ("operator", "A. Reader")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('colour = "red"', "unknown key colour"),
        ("object = 3", "object should be a text"),
        ("object = ", "is not a TOML file"),
        ("object = " + "[" * 100_000, "is not a TOML file"),
    ],
)
def test_what_is_no_case_file_is_refused_in_one_sentence(tmp_path, text, said):
    path = tmp_path / "case.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SamehandError, match=said) as found:
        read_case(path)
    assert str(path) in str(found.value)


def test_a_case_file_that_is_not_there(tmp_path):
    with pytest.raises(SamehandError, match="name a case file"):
        read_case(tmp_path / "none.toml")
