"""Answers beyond one pair, for people to read and as lines of a CSV file."""

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from samehand.files import printable
from samehand.plural import counted

if TYPE_CHECKING:
    from samehand.results import Clustering, DecidedWork, Decision, MergeReport, Queue, Suspect

Answer = dict[str, Any]
Rows = list[dict[str, object]]


def _verify_rows(answer: Answer) -> Rows:
    values = {name: answer[name] for name in VERIFY_COLUMNS if name in answer}
    stances = [one["stance"] for one in answer["references"]]
    return [
        values
        | {
            "references": len(stances),
            "supporting": stances.count("supports"),
            "contradicting": stances.count("contradicts"),
            "odd": "; ".join(one["name"] for one in answer["references"] if one["odd"]),
            "warnings": "; ".join(answer["warnings"]),
        }
    ]


def _search_rows(answer: Answer) -> Rows:
    told = {"warnings": "; ".join(answer["warnings"])}
    return [
        {name: one.get(name, one["extra"].get(name)) for name in SEARCH_COLUMNS} | told
        for one in answer["neighbours"]
    ]


def _identify_rows(answer: Answer) -> Rows:
    first = answer["candidates"][0]
    shown = ("known_llr", "none_probability", "artists", "condition", "false_alarms")
    values = {name: answer[name] for name in shown}
    return [
        values
        | {
            "artist": answer["artist"] or ("no decision" if answer["refusal"] else "none of these"),
            "best_artist": first["artist"],
            "best_llr": first["llr"],
            "best_llr_one_style": first["llr_one_style"],
            "others": "; ".join(one["artist"] for one in answer["candidates"][1:]),
            "warnings": "; ".join([*filter(None, [answer["refusal"]]), *answer["warnings"]]),
        }
    ]


VERIFY_COLUMNS = (
    "llr", "llr_one_style", "probability", "decision", "error_rate", "strength", "references",
    "supporting", "contradicting", "odd", "decision_one_style", "error_rate_one_style", "warnings",
)  # fmt: skip
SEARCH_COLUMNS = (
    "rank", "path", "artist", "title", "date", "score", "llr", "llr_one_style", "same_file",
    "qualifier", "accession_number", "warnings",
)  # fmt: skip
IDENTIFY_COLUMNS = (
    "artist", "known_llr", "none_probability", "best_artist", "best_llr",
    "best_llr_one_style", "others", "artists",
    "condition", "false_alarms", "warnings",
)  # fmt: skip

_SHOWN_ELSEWHERE = frozenset({"qualifier", "attribution", "date_from", "date_to"})
"""Facts that a work's artist and date say already."""

VERIFY_TABLE = (VERIFY_COLUMNS, _verify_rows)
SEARCH_TABLE = (SEARCH_COLUMNS, _search_rows)
IDENTIFY_TABLE = (IDENTIFY_COLUMNS, _identify_rows)


def work_words(
    artist: str | None, title: str | None, date: str | None, extra: Mapping[str, str]
) -> list[str]:
    """Return what is known of a work: "after Rembrandt", its title and date, and the rest."""
    qualified = " ".join(filter(None, [extra.get("qualifier"), artist]))
    others = {name: text for name, text in extra.items() if name not in _SHOWN_ELSEWHERE}
    number = others.pop("accession_number", None)
    return [
        qualified or extra.get("attribution") or "-",
        title or "-",
        date or "-",
        *([number] if number else []),
        *(f"{name}: {text}" for name, text in sorted(others.items())),
    ]


