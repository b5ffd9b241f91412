"""What `attribution.py` found, as Markdown."""

from typing import Any

from shared import ranged, table


def markdown(found: dict[str, Any]) -> str:
    """Return the tables of docs/benchmark.md."""
    searched = [*found.get("search", []), *([found["frozen"]] if "frozen" in found else [])]
    noisy = {k.removeprefix("noise: "): v for k, v in found.items() if k.startswith("noise: ")}
    parts = [
        f"Model `{found['model']}`; {found['paintings']:,} paintings by {found['artists']} unseen "
        "artists unless said. Brackets are 95 % intervals.",
    ]
    # A run that was interrupted has some of the tables.
    for measured, section in (
        (found.get("verification"), verification),
        (found.get("odd"), odd),
        (found.get("open_set"), open_set),
        (searched, search),
        (found.get("clusters"), clusters),
        (noisy, noise),
    ):
        parts += section(measured) if measured else []
    return "\n".join(parts) + "\n"


def verification(rows: list[dict[str, Any]]) -> list[str]:
    single = rows[0]["eer"][0]
    return [
        "",
        "### Verification with N references, on unseen artists",
        "",
        f"{rows[0]['artists']} artists with more than {rows[-1]['references']} works, so that "
        "every line is about the same artists; intervals resample artists on both sides.",
        *table(
            ["N", "trials", "AUC", "EER", "EER, share of N = 1", "Cllr", "min Cllr"],
            [
                [
                    str(row["references"]),
                    f"{row['trials']:,}",
                    ranged(*row["auc"]),
                    ranged(*row["eer"]),
                    f"{row['eer'][0] / single:.0%}",
                    ranged(*row["cllr"]),
                    ranged(*row["min_cllr"]),
                ]
                for row in rows
            ],
        ),
    ]


def odd(rows: list[dict[str, Any]]) -> list[str]:
    return [
        "",
        "### One work by another artist among N references",
        *table(
            ["N", "sets", "it is the least coherent", "it is named", "an innocent one is named"],
            [
                [
                    str(row["references"]),
                    f"{row['sets']:,}",
                    f"{row['least_coherent']:.0%}",
                    f"{row['named']:.0%}",
                    f"{row['wrongly_named']:.1%}",
                ]
                for row in rows
            ],
        ),
    ]


def open_set(rows: list[dict[str, Any]]) -> list[str]:
    def shown(row: dict[str, Any], column: int) -> str:
        return ranged(*(row[name][column] for name in ("figures", "low", "high")))

    rule = rows[0]
    return [
        "",
        "### Open-set identification: half of the artists in the gallery",
        "",
        "Probes are all works of both halves, a work never being its own reference; means and "
        "ranges over 20 random halves. DIR is the share of known probes that are named rightly at "
        "a threshold that names that share of the unknown ones.",
        *table(
            ["system", "rank 1", "rank 5", "DIR at 1 % false alarms", "DIR at 10 %"],
            [[row["system"], *(shown(row, column) for column in range(4))] for row in rows],
        ),
        "",
        "The model's own thresholds, which come from the validation artists:",
        *table(
            ["threshold", "false alarms", "named rightly"],
            [
                [name, shown(rule, 4 + 2 * i), shown(rule, 5 + 2 * i)]
                for i, name in enumerate(("far1", "far10"))
            ],
        ),
    ]


def search(rows: list[dict[str, Any]]) -> list[str]:
    return [
        "",
        "### Search: works by the probe's artist",
        *table(
            ["system", "mAP", "R@1"],
            [[row["system"], ranged(*row["map"]), ranged(*row["r_at_1"])] for row in rows],
        ),
    ]


def clusters(found: dict[str, Any]) -> list[str]:
    return [
        "",
        "### Probable hands",
        "",
        f"{found['groups']:,} groups; B-cubed precision {found['precision']:.3f}, recall "
        f"{found['recall']:.3f}, F {found['f']:.3f}.",
    ]


def noise(found: dict[str, dict[str, Any]]) -> list[str]:
    return [
        "",
        "### Labels swapped on purpose",
        "",
        "1 % of the works exchange labels; means of three draws. Training saw the true labels of "
        "most of the whole catalogue, so its line flatters.",
        *table(
            [
                "works",
                "swapped",
                "precision at 50 (best possible)",
                "precision at the number swapped",
                "found among the 5 % most suspect",
            ],
            [
                [
                    f"{name}, {row['works']:,}",
                    f"{row['swapped']:.0f}",
                    f"{row['at_50']:.2f} ({row['best_possible_at_50']:.2f})",
                    f"{row['at_swapped']:.2f}",
                    f"{row['found_in_5_percent']:.0%}",
                ]
                for name, row in found.items()
            ],
        ),
    ]
