"""Which intent a sentence has: an ordered table of phenomena over the skeleton; the first that fits wins.

The order is by how much a phrase settles: a head such as 日报： or 拜访打卡 first, then commands with their own noun
(公海, 群发, 标签, 商机), then what only context tells (a follow-up, a visit, a plan).
"""

import re
from dataclasses import dataclass

from handlers.understanding.contacts import SAID, TOLD, find_method
from handlers.understanding.mentions import COMPANY, DISCOUNT, EMAIL, MONEY, PERCENT, PERSON, PHONE, REF, TIME, WHO, Sentence
from handlers.understanding.stages import find_stage

POLITE = r"^[\s,，]*(?:请|麻烦(?:你|帮我)?|帮我|帮忙|给我|我想要?|我要|想|你|那个|嗯|呃|能不能|可以|可否|能否|来)*[\s,，]*"
SALES_TASK = r"(?:待办|任务|提醒|事项|日程|跟进计划|todo)"


@dataclass(frozen=True, slots=True)
class Rule:
    """A phenomenon: what must be found in the skeleton, what must not, and how sure it makes us."""

    intent: str
    found: re.Pattern[str]
    unless: re.Pattern[str] | None = None
    confidence: float = 0.9

    def fits(self, skeleton: str) -> bool:
        """Tell whether the rule fits."""
        return bool(self.found.search(skeleton)) and not (self.unless and self.unless.search(skeleton))


def rule(intent: str, found: str, unless: str | None = None, confidence: float = 0.9) -> Rule:
    """Write a rule down."""
    return Rule(intent, re.compile(found), re.compile(unless) if unless else None, confidence)


REMIND = r"提醒|(?<![他她们总哥姐工董板\ue001\ue002])(?:叫|喊|催|通知)(?:一下|下)?我|闹钟|闹铃|(?<!没)记得(?!他|她|了|吗)|别忘了?|不要忘|定个(?:时|闹)|备忘|(?<![a-z])remind"
SEGMENT = r"(?:客户们?|线索|会员|vip|粉丝|老客|新客|标签|用户|所有人|全员|大家|好友)"
GREET = r"祝福|问候|拜年|贺卡|祝贺|贺词|贺电|节日快乐|生日快乐|新年快乐|贺岁|道贺|慰问|贺喜|快乐"
FETCH = r"(?:领取|认领|捡|抢|捞|领(?:走|下|了|过来|一下|养|个)?|(?:归|给)我|我要(?:了|这)|我来跟|我跟(?:了|吧)|我认|拿下来|拉过来|分给我|挑走|收了)"

HEADS = (
    rule("submit_report", r"^[\s]*(?:我的|今日|本日|今天的?|本周的?|工作|销售|\ue003的?)?(?:交|提交|写|发|补|填|汇报)?(?:一下|下|个|份|一份)?(?:我的|今日|今天的?|\ue003的?|本周的?|工作|销售)*(?:日报|周报|工作总结|日总结|周总结)(?!.{0,4}(?:咋|怎么|如何|模板|格式))", REMIND + "|看看?(?:一?下)?.{0,6}(?:日报|周报)|每|谁没|还没"),
    rule("submit_report", r"^[\s]*(?:今日|本日|今天|本周|\ue003)(?:工作)?(?:总结|小结|汇报)[:：\s]"),
    rule("comment", r"^[\s]*(?:请)?(?:批注|点评|评论|批示|批复|留言|评语)(?!.{0,3}功能)|(?:点评|批注|评论|批示|留言|批复)(?:一下|下|一句|几句|[:：])|^[\s]*\ue005(?:点评|批注|评论|批示|批复|留言)|(?:加|写|留|做)(?:个|条|一条|一个|点)?(?:批注|点评|评论|批示|评语|留言)", REMIND + "|大众点评|说.{0,8}评论"),
    rule("log_visit", r"打卡|签到|外勤|外出登记|外出拜访登记|拜访登记|到访登记|外出(?=[\s,，:：]*[" + TIME + "去" + PERSON + COMPANY + "])", REMIND + "|没打卡|忘了?打卡|签到(?:率|表|数|情况)|" + SEGMENT + "签到"),
    rule("set_reminder", POLITE + r"(?:设|建|加|新建|新增|创建|添加|定|弄|来|设置|记)(?:一?个|一条|条|下|一下)?(?:新的?|重要)?(?:提醒|待办|任务|闹钟|日程|备忘|todo)", r"祝福|群发"),
)

