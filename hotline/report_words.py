"""The words of a planner's report in English and Chinese: one place, so that page, pictures and CSV say the same."""

from __future__ import annotations

from typing import Final, Literal

Language = Literal["en", "zh"]

WORDS: Final[dict[str, tuple[str, str]]] = {
    "answer_rate": ("Answer rate", "接通率"),
    "service_level": ("Answered within {within:g} s", "{within:g}秒接通率"),
    "abandon_rate": ("Abandoned", "放弃率"),
    "asa": ("Mean wait", "平均等待"),
    "occupancy": ("Occupancy", "占用率"),
    "blocked": ("Blocked", "呼损率"),
    "target": ("target {target:.4g} %", "目标{target:.4g}%"),
    "interval": ("95 % interval", "95%置信区间"),
    "seats": ("Seats signed on", "在线座席"),
    "need": ("Seats needed", "需要座席"),
    "calls": ("Calls", "来电量"),
    "calls_half_hour": ("Calls a half hour", "每半小时来电"),
    "wait_axis": ("Mean wait, s", "平均等待（秒）"),
    "rate_axis": ("Answer rate, %", "接通率（%）"),
    "seat_axis": ("Seats", "座席"),
    "occupancy_axis": ("Occupancy, %", "占用率（%）"),
    "met": ("The target is met", "达到目标"),
    "missed": ("The target is missed", "未达目标"),
    "undecided": ("Undecided: the interval holds the target", "尚不能判定：区间包含目标值"),
    "simulated": (
        "{days:,} days simulated, {calls:,.0f} calls a day",
        "模拟{days:,}天，每天{calls:,.0f}个来电",
    ),
    "most_seats": ("{seats} seats at the fullest", "最多{seats}个座席"),
    "chart_rate": ("Answer rate by half hour", "每半小时接通率"),
    "chart_seats": ("Seats against need", "在线座席与需要座席"),
    "chart_wait": ("Wait and occupancy", "等待与占用率"),
    "failures": ("What fails first, and why", "最先出现的短板及原因"),
    "nothing_fails": (
        "Nothing: every half hour and every line holds the target.",
        "没有：每个半小时、每条热线均达到目标。",
    ),
    "not_sure": (
        "Not known: what fails surely is told when it was played twice or more.",
        "尚不清楚：至少模拟两次才能判断哪些时段未达标。",
    ),
    "unknown": ("unknown", "未知"),
    "verdict": ("{verdict} ({target})", "{verdict}（{target}）"),
    "lines": ("Lines", "各热线"),
    "line": ("Line", "热线"),
    "where": ("When, where", "时段／热线"),
    "lost": ("Calls lost a day", "每天损失来电"),
    "why": ("Why", "原因"),
    "calls_day": ("Calls a day", "每天来电"),
    "half_hour": ("Half hour", "半小时"),
    "table": ("Every half hour, as a table", "每半小时数据表"),
    "language": ("中文", "English"),
    "strict": (
        "Rates are over all calls that asked for a seat; none is left out for having been short. "
        "The wait is that of all who asked, of those who gave up too.",
        "各项比率以全部请求座席的来电为分母，不剔除短时来电；等待时间包含放弃者。",
    ),
    "method": (
        "Every call was routed by the code that answers the telephones.",
        "每个来电均由实际接听电话的同一套路由程序分配。",
    ),
    "percent": ("%", "%"),
    "seconds": ("s", "秒"),
}


def word(key: str, language: Language, **values: object) -> str:
    """A word or sentence in one of the two languages."""
    text = WORDS[key][0 if language == "en" else 1]
    return text.format(**values) if values else text
