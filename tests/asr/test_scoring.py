from __future__ import annotations

from dataclasses import fields, replace

import pytest

from asr.aspects import aspects, towns
from asr.scoring import Features, read_tree, score
from asr.strangers import NAMES_ALONE, named, strangers

ALIKE = Features(
    characters=1.0,
    sounds=1.0,
    support=1.0,
    latent=1.0,
    belongs=0.5,
    explained=1.0,
    pairs=1.0,
    covered=1.0,
    evidence=1.0,
    ahead=0.5,
    stranger=0.0,
    over_stranger=1.0,
    new_signs=0.0,
    new_pairs=0.0,
    new_content=0.0,
    left_over=0.0,
    length=2.2,
    content=0.7,
    in_sight=0.9,
    other_aspects=0.0,
    other_place=0.0,
)


def test_a_tree_goes_to_the_first_up_to_its_limit_and_else_to_the_second() -> None:
    tree = read_tree("0:0.5:1:-1 1:2:-2:-3 | 10.0 20.0 30.0")
    assert [tree.value(row) for row in ((0.6, 0.0), (0.5, 2.0), (0.5, 2.1))] == [10.0, 20.0, 30.0]


def test_the_row_has_every_feature_in_its_order() -> None:
    assert ALIKE.row() == tuple(getattr(ALIKE, field.name) for field in fields(Features))


def test_what_is_alike_in_everything_is_nearly_sure_and_what_is_alike_in_nothing_is_not() -> None:
    assert score(ALIKE) > 0.95
    worse = replace(ALIKE, characters=0.3, sounds=0.3, support=0.2, ahead=0.02, over_stranger=0.0, pairs=0.2)
    assert score(worse) < 0.3


@pytest.mark.parametrize("feature", ["support", "explained", "covered", "evidence"])
def test_below_all_that_the_trees_have_seen_nothing_is_believed(feature: str) -> None:
    assert score(replace(ALIKE, characters=0.9, **{feature: 0.05})) == 0.0


def test_the_aspects_of_a_question_are_told_apart() -> None:
    assert "papers" in aspects("公积金提取要什么材料")
    assert "long" in aspects("公积金提取多久到账")
    assert aspects("公积金") == frozenset()


def test_other_places_are_told() -> None:
    assert towns("深圳公积金怎么提取") == {"深圳"}
    assert towns("公积金怎么提取") == frozenset()


def test_a_department_is_found_in_a_sentence_by_its_longest_name() -> None:
    assert named("水务局在哪里") == {"水务局"}
    assert named("卫生健康委员会怎么走") == {"卫生健康委员会"}
    assert "税务局" in NAMES_ALONE
    assert len(set(strangers())) == len(strangers())