HANDOVER = (
    rule("handover", r"(?:交还|还|交回|交|转回?|退回?|换回?|切回?|切换到|丢回?)(?:回|还)?(?:给)?(?:机器人|ai|小助手|智能客服|自动回复|bot)|(?:机器人|bot|ai|自动回复)(?:来|继续|接着|接手|接管|恢复|接|回|聊)|(?:恢复|打开|开启)(?:机器人|自动回复)|(?:结束|退出|取消|解除|停止)(?:人工|接管)|释放(?:会话|对话)|不用人工了"),
    rule("handover", r"接管|(?:会话|对话|聊天|消息|客服).{0,8}(?:我来|转(?:给)?我|让我|交给我|给我|由我|我接)|(?:我来|让我|我)(?:接手?|回复?|聊|接待|应付|答)(?:一?下)?" + WHO + r"|" + WHO + r".{0,6}(?:我来(?:接|聊|回|答|接待|应付|说)|让我(?:来)?(?:接|聊|回)|转人工|切(?:到)?人工|人工(?:来|接))|(?:转|切|换)(?:到|成|为)?人工|人工(?:接|介入|服务)" + WHO + r"?", "公海|提醒|线索"),
)

BROADCAST = (
    rule("cancel_broadcast", r"(?:取消|撤(?:掉|了|回|销|下)?|停(?:掉|止|了|一下|发)?|终止|叫停|作废|删(?:掉|除|了)?|中止|暂停|别发|不发)[^,，。]{0,14}(?:群发|推送|广播|祝福|问候)|(?:群发|推送|祝福|问候|R)[^,，。]{0,8}(?:取消|撤(?:掉|了|回|销|下)?(?:吧|$|[\s,，。])|停(?:掉|止|了|一下|吧)|终止|叫停|作废|删掉|别发了?|不(?:要|用)?发了|先别发|暂停|不发了)".replace("R", REF), r"^[\s]*" + REF + r"(?:取消|删)|提醒|待办|任务"),
    rule("broadcast_status", r"(?:群发|推送|广播|祝福|那批消息|那波)[^,，]*?(?:咋样|怎么样|怎样|如何|效果|状态|打开率|进度|情况|结果|送达|发完|多少|成功|失败|回复率|点击|数据|阅读|退订|到哪|统计|发出去(?:了)?(?:吗|没)|发了(?:吗|没)|几个人|触达|转化|反馈|报告|发得|发的)|(?:效果|状态|进度|情况|结果|打开率|送达率|阅读率|点击率|数据|统计)[^,，]{0,6}(?:群发)|(?:看|查|瞧|列)(?:看|一?下|询|出|一看)?[^,，]{0,10}群发(?!.{0,3}给)|群发(?:记录|列表|历史|任务列表)|^[\s]*" + REF + r"(?:群发)?(?:的)?(?:打开率|送达率|阅读率|点击率|送达)", REMIND),
    rule("schedule_greeting", GREET, REMIND + r"|跟进|(?:说|回)了?.{0,6}快乐|" + SALES_TASK),
    rule("schedule_broadcast", r"群发|(?:给|向|对)[^,，。]{0,20}" + SEGMENT + r"[^,，。]{0,10}(?:发|推送|推|发送|寄)(?!了|过|现|票|货|展)|(?:发|推送|推|发送)[^,，。]{0,18}给[^,，。]{0,14}" + SEGMENT + r"|推送", REMIND + r"|发(?:了|过)" + f"|给{WHO}"),
)

POOL = (
    rule("release_lead", r"(?:放|退|扔|丢|还|踢|释放|归还|移|转|送|撤|回|放弃|打)(?:回|到|进|入|去|了|给|还)*[^,，。]{0,8}公海|公海[^,，。]{0,6}(?:放|退|扔|丢)(?:回|进)|(?:释放|放弃|退回)(?:掉|了|一下|客户|线索|跟进)*[\s,，]?(?:" + WHO + "|" + REF + r")|(?:" + WHO + "|" + REF + r")[^,，。]{0,6}(?:不跟了|不想跟了|放弃了|释放(?:掉|了)?|不跟进了|退掉|放弃跟进|放弃吧)", r"说.{0,12}(?:放弃|不跟)|提醒"),
    rule("claim_lead", r"(?:公海|线索池)[^。]{0,24}" + FETCH + r"|" + FETCH + r"[^,，。]{0,14}(?:公海|线索池)|从公海.{0,16}(?:捞|拿|领|拉|弄|挪|调|转|要|取|抓|接)", r"(?:有|是|看)(?:哪些|什么|啥|多少)|可以领|能领|提醒"),
    rule("claim_lead", POLITE + r"(?:领取|认领|抢单?|领|捡|捞)(?:一?下|个|走|了|线索|客户|这个|这条)*[\s,，:：]*(?:" + WHO + "|" + REF + r"|[一-鿿]{2,})", r"提醒|导|礼|红包|优惠券|样品|说|聊|养|先|教|结婚|证"),
    rule("claim_lead", r"^[\s]*(?:把|这个|那个|那条)?(?:" + WHO + "|" + REF + r")(?:线索|客户|这条|这个|那个|那条)*(?:我要了|归我了?|给我吧?|我领了?|我抢了?|我认领|我来跟(?:进)?吧?|我跟了|我收了|领了|抢了|认领|我拿了|分给我吧?|领取|我要跟)[\s。!！吧啦]*$"),
    rule("list_pool", r"公海|线索池", REMIND + r"|说.{0,10}公海|聊"),
)

