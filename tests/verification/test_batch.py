from pathlib import Path

import pytest

from samehand.verification.batch import Table, answer_all

TABLE = Table(("value",), lambda found: [{"value": found["value"]}])


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_blank_line_in_the_file_of_answers_is_no_answer(tmp_path, at):
    out = tmp_path / "x.csv"
    probes = [Path(name) for name in ("a.jpg", "b.jpg", "c.jpg")]
    question = {"command": "test"}
    answer_all(probes[:2], lambda probe: {"value": 1}, out, TABLE, question, "asking")
    lines = out.read_text().splitlines()
    lines.insert(at, "")
    out.write_text("\n".join(lines) + "\n")
    asked = []

    def answer(probe):
        asked.append(probe.name)
        return {"value": 2}

    found = answer_all(probes, answer, out, TABLE, question, "asking")
    assert (found.answered, found.before, found.failed) == (1, 2, {})
    assert asked == ["c.jpg"]
    rows = [line for line in out.read_text().splitlines() if line]
    assert rows == ["probe,value,error", "a.jpg,1,", "b.jpg,1,", "c.jpg,2,"]
