"""Clusters do not depend on the order of the questions, nor on which were left to themselves."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from asr.wording import canonical
from hotline import question_clusters
from hotline.question_clusters import clusters

SAID = [
    "暖气不热怎么办", "家里暖气一点都不热", "暖气片不热找谁", "我家暖气不热没人管",
    "共享单车乱停放", "共享单车堆在路口没人管", "路口共享单车乱停",
    "居住证在哪里办", "外地人居住证怎么办理", "办居住证去哪里",
    "路灯不亮了",
]  # fmt: skip


def groups(texts: list[str]) -> set[frozenset[str]]:
    asked = {canonical(text): 1 for text in texts}
    return {frozenset(cluster.wordings) for cluster in clusters(asked)}


def test_what_is_asked_in_other_words_comes_together_and_other_matters_stay_apart() -> None:
    words = [canonical(text) for text in SAID]
    assert groups(SAID) == {
        frozenset(words[:4]), frozenset(words[4:7]), frozenset(words[7:10]), frozenset(words[10:])
    }  # fmt: skip


def test_a_homophone_of_the_recogniser_is_in_the_cluster_of_what_was_said() -> None:
    assert groups(["居住证怎么办理", "居住正怎么办理", "路灯不亮了"]) == {
        frozenset([canonical("居住证怎么办理"), canonical("居住正怎么办理")]), frozenset([canonical("路灯不亮了")])
    }  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(st.permutations(SAID), st.integers(0, 10))
def test_the_order_and_the_base_beside_it_do_not_matter(texts: list[str], left: int) -> None:
    asked = {canonical(text): 1 for text in texts[left:]}
    assert clusters(asked) == clusters(dict(sorted(asked.items())))
    every = [wording for cluster in clusters(asked, ["暖气什么时候来"]) for wording in cluster.wordings]
    assert sorted(every) == sorted(asked)


def test_the_middle_is_the_wording_nearest_to_what_most_asked() -> None:
    asked = {"暖气不热怎么办": 1, "暖气不热": 30, "我家暖气不热没有人管": 1}
    (found,) = clusters(asked)
    assert found.middle == "暖气不热"


def test_nothing_asked_makes_no_cluster_and_one_alone_makes_one() -> None:
    assert clusters({}) == []
    assert clusters({"": 3}) == []
    assert [cluster.wordings for cluster in clusters({"停水": 1})] == [("停水",)]


def test_wordings_without_anything_in_common_or_of_one_sign_are_no_trouble() -> None:
    odd = {"a": 1, "的": 1, "吗": 1, "😀": 1, "停水" * 100: 1, "wifi": 1}
    assert sorted(word for cluster in clusters(odd) for word in cluster.wordings) == sorted(odd)


def test_to_cluster_by_chains_gives_the_same_as_to_cluster_all_at_once() -> None:
    chance = random.Random(1)
    topics = [
        "暖气不热",
        "公积金提取",
        "居住证办理",
        "路灯不亮",
        "停水通知",
        "噪音扰民",
        "垃圾清运",
        "公交改线",
    ]
    ways = ["怎么办", "找谁", "没有人管", "去哪里", "什么时候", "多少钱"]
    texts = sorted(
        {
            chance.choice(topics)[: chance.randint(2, 4)] + chance.choice(topics)[:2] + chance.choice(ways)
            for _ in range(150)
        }
    )
    found = clusters(dict.fromkeys(texts, 1))
    vectors = question_clusters._vectors(texts, ())
    labels = question_clusters._labels((vectors @ vectors.T).toarray(), question_clusters.APART)
    assert len(labels) > 5
    assert {cluster.wordings for cluster in found} == {
        tuple(texts[place] for place in label) for label in labels
    }
    sizes = [len(cluster.wordings) for cluster in found]
    assert max(sizes) > 1


def test_of_too_many_wordings_those_asked_least_are_left_out() -> None:
    asked = {"停水": 3, "路灯不亮": 2, "噪音": 1}
    kept = {word for cluster in clusters(asked, most=2) for word in cluster.wordings}
    assert kept == {"停水", "路灯不亮"}
