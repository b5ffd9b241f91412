"""The notebook of the examples runs, and shows what its text promises."""

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_the_notebook_is_kept_without_outputs():
    book = nbformat.read(EXAMPLES / "notebook.ipynb", as_version=4)
    nbformat.validate(book)
    codes = [cell for cell in book.cells if cell.cell_type == "code"]
    assert codes
    assert not any(cell.outputs or cell.execution_count for cell in codes)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_the_notebook_runs_from_two_pictures_to_a_map(tmp_path):
    shutil.copytree(EXAMPLES / "atelier", tmp_path / "atelier")
    book = nbformat.read(EXAMPLES / "notebook.ipynb", as_version=4)
    NotebookClient(
        book, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    shown = [
        kind
        for cell in book.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        for kind in output.get("data", ())
    ]
    # The sheet of evidence and the map.
    assert shown.count("image/png") == 2
    assert "text/html" in shown
    text = "".join(
        output.text for cell in book.cells for output in cell.get("outputs", ()) if "text" in output
    )
    assert "log10 likelihood ratio" in text
