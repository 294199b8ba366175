"""What a caller's short answers mean, and that a question is none of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.meaning import Meaning, meaning, named

SHORT = {
    Meaning.PERSON: "转人工 请转人工 请帮我转人工吧 转接人工客服 我要人工服务 找人工 你好转人工 人工 [unk]人工 客服 接线员 "
    "转到人工座席 转[unk]人工 麻烦帮我转人工谢谢",
    Meaning.REPEAT: "再说一遍 请再说一遍 麻烦您再说一遍 重复一下 没听清楚 听不清 你说什么 什么 没听懂",
    Meaning.SMS: "发短信 短信 发短信给我 把答案用短信发给我",
    Meaning.NO: "不是 不是的 不 没有 没有了 没有谢谢 不用了谢谢 嗯，不是的。 没解决 不对不对 不是不是 没有没有了",
    Meaning.YES: "是 是的 对 对对对 好的 好的谢谢 可以 嗯 嗯是的 要 我要 有 还有 解决了 知道了 是的是的 明白了谢谢",
    Meaning.FINE: "没问题 没有问题了",
    Meaning.TROUBLE: "有问题 还有问题",
    Meaning.BYE: "再见 拜拜 谢谢 谢谢你 好的再见 不用了谢谢再见 没有了再见 挂了",
    Meaning.CASE: "查进度 我想查询办理进度 催办 查询工单 上次反映的问题处理怎么样",
}


@pytest.mark.parametrize(
    ("text", "meant"), [(one, meant) for meant, said in SHORT.items() for one in said.split()]
)
def test_short_answers_mean_what_callers_mean_by_them(text: str, meant: Meaning) -> None:
    assert meaning(text) is meant


@pytest.mark.parametrize(
    "text",
    [
        "你听不懂我说的给我转人工",
        "我要反映一个问题，转人工吧",
        "说了半天也不对，帮我找个真人",
        "那你们人工客服什么时候有人",
        "我不想跟机器说，转接到人工" + "说了好几遍了" * 12,
    ],
)
def test_a_person_is_asked_for_in_the_middle_of_other_words_too(text: str) -> None:
    assert meaning(text) is Meaning.PERSON


@pytest.mark.parametrize(
    "text",
    [
        "",
        "我想找人工作",
        "转人工智能专业要什么条件",
        "跟人工费有关的规定",
        "喂",
        "转",
        "[unk]",
        "人工智能",
        "人工费怎么算",
        "不要人工增雨",
        "客服电话是多少",
        "怎么申请劳动仲裁",
        "不是本地户口能上学吗",
        "没有身份证怎么办",
        "要什么材料",
        "可以提取公积金吗",
        "对面工地噪音",
        "有问题的食品怎么举报",
        "短信收不到验证码",
        "谢谢你们上次修好了路灯现在又坏了",
    ],
)
def test_a_question_is_no_answer_whatever_words_are_in_it(text: str) -> None:
    assert meaning(text) is Meaning.OTHER


@pytest.mark.parametrize(
    "word", ["转接", "好", "谢谢", "没有", "好的", "麻烦", "我要", "那个", "对", "再见好的"]
)
@pytest.mark.parametrize("end", ["", "吃"])
def test_a_babble_of_any_length_is_read_in_one_way_only(word: str, end: str) -> None:
    """An expression that tries all ways would not be done with these before the universe is."""
    for times in (2, 29, 3000):
        assert meaning(word * times + end) in set(Meaning)


@given(st.text(st.sampled_from("转接人工好的没有了谢再见不是我要那个麻烦吧啊请帮对嗯"), max_size=60))
def test_every_babble_of_such_words_means_something_or_nothing(text: str) -> None:
    assert meaning(text) in set(Meaning)


NAMES = {"公积金中心": "12329", "公积金": "12329", "税务局": "12366", "找工作": "12333"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("公积金中心", "12329"),
        ("我找公积金中心", "12329"),
        ("请帮我转公积金中心吧", "12329"),
        ("转接税务局谢谢", "12366"),
        ("税务局的电话", "12366"),
        ("找工作", "12333"),
        ("公积金怎么提取", None),
        ("公积金中心在哪里", None),
        ("我找", None),
        ("", None),
    ],
)
def test_a_line_is_named_by_its_name_and_nothing_else(text: str, line: str | None) -> None:
    assert named(text, NAMES) == line