def verify_text(probe: str, answer: Answer) -> str:
    """Return a verdict on a reference set in words."""
    # The sentences of reports and pages load what a bare `samehand --help` need not wait for.
    from samehand.explain.words import (
        error_rate_in_words,
        one_style_in_words,
        reference_strength,
        share,
    )

    words = reference_strength(answer["strength"])
    rate = error_rate_in_words(
        answer["error_rate"], answer["condition"], answer["measured_on"], answer["refusal"]
    )
    decided = one_style_in_words(
        answer["decision_one_style"], answer["error_rate_one_style"], "sets"
    )
    lines = [
        f"{probe}  |  {counted(len(answer['references']), 'reference')}",
        "",
        f"{words[0].upper()}{words[1:]}.",
        "",
        f"  log10 likelihood ratio  {answer['llr']:+.2f}",
        *(
            [
                f"  if all of one style     {answer['llr_one_style']:+.2f}"
                + (f" ({decided})" if decided else "")
            ]
            if answer["llr_one_style"] is not None
            else []
        ),
        f"  probability             {share(answer['probability'])} that their artist made it "
        f"(from {answer['prior']:.0%} before looking)",
        f"  decision                {answer['decision']} (operating point "
        f"{answer['operating_point']})",
        f"  error rate              {rate}",
        f"  model                   {answer['model']}, {answer['seconds']:.2f} s",
        "",
        "  references    mean llr    from      to      error rate",
    ]
    lines += [
        f"  {step['references']:>10}    {step['llr']:+8.2f}  {step['lowest']:+6.2f}  "
        f"{step['highest']:+6.2f}      {step['error_rate']:.1%}"
        for step in answer["growth"]
    ]
    lines += ["", "  alone    with the other references"]
    lines += [_reference_line(one) for one in answer["references"]]
    lines += [f"  warning   {warning}" for warning in answer["warnings"]]
    return "\n".join(lines)


def _reference_line(one: Answer) -> str:
    apart = "     " if one["coherence"] is None else f"{one['coherence']:+5.2f}"
    odd = ", does not belong" if one["odd"] else ""
    return f"  {one['llr']:+5.2f}    {apart}   {one['stance']}{odd}: {printable(one['name'])}"


def search_text(probe: str, answer: Answer) -> str:
    """Return the nearest works as lines."""
    how = "exact" if answer["exact"] else f"approximate, recall@10 {answer['recall_at_10']:.3f}"
    lines = [f"{probe}  |  {counted(answer['works'], 'work')} of {answer['gallery']}, {how}", ""]
    for one in answer["neighbours"]:
        same = "  (the image itself)" if one["same_file"] else ""
        parts = "  |  ".join(work_words(one["artist"], one["title"], one["date"], one["extra"]))
        said = _both_llrs(one)
        lines.append(f"  {one['rank']:>3}  {said}  {printable(parts)}{same}")
        lines.append(f"       {printable(one['path'])}")
    if not answer["neighbours"]:
        lines.append(
            f"  no work to compare with: `samehand gallery list {answer['gallery']}` shows what "
            "--where can choose from"
        )
    lines += [f"  warning   {warning}" for warning in answer["warnings"]]
    return "\n".join(lines)


def _both_llrs(one: Answer) -> str:
    within = one["llr_one_style"]
    return f"llr {one['llr']:+.2f}" + ("" if within is None else f" ({within:+.2f} in its style)")


def identification_text(probe: str, answer: Answer) -> str:
    """Return an identification in words."""
    from samehand.codec import decode
    from samehand.explain.words import naming_in_words, share
    from samehand.results import Identification

    named = answer["artist"]
    nobody = "None of these artists, as far as the images tell."
    if answer["refusal"]:
        nobody = "Nobody is named; those who are most like it stand below."
    lines = [
        f"{probe}  |  {counted(answer['artists'], 'artist')} of {answer['gallery']}",
        "",
        printable(f"{named}." if named else nobody),
        *([printable(f"By decision: {answer['decided']}.")] if answer["decided"] else []),
        "",
        f"  one of these            {answer['known_llr']:+.2f} (log10 likelihood ratio)",
        f"  none of these           {share(answer['none_probability'])} (from "
        f"{1 - answer['prior']:.0%} before looking)",
        f"  pictures                {answer['condition']}",
        f"  {naming_in_words(decode(Identification, answer))}",
        "",
    ]
    for one in answer["candidates"]:
        lines.append(
            f"  {one['rank']:>3}  {_both_llrs(one)}  {share(one['probability']):>5}  "
            f"{printable(one['artist'])} ({counted(one['works'], 'work')})"
        )
    for name, why in answer["ruled_out"].items():
        lines.append(printable(f"  ruled out by decision: {name} ({why})"))
    lines += [f"  warning   {warning}" for warning in answer["warnings"]]
    return "\n".join(lines)


