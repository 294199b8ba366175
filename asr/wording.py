"""How callers word things: what is said without meaning anything, and what is said for the same thing.

A question and an entry's variants are brought into one wording before they are compared. The tables hold what is common in
speech and in the northern dialects of the five cities; a word is here only if it means the same whatever the matter is.
"""

from __future__ import annotations

import re

FILLERS = (
    "麻烦问一下 麻烦问下 麻烦你 麻烦您 麻烦 跟您打听一下 跟你打听一下 打听一下 打听个事 打听下 打听 "
    "我想咨询一下 想咨询一下 我想问一下 我想问下 我就想问问 我想问问 想问一下 想问下 想问问 我问一下 "
    "问一下 问下 问个事 我想知道 想知道 我想了解一下 想了解一下 了解一下 咨询一下 咨询下 请教一下 "
    "请问 你给我说说 给我说说 帮我看看 帮我查查 帮我问问 帮我 给我讲讲 告诉我 跟我说说 同志 师傅 "
    "姑娘 小伙子 老师您 喂喂 喂 你好 您好 嗯 呃 额那个 哎呀 哎 唉 诶 欸 哦 噢 喔 啊 呀 呢 "
    "吧 嘛 哈 哟 哩 就是说 就是 那个 这个 那什么 然后 的话 到底 究竟 其实 反正 现在 刚才 "
    "谢谢啊 谢谢 一下子 一下 是这样的 是这样 是这么回事 我说 你说 您说 对吧 行不 想请 嘞 咯 呗 闺女啊 大姐 我刚刚 "
)
"""said without meaning anything, with blanks between"""

SAME = {
    "怎么": ("怎么样才能 怎么才能 怎么样 怎样才能 如何才能 怎样 如何 咋个 咋样 咋着 咋整 咋 怎么着 怎麼 怎 "),
    "什么": "什么样的 啥样的 哪些个 哪些 哪几样 哪几种 啥子 啥 甚么 么子",
    "哪里": (
        "什么地方 啥地方 哪个地方 哪地方 搁哪儿 搁哪里 搁哪 上哪儿 去哪里 去哪儿 在哪里 在哪儿 到哪里 哪条街上 哪条路上 "
        "哪儿 哪块儿 哪块 上哪 去哪 在哪 到哪"
    ),
    "多久": "多长时间 多少时间 多少天 几天 多长 要几个月 几个工作日",
    "多少": "好多 几多 多大 几个点 多些 百分之几 几成",
    "几点": "什么时间点 几点钟 几时",
    "周末": "礼拜天 礼拜日 礼拜六 星期天 星期日 星期六 周六 周日 双休日",
    "什么时候": "啥时候 啥时间 什么时间 哪天 何时 多会儿 几号 几月",
    "丢了": (
        "弄丢了 给丢了 丢失了 丢失 遗失了 遗失 掉了 不见了 找不着了 找不到了 找不到 找不着 "
        "被偷了 搞丢了 整丢了 丢 "
    ),
    "办理": "申办 办下来 办一个 办个 弄一个 弄个 搞一个 整一个 做一个",
    "材料": "资料 手续材料 证件材料 证件",
    "提取": "提出来 取出来 支取 提现 领出来",
    "申请": "申领 请领",
    "缴费": "缴纳费用 交费 缴钱 交钱",
    "缴": "缴纳 缴存 交纳",
    "投诉": "告他们 告他 反映 投述",
    "辞退": "开除 撵走 炒鱿鱼 优化了 裁掉 裁了",
    "孩子": "小孩儿 小孩 娃娃 娃儿 娃 小朋友 儿子 闺女 女儿",
    "老人": "老年人 老头儿 老太太 上年纪的人 我爸妈 我爹 我妈 我爸 父母",
    "新生儿": "刚生的孩子 刚出生的孩子 刚出生的宝宝 宝宝 婴儿 刚生孩子",
    "工资": "工钱 薪水 薪资 血汗钱",
    "公司": "单位 厂里 厂子 企业",
    "公积金": "住房公积金 住房基金",
    "社保": "社会保险 五险",
    "医保": "医疗保险 新农合",
    "社保卡": "社会保障卡",
    "驾驶证": "驾照 驾驶本 驾驶执照 车本",
    "房产证": "不动产权证书 不动产权证 不动产证 房本 房照 房屋所有权证",
    "燃气": "天然气 煤气 液化气",
    "暖气": "暖气片 地暖 暖气管",
    "供暖": "供热 来暖 送暖 通暖气 供暖气 采暖",
    "扰民": "吵得睡不着觉 吵得睡不着 吵人 太吵了 吵死了 吵得慌 吵",
    "噪音": "噪声 动静",
    "小区": "院子 院里 家属院 社区里",
    "商家": "店家 商户 卖家 老板店 商店 店里 店铺 超市",
    "个体户": "个体工商户 个体经营户",
    "营业执照": "营业证 工商执照",
    "违章": "违法记录 违停",
    "车辆": "汽车 小车 车子 机动车",
    "电动车": "电瓶车 电动自行车 电车",
    "出租车": "的士",
    "网约车": "网上叫的车 打车软件",
    "公租房": "公共租赁住房 廉租房 公租屋",
    "低保": "最低生活保障 低保户",
    "残疾证": "残疾人证",
    "身份证": "居民身份证",
    "户口": "户籍 户囗",
    "结婚登记": "登记结婚",
    "发票": "票据",
    "个人所得税": "个税 个人税",
    "退休金": "养老金 退休工资 养老钱",
    "办事大厅": "政务服务中心 政务大厅 行政服务中心 办事中心 政务中心 便民中心",
    "电话": "电话号码 联系方式",
    "修": "维修 修理",
    "饭店": "饭馆 餐馆 餐厅 馆子 菜馆",
    "脏": "埋汰 不干净 不卫生",
    "清理": "拾掇 打扫 清扫",
    "没地方": "没地儿 没处",
    "看看": "瞅瞅 瞧瞧 看一看",
    "没有": "冇 没得 木有 木得",
    "不能": "不让 不可以 没法",
    "能不能": "可不可以 能否 可以不可以 可否",
}
"""one wording, and the others that are said for it, with blanks between"""

LIGHT = frozenset(
    "我你您他她它们俺咱的了着过地得在是有想要能会就都也还又再很太真把给被让跟和与从到去来往个些这那儿吗呢吧啊呀么怎什哪几多少"
    "一下里面上前后时候说话事情人家自己可以应该需办理弄搞呗咋样请问下点找看为以及或者如果但因所只才已经正刚好大小年月天"
)
"""signs that say little about the matter: they count for a fraction (`LIGHT_WEIGHT`)"""
LIGHT_WEIGHT = 0.3

_PUNCTUATION = re.compile(r"[\W_]+")
_FILLERS = re.compile("|".join(sorted(map(re.escape, FILLERS.split()), key=len, reverse=True)))
_OTHER = {word: one for one, words in SAME.items() for word in words.split()}
_KEPT = {one: one for one in SAME}
_SAME = re.compile("|".join(sorted(map(re.escape, _OTHER | _KEPT), key=len, reverse=True)))


def plain(text: str) -> str:
    """Without blanks, punctuation and fillers; as it was when nothing else is left."""
    bare = _PUNCTUATION.sub("", text).lower()
    return _FILLERS.sub("", bare) or bare


def canonical(text: str) -> str:
    """In the wording in which questions are compared.

    >>> canonical("嗯，请问驾照弄丢了咋办呀")
    '驾驶证丢了怎么办'
    """
    return _SAME.sub(lambda found: (_OTHER | _KEPT)[found[0]], plain(text))
