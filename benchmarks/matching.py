"""Does the voice knowledge base find the answer to what callers say, and how often is it a wrong one?

Prints, for the development and the held-out set under ``tests/data/knowledge``, how many questions are answered right and wrong,
asked back and passed on, and the time of one question against that of a plain look through all variants. ``--fit`` makes the
weights of `asr.matching` anew and chooses the thresholds, from the development set alone; they are then written by hand into
the module. A third set, the *orphans*, is the same questions with their entry taken out of the base: nothing may be answered.

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

from asr.knowledge import KnowledgeBase
from asr.matching import Decision, Features, Match, NgramMatcher, Thresholds
from hotline.knowledge_files import starting_base

SETS = Path(__file__).parents[1] / "tests" / "data" / "knowledge"
WRONG_AT_MOST = 0.01
"""of all questions: the stated rate, for which the threshold is chosen"""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was heard, and the entry that answers it; None where none does."""

    heard: str
    entry: str | None


def asked(name: str) -> list[Asked]:
    """``development`` or ``held_out``."""
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
    """Print weights, bias, and the threshold that keeps the stated rate in ten-fold cross-validation."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict

    matcher = NgramMatcher(base)
    rows: list[tuple[Features, bool, bool]] = [
        (found[0][2], found[0][0] == one.entry, True)
        for one in questions
        if (found := matcher.look(one.heard))
    ]
    rows += [
        (found[0][2], False, False)
        for without, heard in orphans(base, questions)
        if (found := without.look(heard))
    ]
    values = np.array([features.row() for features, _, _ in rows])
    right = np.array([is_right for _, is_right, _ in rows])
    asked_really = np.array([real for _, _, real in rows])
    model = LogisticRegression(C=10.0, max_iter=5000)
    scores = cross_val_predict(model, values, right, cv=10, method="predict_proba")[:, 1]
    model.fit(values, right)
    weights = ", ".join(f"{weight:.2f}" for weight in model.coef_[0])
    print(f"WEIGHTS = ({weights})")
    print(f"BIAS = {model.intercept_[0]:.2f}")
    print("threshold  right  wrong  orphans answered")
    for threshold in np.arange(0.2, 0.96, 0.05):
        over = scores >= threshold
        answered_right = int((over & right & asked_really).sum())
        wrong = int((over & ~right & asked_really).sum())
        orphaned = int((over & ~asked_really).sum())
        mark = "" if wrong > WRONG_AT_MOST * len(questions) else "  <= stated rate"
        print(f"{threshold:9.2f}  {answered_right:5}  {wrong:5}  {orphaned:5}{mark}")


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
        "--fit", action="store_true", help="weights and threshold from the development set only"
    )
    parser.add_argument("--development", action="store_true", help="leave the held-out set alone")
    parser.add_argument("--errors", action="store_true", help="what went wrong in the development set")
    args = parser.parse_args()
    base, development = starting_base(), asked("development")
    if args.fit:
        fit(base, development)
        return 0
    began = time.perf_counter()
    matcher = NgramMatcher(base)
    matcher.match("公积金怎么提取")
    print(
        f"{len(base)} entries, built with all imports in {time.perf_counter() - began:.2f} s; {matcher.thresholds}"
    )
    told("development", figures(matcher, development))
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
