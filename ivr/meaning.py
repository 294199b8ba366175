"""What a caller means by a short answer to the machine: yes, no, once more, a person. Questions are the knowledge base's."""

from __future__ import annotations

import re
from enum import StrEnum


class Meaning(StrEnum):
    """What was said, as far as it needs no knowledge base."""

    PERSON = "person"
    REPEAT = "repeat"
    YES = "yes"
    NO = "no"
    SMS = "sms"
    FINE = "fine"
    """没问题: no, where he was asked for a problem, yes everywhere else"""
    TROUBLE = "trouble"
    """有问题: the other way round"""
    BYE = "bye"
    CASE = "case"
    """about a case that there is already: how far is it, urge it, add to it"""
    OTHER = "other"
    """everything else: a question, if anything"""


_NOISE = re.compile(r"\[unk\]|[\W_]")
LONGEST = 60
"""characters: nobody says yes, no or 转人工 with more"""
# In all that is repeated no alternative is made of others: however long a babble is, it is read in one way only.
_LEAD = r"(?:喂|嗯|呃|啊|哦|那|那个|你好|您好|请|麻烦|麻烦你|麻烦您|帮我|给我|我要|我想|我要求|要|就)*"
_TAIL = r"(?:吧|啊|呀|呢|嘛|啦|了|的|一下|谢谢|谢谢你|谢谢您)*"


def _any(words: str) -> re.Pattern[str]:
    return re.compile(f"{_LEAD}(?:(?:{'|'.join(words.split())}){_TAIL}){{1,3}}")


# Each is matched against the whole of what was said: a word in the middle of a question is none of these. The first
# that fits counts.
_WORDS: tuple[tuple[Meaning, re.Pattern[str]], ...] = (
    (
        Meaning.PERSON,
        _any(
            "(?:(?:找|转到|转|接通|接)*(?:人工|真人|活人)(?:客服|服务|坐席|座席|台)?) "
            "客服 (?:找|转|转接|接)(?:客服|话务员|接线员) 话务员 接线员 不要机器人? 不跟机器人?说"
        ),
    ),
    (
        Meaning.REPEAT,
        _any(
            "(?:再)?重复(?:一遍|一次|一下)? 再说(?:一遍|一次|一下) 再讲(?:一遍|一次) 再来一遍 "
            "没(?:有)?听清楚? 没听见 没听懂 听不清楚? 听不见 "
            "你说什么 什么 啥 不明白"
        ),
    ),
    (
        Meaning.SMS,
        _any(
            "(?:把)?(?:答复|答案|内容|这个)?(?:发|用|通过)?短信(?:发)?(?:给我|过来|到手机)? 发(?:个|条)?短信(?:给我|过来)?"
        ),
    ),
    (
        Meaning.NO,
        _any(
            "不是 不对 不 否 没有 没 没了 没有了 没有别的 没有其他(?:的|问题)? 没别的 不用 不要 不需要 不必 不可以 不行 错 错了 "
            "不是这个 不是问这个 不是这样 不了 不用谢 都没有 没啥 "
            "没解决 没有解决 还没有解决 不满意 非常不满意 取消 否定 算了"
        ),
    ),
    (
        Meaning.YES,
        _any(
            "是 是的 对 对的 对对 没错 好 好的 好吧 行 行的 可以 可以的 要 需要 有 还有 还有别的(?:问题)? 确认 确定 继续 嗯 "
            "有的 我要 我需要 发吧 发一个 可以了 行了 没错的 "
            "解决 解决了 已经解决 知道了 明白 明白了 清楚了 满意 非常满意 比较满意 是这个 就是这个"
        ),
    ),
    (Meaning.FINE, _any("没问题 没有问题")),
    (Meaning.TROUBLE, _any("有问题 还有问题")),
    (
        Meaning.BYE,
        _any("(?:好的?|行|可以了?|没有了?|不用了?|知道了|明白了?|谢谢[你您]?)*(?:再见|拜拜)+"),
    ),
    (Meaning.BYE, _any("挂断 挂了 结束 退出 谢谢 谢谢你 谢谢您 非常感谢 多谢")),
    (
        Meaning.CASE,
        _any(
            "(?:查|查询|看看)?(?:办理|工单|案件|投诉)?(?:的)?进度 (?:查|查询)(?:我的)?(?:工单|案件)(?:进度|编号)? "
            "工单(?:进度)? 催办 催单 (?:撤销|补充|修改)(?:我的)?(?:工单|诉求) "
            "上次(?:反映|投诉)的(?:问题|事情)?(?:解决了|处理|办得|怎么样)?(?:吗|没有|怎么样)?"
        ),
    ),
)

# One exception: whoever says this in the middle of a complaint has had enough of machines.
_PERSON = re.compile(
    "转(?:接|到|个)*人工(?!作|智能)|人工(?:客服|坐席|座席)|(?:找|接|换|跟|和)(?:个|一个)?(?:人工服务|真人|活人)"
)


def meaning(text: str) -> Meaning:
    """What the whole of a text means; a person is asked for in the middle of others, too.

    >>> meaning("嗯，不是的"), meaning("请帮我转人工吧"), meaning("不是本地户口能上学吗")
    (<Meaning.NO: 'no'>, <Meaning.PERSON: 'person'>, <Meaning.OTHER: 'other'>)
    """
    bare = _NOISE.sub("", text)
    if len(bare) > LONGEST:
        return Meaning.PERSON if _PERSON.search(bare) else Meaning.OTHER
    means = next((found for found, words in _WORDS if words.fullmatch(bare)), Meaning.OTHER)
    return Meaning.PERSON if means is Meaning.OTHER and _PERSON.search(bare) else means


CHOICE_WORDS = (
    "是", "是的", "不是", "不是的", "对", "对的", "不对", "好", "好的", "要", "不要", "可以", "不可以",
    "不行", "有", "没有", "没有了", "不用", "不用了", "需要", "不需要", "确认", "取消", "没问题", "谢谢", "谢谢你",
    "再见", "拜拜", "发短信", "解决了", "没解决",
)  # fmt: skip
PERSON_WORDS = ("转人工", "人工", "人工服务", "人工客服", "请转人工", "我要转人工")
AGAIN_WORDS = ("再说一遍", "重复", "重复一遍", "听不清", "没听清")
"""what is said most of all, to narrow a recogniser to, and for it to know at least: an answer, a person, once more"""


_NAME_LEAD = re.compile(
    r"^(?:喂|你好|您好|请|帮我|给我|麻烦|我要|我想|我|要|找|转|接|转接|转到|接到|问|咨询|一下)*"
)
_NAME_TAIL = re.compile(r"(?:吧|谢谢|的人|的电话|一下)*$")


def named(text: str, names: dict[str, str]) -> str | None:
    """The line whose name, and nothing but that, was said. ``names``: lines by what they are called.

    >>> named("请帮我转公积金中心", {"公积金中心": "12329"})
    '12329'
    """
    bare = _NOISE.sub("", text)
    shorter = _NAME_TAIL.sub("", _NAME_LEAD.sub("", bare))
    return names.get(bare) or names.get(shorter)