def clustering_text(found: "Clustering") -> str:
    """Return the largest hands and the suspect labels."""
    several = [hand for hand in found.hands if len(hand.works) > 1]
    lines = [
        f"{counted(found.works, 'work')} of {found.gallery}: "
        f"{counted(len(several), 'group')} of several works, "
        f"{counted(len(found.hands) - len(several), 'work')} alone",
        "",
    ]
    for hand in several[:20]:
        name = hand.artist or "no label"
        lines.append(
            f"  hand {hand.number:<5} {len(hand.works):>5} works, {hand.purity:.0%} of the "
            f"labels: {printable(name)}"
        )
    if found.joined or found.parted:
        lines.append(
            f"  by decision: {counted(len(found.joined), 'set')} of works kept in one hand, "
            f"{counted(len(found.parted), 'pair')} kept apart; --json names them"
        )
    lines += [printable(f"  warning   {warning}") for warning in found.warnings]
    if found.suspects:
        lines += ["", suspects_text(found.suspects)]
    return "\n".join(lines)


def suspects_text(suspects: "Sequence[Suspect]") -> str:
    """Return labels that the other works contradict, the most suspect first."""
    lines = ["Labels that the other works contradict:", ""]
    for one in suspects:
        own = "" if one.own_llr is None else f" ({one.own_llr:+.2f})"
        number = one.extra.get("accession_number", "")
        number = f"{number}, " if number else ""
        lines.append(
            printable(
                f"  {one.rank:>3}  {one.artist}{own}, rather {one.rival} ({one.rival_llr:+.2f}): "
                f"{one.title or '-'}, {number}{one.path}"
            )
        )
        if one.duplicate:
            lines.append(printable(f"       the same picture under another name: {one.duplicate}"))
    return "\n".join(lines)


def decided_words(one: "Decision") -> str:
    """Return one decision as a line."""
    label = {"same": "same hand", "different": "different hands", "unsure": "unsure"}[one.label]
    names = " and ".join(_named(work) for work in (one.first, one.second))
    return printable(f"{one.id}  {one.time[:10]}  {one.by or 'somebody'}: {label}, {names}")


def decision_lines(one: "Decision") -> list[str]:
    """Return a decision for people to read."""
    llr = "" if one.llr is None else f"llr {one.llr:+.2f} then"
    state = "" if one.stands else "no longer counts"
    state = "disputed: somebody decided otherwise" if one.disputed else state
    more = "  |  ".join(filter(None, [llr, one.note, state]))
    return [decided_words(one), *([printable(f"              {more}")] if more else [])]


def queue_text(found: "Queue") -> str:
    """Return suggestions for people to read, with the command that decides the first."""
    lines = [
        f"{counted(found.waiting, 'pair')} of {counted(found.works, 'work')} of {found.gallery} "
        f"to decide about; {found.decided:,} decided already",
        "",
    ]
    for one in found.suggestions:
        lines.append(
            f"  {one.rank:>3}  {one.probability:>4.0%} same hand, settles "
            f"{counted(one.pairs, 'pair')} ({one.value:.1f} bits)"
        )
        for work in (one.first, one.second):
            words = work_words(work.artist, work.title, work.date, work.extra)
            lines.append(printable("       " + "  |  ".join([work.path or work.sha256, *words])))
    if found.suggestions:
        one = found.suggestions[0]
        paths = (str(work.path or work.sha256) for work in (one.first, one.second))
        told = shlex.join(["samehand", "decide", found.gallery, *paths])
        lines += ["", printable(f"decide the first with: {told} same|different|unsure")]
    else:
        lines.append("  works that both have an artist's name are asked about with --labelled only")
    return "\n".join(lines)


def _named(work: "DecidedWork") -> str:
    number = work.extra.get("accession_number")
    name = work.path or f"a work that is not here now ({work.sha256[:12]})"
    return f"{number} ({name})" if number else name


def merge_text(report: "MergeReport") -> str:
    """Return what merging two galleries came to."""
    lines = [
        f"merged {report.source} into {report.into}: added {counted(report.added, 'work')}, "
        f"{report.same:,} there already, {counted(report.labels, 'label')} filled in, "
        f"{counted(report.decisions, 'decision')} taken over"
    ]
    if report.copies:
        lines.append(
            f"{counted(report.copies, 'new work shows', 'new works show')} a picture that was "
            "there under another path"
        )
    if report.differing:
        path, columns = next(iter(report.differing.items()))
        lines.append(
            f"{counted(len(report.differing), 'work')} labelled differently: the text of "
            f"{report.into} stays, and that of {report.source} stands beside it, "
            f"{', '.join(columns)} of {path} for one"
        )
    return "\n".join(map(printable, lines))
