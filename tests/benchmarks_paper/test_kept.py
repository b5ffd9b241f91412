"""What becomes of rows that a run did not measure."""

from benchmarks.paper.kept import with_kept_rows

OLD = """Measured on 2026-11-24: `lite@1`. Made by

## (a) All

5 pairs.

| system | AUC |
|---|---|
| slow | 0.5 |
| quick | 0.6 |
| lite, as served | 0.7 |

### Protocols

| task | pairs |
|---|---|
| gone | 9 |

## Systems

- **slow**: Takes hours.
- **lite, as served**: Ours.
"""

NEW = """Measured on 2026-11-26: `lite@2`. Made by

## (a) All

5 pairs.

| system | AUC |
|---|---|
| lite, as served | 0.8 |
| vit, as served | 0.9 |

### Protocols

| task | pairs |
|---|---|
| unseen | 5 |

## Systems

- **lite, as served**: Ours.
- **vit, as served**: Ours, too.
"""


def test_rows_that_were_not_measured_stay_where_they_stood_with_their_date():
    text = with_kept_rows(NEW, OLD)
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert rows == [
        "| system | AUC |",
        "| slow | 0.5 |",
        "| quick | 0.6 |",
        "| lite, as served | 0.8 |",
        "| vit, as served | 0.9 |",
        "| task | pairs |",
        "| unseen | 5 |",
    ]
    assert [line for line in text.splitlines() if line.startswith("- ")] == [
        "- **slow**: Takes hours.",
        "- **lite, as served**: Ours.",
        "- **vit, as served**: Ours, too.",
    ]
    assert "stand as they were: slow (2026-11-24); quick (2026-11-24).\n" in text


def test_a_kept_row_keeps_its_date_through_further_runs_and_loses_it_when_measured():
    third = NEW.replace("2026-11-26", "2026-12-01")
    text = with_kept_rows(third, with_kept_rows(NEW, OLD))
    assert "slow (2026-11-24); quick (2026-11-24).\n" in text
    measured = third.replace("| vit, as", "| slow | 0.55 |\n| vit, as")
    text = with_kept_rows(measured, text)
    assert "| slow | 0.55 |" in text
    assert "| slow | 0.5 |" not in text
    assert text.count("Not measured again") == 1


def test_lists_of_pairs_that_were_not_asked_about_stay_in_their_place():
    other = NEW.replace("## (a) All", "## (b) One style")
    text = with_kept_rows(other, OLD)
    titles = [line for line in text.splitlines() if line.startswith("#")]
    assert titles == ["## (a) All", "## (b) One style", "### Protocols", "## Systems"]
    assert "| lite, as served | 0.7 |" in text
    assert "| vit, as served | 0.9 |" in text


def test_a_table_with_other_columns_takes_no_old_row():
    wider = NEW.replace("| AUC |", "| AUC | EER |").replace(
        "|---|---|\n| lite", "|---|---|---|\n| lite"
    )
    assert "| quick |" not in with_kept_rows(wider, OLD)


def test_a_run_of_everything_keeps_nothing():
    assert with_kept_rows(OLD, OLD) == OLD
    assert with_kept_rows(NEW, "") == NEW
