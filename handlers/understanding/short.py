"""Sentences that are nothing but a short answer or a call: 对, 不是, 算了, 帮助."""

import re

from handlers.understanding.mentions import MARKS

NOISE = re.compile(r"[^\w\u4e00-\u9fff👌👍✅🆗❌+#]+")
PARTICLES = (
    r"(?:啊|呀|吧|哦|噢|哈|啦|了|的|滴|呢|嘛|么|喔|哒|哇|诶|额|呃|呐|咧|嘞|哟|噻|撒|那|就|先|嗯|唉|哎|谢谢|谢了|辛苦|一下)*"
)
YES = (
    r"对|是|嗯|恩|嗯哼|好|行|可以|没错|没问题|确认|确定|正确|同意|成|中|妥|要|"
    r"需要|就这么?定|定了|就这样|就这么办|就它|就他|就她|就是(?:他|她|它|这个|这样)|是(?:他|她|"
    r"它|这个|这样)|对头|没毛病|没得问题|要得|中嘞|得嘞|妥妥|当然|必须|"
    r"保存|提交|发送?|ok|okay|k|yes|yep|yeah|y|sure|right|👌|👍|✅|🆗|好滴|搞|准|批准|通过|收到|明白"
)
NO = (
    r"不|不是|不对|不行|不要|不可以|不用|不需要|不同意|不好|别|否|没有|没|错|错了|"
    r"搞错|弄错|搞错人|认错人了?|弄错人|搞反|认错人|不是(?:他|她|它|这个|这样|这位)|不是这个人|no|nope|n|not|"
    r"重新来|重来一遍|❌|木有|冇|不系|母鸡|非也|不确认|不保存|不发|先不|不太对|不正确|有误|不通过"
)
STOP = (
    r"取消|算|算了|退出|返回|停|停止|结束|放弃|作罢|拉倒|中止|终止|撤销|关闭|cancel|"
    r"quit|exit|stop|esc|当我没说|没事|不说|打住|"
    r"先这样|就这样吧?先|就到这|先到这|到此为止|回头再说|以后再说|改天再说|下次再说|"
    r"(?:我)?(?:先)?(?:不用|不必|不要|不|别)(?:录|弄|搞|做|填|写|记|说|办|操作|继续|提交|设|建|"
    r"加|想|整|玩)(?:这个|这条|它)?|(?:取消|退出|结束|停止|放弃)(?:操作|录入|填写|"
    r"对话|流程|当前操作|这个|这次|本次|输入|登记)|重来|不要继续|"
    r"(?:撤销|撤回|取消)(?:掉|了)?(?:刚才|刚刚|上面|上次|刚)?的?(?:那|这|上|前)?一?(?:条|个|次|步|操作|记录)?(?:操作|记录)?|"
    r"(?:把)?(?:刚才|刚刚)的?(?:那|这)?(?:条|个|次)(?:记录|操作)?(?:撤销|撤回|取消)(?:掉|了)?|"
    r"(?:取消|撤销|撤回|删掉|删除|不要|不用|别)(?:掉|再)?(?:刚才|刚刚|这|那)?的?(?:个|条)?(?:提醒|闹钟)(?:我)?"
)
HELP = (
    r"我?(?:想|要)?(?:看看?|看下|看一下|打开|查看)一?下?(?:帮助|菜单|功能|说明|命令)|帮助|帮忙|帮帮我|help|菜单|功能|功能介绍|功能说明|功能清单|使用指南|使用手册|操作手册|入门|说明|使用说明|使用帮助|使用方法|操作说明|"
    r"操作指南|指令|命令|指南|教程|功能列表|命令列表|有(?:什么|啥|哪些)(?:功能|"
    r"命令|指令)|"
    r"(?:这个?)?(?:怎么|咋|如何)(?:用|使用|弄|操作|玩)|(?:你|这个?|机器人|系统)?(?:都|"
    r"到底|还)?(?:能|会|可以)(?:帮我|给我)?(?:都)?(?:干|做|做些|干些|帮我做|帮我干|"
    r"办|处理)(?:点)?(?:啥|什么|哪些|些什么|嘛)(?:事)?|"
    r"(?:能|会|可以)(?:干|做)(?:啥|什么)(?:呀|啊|呢)?你|(?:你|这个?)?(?:都)?有(?:什么|啥|哪些)(?:用|功能|本事|能力)|不会用|看不懂怎么用|"
    r"教教?我(?:怎么用|用)?|新手|能干嘛|你能干嘛|你会啥|你会什么|你能做啥|(?:说|"
    r"讲|介绍)(?:一?下)?(?:怎么用|功能|用法)|用法"
)
SHORT = re.compile(rf"{PARTICLES}(?P<word>(?:{{words}}))(?:{PARTICLES})")


