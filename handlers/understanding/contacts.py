"""How a customer was contacted: the method words, and whether a sentence tells of a contact that happened."""

import re

from handlers.understanding.mentions import PERSON, WHO

# The first that stands earliest in the told part counts; at one place the longer.
METHODS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        (
            "video",
            r"微信视频|钉钉视频|视频会议|视频|腾讯会议|飞书会议|开了?个?(?:线上|网络|视频|腾讯|飞书)会议?|线上会议?|网络会议|🎥|📹|(?<![a-z])(?:zoom|"
            r"teams|facetime)(?![a-z])",
        ),
        (
            "phone",
            r"微信语音|微信电话|语音|电话|来电|通话|通了?个?话|致电|回电|去电|拨(?:打|"
            r"通|了)|打来|打过来|📞|☎|📱|📲|打(?:了|过)?(?:一|两|几)?个?(?:过去|过来|给)|打通了|没打通|接通|占线|"
            r"(?<![a-z])(?:call(?:ed)?|phone)(?![a-z])",
        ),
        ("wechat", r"微信|(?<![a-z])(?:wechat|weixin|vx|wx)(?![a-z])|朋友圈"),
        ("dingtalk", r"钉钉|(?<![a-z])(?:dingtalk|ding)(?![a-z])"),
        ("email", r"📧|✉|邮件|发邮|e-?mail|(?<![a-z])mail(?![a-z])|邮箱"),
        ("sms", r"短信|(?<![a-z])sms(?![a-z])"),
        (
            "visit",
            r"上门|拜访|走访|登门|到访|回访(?=了?现场)|跑了?一?趟|去了?一?趟|实地|(?:去|"
            r"到)了?(?:他|她|对方|客户|他们|她们)?(?:们)?(?:的)?(?:公司|厂里|工厂|现场|"
            r"办公室|单位|店里|门店)|" + rf"(?<![收说谈聊提找遇见听看想等接])(?:去|到)了?{WHO}(?:那边|那里|那儿|公司|办公室)?",
        ),
        (
            "meeting",
            r"见面|见了|见过|面谈|面聊|面对面|当面|吃(?:了|过)?(?:个|顿|一顿)?(?:便?饭|"
            r"午饭|晚饭|饭局|火锅)|吃(?:了|过|完)(?!药|亏|惊|透|不|闭)|撸串|一起吃|请.{0,6}吃|饭局|约饭|聚餐|(?<!在)开会|会(?:议)?开(?:完|了|得)|开(?:了|过)?(?:个|"
            r"一个|一场|场)?(?:(?!线上|网络|视频|电话|腾讯)[^,，。\s]){0,3}会(?!议?室)|会议|碰面|碰头|碰了|"
            r"会面|座谈|召开|(?:启动|评审|交流|研讨|座谈|协调|对接|沟通|推进|说明|发布|答辩|汇报|复盘|讨论|碰头|宣讲)会|喝(?:了|过)?(?:个|杯|点|次)?(?:茶|咖啡|酒)|约见|小聚|(?<![a-z])meeting(?![a-z])",
        ),
    )
)
# Words of a contact in the past; 再 and 要 before them would make it a plan.
TOLD = re.compile(
    rf"(?:聊|谈|沟通|联系|打|发|通|见|碰|拜访|走访|回访|跟进|交流|对接|开|吃|喝|"
    rf"call|讲|问|(?<![签预合])约|催|追|演示|汇报|介绍|确认|回复|回|加|去|跑|到|送|寄|视频|微信|"
    rf"电话|来电|接|收到|推|报|提交|给)"
    rf"(?:了(?!解)|过(?!去|来|一遍|一下)|完了?|到了|上了|通了|好了)|(?:联系|拜访|"
    rf"走访|回访|见|约|call|问|催|加|陪)(?:了|过)?{WHO}(?:了|过)|发来|打来|寄来|"
    rf"来信|问起|找(?:到)?我"
    rf"|{WHO}(?:约|请|邀)(?:我|咱)们?|约好|约定|说好了?|谈好|讲好"
    r"|(?:聊|谈|沟通|打|通|开|见|说|问)的(?!话|时候)|(?:微信|电话|视频|亲自)来的|"
    r"来的(?:电话|微信|消息)|聊到|谈到|提到(?![\d\ue00a一二三四五六七八九])|说到"
)
SAID = re.compile(
    r"说(?!明|服|法|不定|好)|反馈|表示|觉得|认为|嫌|担心|同意|答应|拒绝|要求|认可|"
    r"满意|感兴趣|有兴趣|有意向|没意向|不感兴趣|考虑|犹豫|纠结|没回|没接|没打通|"
    r"打不通|没通|关机|空号|停机|拒接|无人接听|没人接|不在|"
    r"占线|没动静|催|告诉|回复|问(?!题)|提出|"
    r"想要?|让我|希望|打算|表态|承诺|比较急|着急|不急|卡住|没批|没下来|在走流程|"
    r"在评估|在比价|压价|砍价|不着急|挺好|不错"
)
WITH = re.compile(rf"(?:跟|和|与|同|给|找|陪|约|见|拜访|联系|call){PERSON}")


def find_method(text: str) -> str | None:
    """Return the method of the contact told in a text."""
    found = [(match.start(), -len(match[0]), name) for name, pattern in METHODS if (match := pattern.search(text))]
    return min(found)[2] if found else None


# A customer who speaks, writes or agrees.
THEIR_SPEECH = re.compile(r"说(?!明|服)|表示|反馈|告诉|回复(?:说|我)|问(?!题)|来电|答应|同意")


def contact_told(skeleton: str) -> bool:
    """Tell whether a contact with somebody named is told."""
    with_somebody = bool(WITH.search(skeleton) or re.search(WHO, skeleton))
    if not with_somebody:
        return False
    if TOLD.search(skeleton):
        return True
    method = find_method(skeleton)
    return bool(method and (WITH.search(skeleton) or THEIR_SPEECH.search(skeleton)))
