from pathlib import Path

import pytest

from samehand.serving.batch import Table, answer_all

TABLE = Table(("value",), lambda found: [{"value": found["value"]}])


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_blank_line_in_the_file_of_answers_is_no_answer(tmp_path, at):
    out = tmp_path / "x.csv"
    lines = ["probe,value,error", "a.jpg,1,", "b.jpg,1,"]
    lines.insert(at, "")
    out.write_text("\n".join(lines) + "\n")
    probes = [Path(name) for name in ("a.jpg", "b.jpg", "c.jpg")]
    asked = []

    def answer(probe):
        asked.append(probe.name)
        return {"value": 2}

    assert answer_all(probes, answer, out, TABLE, "asking") == (2, {})
    # The last image of the file may have been cut short, so it is asked again.
    assert asked == ["b.jpg", "c.jpg"]
    assert out.read_text() == "probe,value,error\na.jpg,1,\nb.jpg,2,\nc.jpg,2,\n"