DEALS = (
    rule("show_funnel", r"漏斗|funnel|pipeline|商机(?:分布|阶段分布|转化率)|转化率", REMIND),
    rule("show_performance", r"业绩|战绩|战况|完成率|kpi|龙虎榜|排行榜|销售额(?!.{0,4}(?:说|要))|(?:签|成交|做|卖)了多少(?:单|钱|业绩)?|目标完成|出了几单|成交(?:了)?几单|开单情况|销冠|(?:谁|哪个).{0,4}(?:卖|签)得?最", REMIND + r"|客户(?:的)?业绩|他们.{0,4}业绩|说"),
    rule("create_opportunity", r"(?:建|新建|新增|加|创建|录|开|来|立|添加|登记|弄|报|提)(?:一?个|一条|一?下|了个|条|新的?|新)*(?:的)?(?:商机|销售机会|机会单)|新商机|^[\s]*商机[\s:：,，]|有(?:个|一个|新|了个|了一个)*(?:新的?)?商机", REMIND + r"|(?:商机)(?:推进|进入|改|更新|阶段|金额|到了?)"),
)

UPDATE_FIELD = r"(?:电话|手机|手机号|号码|座机|邮箱|e-?mail|mail|微信号?|wx|vx|地址|住址|公司|单位|职位|职务|头衔|生日|联系方式|名片)"
COMMANDS = (
    rule("tag_contact", r"标签[^,，]{0,12}(?:去掉|删|移除|取消|撕|摘|去除|拿掉|不要|改)|(?:去掉|删|移除|取消|撕|摘|去除|拿掉|清|不要)[^,，]{0,16}标签|(?:打|加|贴|添加|标|挂|设|补|上)(?:上|个|了|一?个|下|一下|两个|几个|俩|三个|好|成)*[^,，]{0,14}标签|标签[\s:：]?(?:打|加|贴|标|设)|(?:标记|标注|标|归类|划)(?:成|为|到|上|个)|打(?:上|个)(?:" + "vip|大客户|重点|高意向|" + r")", REMIND + r"|有哪些|列出|列一下|都列|找|搜|筛|查|商标|投标|招标|指标|对标"),
    rule("transfer_lead", r"(?:转(?:移|交|让|派|接)?|移交|交接|交|分配|指派|派|过户|划|划转|拨|分|让|改派|调)(?:一?下)?给(?!我|机器人|他们老板|法务|财务|对方|客户)(?=[一-鿿" + PERSON + r"])", REMIND + r"|转(?:账|款|钱|发).{0,4}给|(?:把|将)?(?:资料|合同|方案|报价|样品|发票|文件|名片|材料|图纸|标书|票)[^,，]{0,6}(?:转|交|转交|分)(?:交)?给|" + f"{MONEY}|说|聊|(?:他|她)(?:们)?(?:已经|要|把|会)|转介绍"),
    rule("transfer_lead", r"(?:以后|今后|后面|改)?(?:由|让|归|换成?)(?:" + PERSON + r"|[一-鿿]{2,3})(?:来)?(?:跟进|负责|接手|跟|对接|接管|接)(?:吧|了|一下)?[\s。]*", REMIND + r"|说|聊|机器人|约|谁|公海|会话|" + TIME),
)


def told(sentence: Sentence) -> bool:
    """Tell whether the sentence tells of a contact that happened or of what a customer said."""
    skeleton = sentence.skeleton
    return bool(TOLD.search(skeleton) or (SAID.search(skeleton) and re.search(WHO, skeleton)))
