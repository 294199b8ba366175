"""By which names callers ask for a line: those of the city file, and the short forms that people use for them.

The rule is small on purpose, and what it does not find stands in ``[speech.names]``. Of a line's name and of its department
there are: the whole; without 全国 or 市 before it; without the words for a telephone behind it (热线, 服务热线; 举报电话 keeps its
举报), where three signs are left; 管理中心 as 中心; 住房公积金 as 公积金; and the usual short name of a department
(人力资源和社会保障局: 人社局). A name that would stand for two lines stands for none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ivr.meaning import Meaning, meaning

LEAST = 2
"""signs of a name: one alone is misheard too easily"""

_MARKS = re.compile(r"[\W_]+")
_BEFORE = re.compile(r"^(?:全国统一|全国|国家税务总局[^市]{1,6}市|市(?!场|长|民(?!政)))")
_BEHIND = (
    re.compile(r"(?:热线服务电话|(?:统一|专用|公益)*(?:热线|专线|电话|平台))$"),
    re.compile(r"(?:统一|专用|公益|监督|咨询|客户|客服|服务|热线|专线|电话|平台|服务台)+$"),
)
_TOPIC = 3
"""signs that must be left of a name: 交通 or 卫生 alone is said for many reasons"""
_PLACE = re.compile(r"[市县区镇乡]$")
_FUND = "住房公积金"
_USUAL = {
    "人力资源和社会保障局": "人社局",
    "人力资源社会保障局": "人社局",
    "市场监督管理局": "市场监管局",
    "城市管理局": "城管局",
    "住房和城乡建设局": "住建局",
    "交通运输局": "交通局",
    "卫生健康委员会": "卫健委",
    "卫生健康委": "卫健委",
    "自然资源和规划局": "自然资源局",
    "应急管理局": "应急局",
    "文化广电和旅游局": "文旅局",
    "文化和旅游局": "文旅局",
    "医疗保障局": "医保局",
    "退役军人事务局": "退役军人局",
    "生态环境局": "环保局",
    "农业农村局": "农业局",
    "烟草专卖局": "烟草局",
    "邮政管理局": "邮政局",
}
"""what departments are called in every city"""
_NOBODYS = frozenset(
    ("服务", "投诉", "举报", "投诉举报", "举报投诉", "咨询", "中心", "政务", "市长", "县长", "信访", "窗口")
)
"""left over where everything else was a word for a telephone: callers mean no line by them"""


@dataclass(frozen=True, slots=True)
class NamedLine:
    """A line's number as the plan shows it, its name, and its department; ``None`` where that can't stand for the line."""

    number: str
    name: str
    department: str | None


def short_forms(name: str) -> list[str]:
    """What people call something of this name, the whole name first.

    >>> short_forms("住房公积金服务热线")
    ['住房公积金服务热线', '住房公积金服务', '住房公积金', '公积金服务热线', '公积金服务', '公积金']
    >>> short_forms("市市场监督管理局")
    ['市市场监督管理局', '市场监督管理局', '市场监管局']
    """
    whole = _MARKS.sub("", name)
    bare = _BEFORE.sub("", whole)
    found = [bare]
    found += [left for words in _BEHIND if len(left := words.sub("", bare)) >= _TOPIC]
    found += [one.replace("管理中心", "中心") for one in found]
    found += [one.removeprefix("住房") for one in found if one.startswith(_FUND)]
    found += [_USUAL[one] for one in found if one in _USUAL]
    return [one for one in dict.fromkeys((whole, *found)) if _serves(one)]


def spoken_names(lines: Iterable[NamedLine], further: dict[str, str]) -> dict[str, str]:
    """Lines by what callers call them. ``further``: names that a person has written, which win."""
    owners: dict[str, set[str]] = {}
    for line in lines:
        for name in _names(line):
            owners.setdefault(name, set()).add(line.number)
    return {name: min(numbers) for name, numbers in owners.items() if len(numbers) == 1} | further


def fault_of(name: str) -> str | None:
    """Why this can't be a line's name, as ``fault: remedy``."""
    if len(_MARKS.sub("", name)) < LEAST:
        return "is too short to be heard: write two signs or more"
    if meaning(name) is not Meaning.OTHER:
        return "is said to the machine itself, for no line: write another name"
    return None


def _names(line: NamedLine) -> Iterator[str]:
    yield from short_forms(line.name)
    if line.department is None or _PLACE.search(line.department):  # a place is said for many reasons
        return
    for name in short_forms(line.department):
        yield name
        if name.endswith("公积金中心"):
            yield name.removesuffix("中心")


def _serves(name: str) -> bool:
    return len(name) >= LEAST and name not in _NOBODYS and meaning(name) is Meaning.OTHER
