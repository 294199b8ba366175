"""Does the voice knowledge base find the answer to what callers say, and how often is it a wrong one?

Prints, for the development sets and the held-out set under ``tests/data/knowledge``, how many questions are answered right and
wrong, asked back and passed on, and the time of one question against that of a plain look through all variants. ``--fit`` writes
`asr.score_trees` anew and prints what each threshold would do, from the development sets alone; the thresholds are then written by
hand into `asr.matching`. The *orphans* are the same questions with their entry taken out of the base: nothing may be answered.

Wrong: an answer was spoken that is not the right one, or one where the base has none. Its denominator is every question of the
set, those without an answer too. Asked back right: the question that is read back is the caller's.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from asr import score_trees
from asr.knowledge import KnowledgeBase
from asr.matching import Decision, Match, NgramMatcher, Thresholds
from asr.scoring import Features
from hotline.knowledge_files import starting_base

SETS = Path(__file__).parents[1] / "tests" / "data" / "knowledge"
WRONG_AT_MOST = 0.01
"""of all questions: the stated rate"""
DEVELOPMENT = ("development", "voices", "near_misses")
"""the sets that the trees and the thresholds are made of"""
FOLDS, ORPHANS_WEIGH, RATE, SEEDS = 10, 0.4, 0.1, 4
TREES = '''"""The trees of `asr.scoring.score`, as ``python -m benchmarks.matching --fit`` wrote them: one a line, in the form of
`asr.scoring.read_tree`. Nobody changes them by hand."""

from __future__ import annotations

BASE = {base:.6f}
RATE = {rate}
TREES = """
{trees}
"""  # noqa: E501
'''


@dataclass(frozen=True, slots=True)
class Asked:
    """What was heard, and the entry that answers it; None where none does."""

    heard: str
    entry: str | None


def asked(name: str) -> list[Asked]:
    """``development``, ``voices``, ``near_misses`` or ``held_out``."""
    with (SETS / f"{name}.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [Asked(row["heard"], None if row["entry"] == "-" else row["entry"]) for row in rows]


def outcome(match: Match, entry: str | None) -> str:
    """One of: right, wrong, asked back right, asked back wrong, passed on."""
    if match.decision is Decision.PASS_ON or match.best is None:
        return "passed on"
    found = match.best.entry == entry
    if match.decision is Decision.ANSWER:
        return "right" if found else "wrong"
    return "asked back right" if found else "asked back wrong"


def figures(matcher: NgramMatcher, questions: Sequence[Asked]) -> dict[str, Counter[str]]:
    """Outcomes of the questions with an answer (``answer``), and of those without (``none``)."""
    counts: dict[str, Counter[str]] = {"answer": Counter(), "none": Counter()}
    for one in questions:
        kind = "none" if one.entry is None else "answer"
        counts[kind][outcome(matcher.match(one.heard), one.entry)] += 1
    return counts


def orphans(
    base: KnowledgeBase, questions: Sequence[Asked], parts: int = 8
) -> list[tuple[NgramMatcher, str]]:
    """Each question with a base that lacks its entry, and the entries of an eighth of the others."""
    wanted = sorted({one.entry for one in questions if one.entry is not None})
    matchers: dict[str, NgramMatcher] = {}
    for part in range(parts):
        gone = set(wanted[part::parts])
        matchers |= dict.fromkeys(
            gone, NgramMatcher(KnowledgeBase(tuple(entry for entry in base if entry.id not in gone)))
        )
    return [(matchers[one.entry], one.heard) for one in questions if one.entry is not None]


def fit(base: KnowledgeBase, questions: Sequence[Asked]) -> None:
    """Make the trees of `asr.score_trees` anew, and print what each threshold would do in ten-fold cross-validation.

    All rows of one question are in the same fold. An orphan counts for less than half a question: it is seldom that a base
    lacks an entry and has all its neighbours.
    """
    import numpy as np
    from sklearn.ensemble import GradientBoostingClassifier

    matcher = NgramMatcher(base)
    rows: list[tuple[Features, bool, bool, int]] = [
        (found[0][2], found[0][0] == one.entry, True, number % FOLDS)
        for number, one in enumerate(questions)
        if (found := matcher.look(one.heard))
    ]
    folds = {one.heard: number % FOLDS for number, one in enumerate(questions)}
    rows += [
        (found[0][2], False, False, folds[heard])
        for without, heard in orphans(base, questions)
        if (found := without.look(heard))
    ]
    values = np.array([features.row() for features, *_ in rows])
    right = np.array([is_right for _, is_right, *_ in rows])
    real = np.array([is_real for _, _, is_real, _ in rows])
    fold = np.array([number for *_, number in rows])
    weights = np.where(real, 1.0, ORPHANS_WEIGH)

    def models(chosen: Any) -> list[GradientBoostingClassifier]:
        # the mean of several: a single one depends much on which rows it happened to see
        return [model(seed).fit(values[chosen], right[chosen], weights[chosen]) for seed in range(SEEDS)]

    def model(seed: int) -> GradientBoostingClassifier:
        return GradientBoostingClassifier(
            n_estimators=90, max_depth=3, learning_rate=RATE, subsample=0.7, max_features=0.3,
            min_samples_leaf=8, random_state=seed,
        )  # fmt: skip

    scores = np.zeros(len(rows))
    for number in range(FOLDS):
        drawn = [learnt.decision_function(values[fold == number]) for learnt in models(fold != number)]
        scores[fold == number] = 1.0 / (1.0 + np.exp(-np.mean(drawn, axis=0)))
    print("threshold  right  wrong  orphans answered")
    for threshold in np.arange(0.3, 0.96, 0.025):
        over = scores >= threshold
        answered_right = int((over & right & real).sum())
        wrong = int((over & ~right & real).sum())
        orphaned = int((over & ~real).sum())
        mark = "" if wrong > WRONG_AT_MOST * len(questions) else "  <= stated rate"
        print(f"{threshold:9.3f}  {answered_right:5}  {wrong:5}  {orphaned:5}{mark}")
    all_rows = models(np.ones(len(rows), bool))
    prior = float(np.log(all_rows[0].init_.class_prior_[1] / all_rows[0].init_.class_prior_[0]))
    trees = [as_line(tree[0].tree_) for learnt in all_rows for tree in learnt.estimators_]
    text = TREES.format(base=prior, rate=round(RATE / SEEDS, 6), trees="\n".join(trees))
    (Path(score_trees.__file__)).write_text(text, "utf-8")
    print(f"{len(trees)} trees in {score_trees.__name__}")


def as_line(tree: Any) -> str:
    """A fitted tree as `asr.scoring.read_tree` reads it."""
    splits = [node for node in range(tree.node_count) if tree.children_left[node] >= 0]
    leaves = [node for node in range(tree.node_count) if tree.children_left[node] < 0]
    place = {node: number for number, node in enumerate(splits)}
    place |= {node: -1 - number for number, node in enumerate(leaves)}
    parts = [
        f"{tree.feature[node]}:{tree.threshold[node]:.4g}:{place[tree.children_left[node]]}:{place[tree.children_right[node]]}"
        for node in splits
    ]
    return " ".join([*parts, "|", *(f"{tree.value[node][0][0]:.3f}" for node in leaves)])


def told(name: str, counts: dict[str, Counter[str]]) -> None:
    answers, none = counts["answer"], counts["none"]
    both, of_all = answers + none, answers.total() + none.total()
    print(f"{name}: {answers.total()} questions with an answer, {none.total()} without")
    for kind in ("right", "asked back right", "asked back wrong", "passed on", "wrong"):
        with_answer = answers[kind] / max(1, answers.total())
        print(f"  {kind:<18}{answers[kind]:>5} ({with_answer:6.1%})   without an answer {none[kind]:>4}")
    reached = answers["right"] + answers["asked back right"]
    print(f"  right at once or after a yes: {reached / max(1, answers.total()):.1%} of those with an answer")
    print(
        f"  wrong answers spoken: {both['wrong']} of {of_all} questions, {both['wrong'] / max(1, of_all):.2%}"
    )


def one_question(matcher: NgramMatcher, base: KnowledgeBase, questions: Sequence[Asked]) -> None:
    """Milliseconds of one question, and how many times as fast as comparing it with each variant by itself."""
    from rapidfuzz.distance import Indel

    from asr.pinyin import syllables
    from asr.wording import canonical

    began = time.perf_counter()
    for one in questions:
        matcher.match(one.heard)
    ours = (time.perf_counter() - began) / len(questions)
    variants = [question for entry in base for question in entry.questions]
    began = time.perf_counter()
    for one in questions[:5]:
        heard = syllables(canonical(one.heard))
        max(Indel.normalized_similarity(heard, syllables(canonical(variant))) for variant in variants)
    plainly = (time.perf_counter() - began) / 5
    print(
        f"one question: {ours * 1000:.2f} ms, {plainly / ours:.0f} times as fast as reading every variant anew"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--fit", action="store_true", help="write asr/score_trees.py, from the development sets only"
    )
    parser.add_argument("--development", action="store_true", help="leave the held-out set alone")
    parser.add_argument("--errors", action="store_true", help="what went wrong in the development sets")
    args = parser.parse_args()
    base, sets = starting_base(), {name: asked(name) for name in DEVELOPMENT}
    development = [one for questions in sets.values() for one in questions]
    if args.fit:
        fit(base, development)
        return 0
    began = time.perf_counter()
    matcher = NgramMatcher(base)
    matcher.match("公积金怎么提取")
    print(
        f"{len(base)} entries, built with all imports in {time.perf_counter() - began:.2f} s; {matcher.thresholds}"
    )
    for name, questions in sets.items():
        told(name, figures(matcher, questions))
    answered = sum(
        replace_thresholds(without, matcher.thresholds).match(heard).decision is Decision.ANSWER
        for without, heard in orphans(base, development)
    )
    print(f"  orphans answered: {answered} of {sum(one.entry is not None for one in development)}")
    if args.errors:
        for one in development:
            match = matcher.match(one.heard)
            if (what := outcome(match, one.entry)) != "right" and (one.entry or what != "passed on"):
                near = [f"{c.entry} {c.score:.2f}" for c in match.candidates[:2]]
                print(f"    {what}: {one.heard} ({one.entry}): {near}")
    if args.development:
        return 0
    held_out = asked("held_out")
    counts = figures(matcher, held_out)
    told("held out", counts)
    one_question(matcher, base, held_out)
    wrong = counts["answer"]["wrong"] + counts["none"]["wrong"]
    missed = counts["answer"]["right"] < 0.92 * counts["answer"].total() or wrong > WRONG_AT_MOST * len(
        held_out
    )
    print(f"target (>= 92 % right at once, <= 1 % wrong): {'missed' if missed else 'met'}")
    return int(missed)


def replace_thresholds(matcher: NgramMatcher, thresholds: Thresholds) -> NgramMatcher:
    matcher.thresholds = replace(thresholds)
    return matcher


if __name__ == "__main__":
    sys.exit(main())
