"""What a caller wants to know about a matter: the papers, the place, the price, how long it takes.

Two questions of the same matter and of different aspects have different answers (公积金提取要什么材料, 公积金提取多久到账).
"""

from __future__ import annotations

import re

ASPECTS = {
    "papers": "材料|手续|带什么|带哪|准备什么|要带|拿什么|证明",
    "place": "哪里|地址|位置|怎么走|附近|最近的",
    "day": "什么时候|哪年|日期|开始",
    "hours": "几点|上班|下班|开门|关门|周末|星期|周六|周日|节假日|礼拜",
    "long": "多久|到账|到卡",
    "price": "多少|标准|比例|利率|额度|价|贵|费用|收费|几个点|百分|几成|要钱|最高|最多|利息|太高",
    "telephone": "电话|热线|联系",
    "whether": "条件|什么人|谁能|资格|够不够|要求|能申请|才能",
    "lost": "丢了|补办|补领|挂失|找不|没了|偷",
    "renewed": "到期|过期|换|期满|年审|年检",
    "found_out": "查|进度|明细|余额|记录|编号",
    "paid": "缴|交费|充值|交钱|充钱",
    "complained": "投诉|举报|告|维权",
    "not_working": "坏|不亮|漏|爆|不热|停水|停电|停气|没水|没电|没气|故障|倒了|破|堵",
    "ended": "注销|撤|取消|报停|停掉|不想|退出",
    "moved": "转移|迁|过户|转到|转过|转回|转学|转",
    "money_back": "退款|退钱|退货|不退|退费|退换|退押金|赔",
    "opened": "激活|开通|开户|启用",
    "taken_out": "提取|领|取",
    "lent": "贷",
    "booked": "预约|挂号|取号|报名",
    "secret": "保密|匿名|泄露",
    "by_net": "网上|手机|微信|线上|小程序",
    "by_other": "代办|委托|本人|替",
    "why": "为什么|为啥|原因|怎么回事",
    "appealed": "不服|输了|复议|申诉",
    "rewarded": "奖",
    "given_to_others": "借给|转租|抵押",
    "still_good": "还能|能当|有没有用|有什么用|作废",
    "taxed": "交税|扣税",
    "harmful": "副作用|害|安全",
    "set_up": "成立|怎么开$|加盟|招聘|招人",
    "how_often": "几个月|几年|几次",
}
"""an aspect, and the words (as `asr.wording.canonical` leaves them) that tell of it"""

_ASPECTS = [(name, re.compile(words)) for name, words in ASPECTS.items()]


def aspects(text: str) -> frozenset[str]:
    """The aspects that a text, in its canonical wording, asks about; often none.

    >>> sorted(aspects("公积金提取多久到账"))
    ['long', 'taken_out']
    """
    return frozenset(name for name, words in _ASPECTS if words.search(text))


TOWNS = (
    "北京 上海 天津 重庆 广州 深圳 杭州 南京 成都 西安 武汉 香港 澳门 台湾 新加坡 美国 日本 韩国 国外 海南 新疆 西藏 广东 江苏 "
    "浙江 四川 外国 英国 加拿大 澳大利亚"
)
"""places of which a caller speaks when it is another one's matter"""
_TOWNS = re.compile("|".join(TOWNS.split()))


def towns(text: str) -> frozenset[str]:
    """The other places that a text names."""
    return frozenset(_TOWNS.findall(text))