def _whole(words: str) -> re.Pattern[str]:
    one = rf"{PARTICLES}(?:{words}){PARTICLES}"
    return re.compile(rf"(?:{one}){{1,6}}")


ANSWERS = (("help", _whole(HELP)), ("cancel", _whole(STOP)), ("confirm", _whole(YES)), ("deny", _whole(NO)))
# "不对 取消": the stop counts; "不 算了" too.
MIXED_STOP = re.compile(rf"(?:{PARTICLES}(?:{NO}|{YES}){PARTICLES})+(?:{PARTICLES}(?:{STOP}){PARTICLES})+")
# "取消吧 不需要了": a stop with its reason.
STOP_FIRST = re.compile(rf"(?:{PARTICLES}(?:{STOP}){PARTICLES})+(?:{PARTICLES}(?:{NO}|不需要|用不着|没必要){PARTICLES})+")
MIXED_NO = re.compile(rf"(?:{PARTICLES}(?:{YES}){PARTICLES})*(?:{PARTICLES}(?:{NO}){PARTICLES})+")
FEELS = re.compile(r"(?:嗯|恩)+")
LONGEST = 24
# "怎么录线索", "帮助 群发": help about one thing.
TOPIC = re.compile(
    r"^(?:请问|那|我想(?:知道|问)|想问(?:下|一下)?)?(?:(?:怎么|咋|如何|怎样)(?!样|"
    r"还|这么|没|了|会|不|能|说|办|回事)(?P<how>.{2,16})|(?:帮助|help|教我|教一下|"
    r"使用说明)[:：\s]*(?:怎么|如何|一下)?(?P<named>.{2,16})"
    r"|(?P<noun>[一-鿿]{2,8}?)(?:这个功能)?(?:怎么|咋|如何)(?:用|弄|操作|使用|"
    r"做|设置|录|加|发|写|填|建|导)|(?P<used>[一-鿿]{2,8})(?:的用法|的帮助|使用方法|"
    r"怎么个用法))(?:呢|啊|呀|吗)?[?？\s]*$"
)


def short_answer(text: str) -> str | None:
    """Return the intent of a short answer; None when the sentence says more."""
    plain = NOISE.sub("", text)
    if not plain:
        return "help" if re.sub(r"[\s。]", "", text) in {"?", "？"} else None
    if len(plain) > LONGEST:
        return None
    if FEELS.fullmatch(plain):
        return "confirm"
    for intent, pattern in ANSWERS:
        if pattern.fullmatch(plain):
            return intent
    if MIXED_STOP.fullmatch(plain) or STOP_FIRST.fullmatch(plain):
        return "cancel"
    return "deny" if MIXED_NO.fullmatch(plain) else None


def help_topic(skeleton: str) -> str | None:
    """Return what help is asked about, as said; None when it is no question about use."""
    if any(mark in MARKS for mark in skeleton):
        return None
    match = TOPIC.match(skeleton.strip())
    if match is None:
        return None
    topic = match["how"] or match["named"] or match["noun"] or match["used"]
    return re.sub(r"[?？\s]|(?:呢|啊|呀|吗|吧)$", "", topic) or None
