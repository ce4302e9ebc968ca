"""The slots of a follow-up: who, how, when, what was said, and the next step with its time."""

import re
from datetime import datetime

from handlers.understanding.amounts import Money
from handlers.understanding.clauses import Clause, clauses_of, trim, words
from handlers.understanding.contacts import SAID, TOLD, find_method
from handlers.understanding.mentions import COMPANY, MARKS, MONEY, PERSON, TIME, WHO, Mention, Sentence
from handlers.understanding.moments import When, ahead, behind
from handlers.understanding.stages import find_stage

PLAN = re.compile(
    r"再(?!三|次说)|打算|准备|计划|安排|需要|记得|提醒|要(?!求|是|的|了)|得(?=去|"
    r"给|再|把|跟|找|约)|回头|争取|下次|让我|叫我|(?<![签预合大])约(?!了|过)"
)
STEP = re.compile(
    r"给(?:他|她|您|你|对方|客户|我)|寄|送|发|带|交|催|追|问|碰|谈|去|来|签|回复|"
    r"答复|联系|跟进|回访|拜访|上门|见|演示|打款|付款|出方案|出报价|follow"
)
DONE = re.compile(
    r"了(?!解)|过(?!去|来|一遍|一下|一次|两|几|会|年|节|目)|完(?!善|成|给|再|就|后|之后|以后|发|来)|(?:来|"
    r"聊|打|见|通|谈|说|开|碰|签|给)的|没(?:接|回|人|打|见|来)|刚"
)
# A contact told right behind a time.
TOLD_NEXT = re.compile(
    rf"^[\s,，]*(?:{WHO}|他|她|他们|她们|对方|客户|就|还|又|才|也|在|突然|忽然|主动|那边|的)*"
    r"(?:说(?!明|服)|问(?!题)|打来|来电|来(?:了)?(?:个)?(?:电话|微信|消息|短信|邮件)|发来|(?:给我们?|跟我|在(?:微信|钉钉|群|电话)(?:里|上)?)(?:打|发|说|留|问|讲|回)|回(?:复|电|信|我)|反馈|"
    r"告诉|通知|(?:打|发)(?:了)?(?:个|条|封)?(?:电话|微信|短信|邮件|消息)(?:来|过来)?[^,，。]{0,4}(?:说|问|要|催|给我)|(?:微信|电话|短信|邮件|钉钉)(?:里|上)?(?:我)?(?:说|问|回|来|告诉))"
)
# Words right before a time that make it the customer's own.
TOLD_OF = re.compile(
    r"(?:聊到|谈到|提到|说到|透露|(?<!好)说|表示|反馈|讲)(?:了|过)?(?:他们?|她们?|对方|公司|老板|那边)?(?:大概|可能|最快|最晚|最迟|争取|要到|得等|等到|要)?$"
)
# A day so long ago is not meant when the same day comes soon.
LONG_AGO_DAYS, SOON_DAYS = 200, 60
# Where the customer is, what they do then: no step of ours.
# "等她周五回复": what one waits for lies ahead.
WAITED = re.compile(rf"等(?:着|到)?(?:他|她|他们|她们|对方|客户|那边|{WHO})?(?:们)?$")
ANSWERED = re.compile(
    rf"^[\s,，。]*(?:他|她|对方|那边|客户|{WHO})?(?:们)?(?:就|还|也|又)?(?:说|讲|表示|告诉|回|已经|没接|没通|不在|不接)"
)
# What the customer has at a time is no step either: "透露年底有预算".
FACT = re.compile(
    r"^[\s]*(?:才|就|还|会|可能|应该|大概)*(?:有|没有?)(?:预算|钱|需求|采购|计划|项目|指标|额度|资金|活动|展会|大单)"
)
ABSENT = re.compile(
    r"^[\s]*(?:他|她|他们|她们|对方|客户|老板|领导)?(?:们)?(?:都|就|才|也|还)?(?:要|会|得|可能|开始|准备)?(?:出差|出国|休假|休息|放假|请假|开会|不在|没空|没时间|很忙|在忙|忙|旅游|度假|"
    r"出去玩|出门|出去|外出|回老家|回来|上班|体检|住院|结婚|产假|年会|盘点|搬家)|^[\s]*(?:不|没|别|取消|去不了|来不了|不行)(?!急)"
)
SPEECH = re.compile(r"说|反馈|表示|告诉|提到|讲")
# What the customer says before the time of a next step, and what they demand around it.
REPORTED = re.compile(r"说(?!明|服|不定|好)|反馈|表示|告诉|提到|答应|承诺|同意|希望|要求|催|来电|回复")
DEMANDED = re.compile(
    rf"{TIME}[^,，。]{{0,4}}才|(?:对方|客户|他们?|她们?|{WHO})(?:那边|这边)?(?:要求|希望|想要|催|要(?!是|我))"
)
DEFER = re.compile(
    r"(?:下一步|接下来|后续|下次|回头|改天|到时候?|过几天|过段时间|过阵子|等(?:他|"
    r"她|对方|客户).{0,8}?(?:后|再)|需要(?:我)?(?=给|把|发|寄|送|准备|安排)|待办[:：]?)"
)
# Pieces of the opening that only say that there was a contact.
OPENING = re.compile(
    rf"[{''.join(MARKS)}]|跟|和|与|同|给|找|在|上|里|那边|打|通|了|过|的|一下|一个|"
    rf"个|次|来|去|电话|微信|钉钉|短信|邮件|视频|语音|沟通|联系|聊|聊天|聊了聊|"
    rf"几句|谈|见面|见|面谈|拜访|上门|走访|回访|跟进|碰|开|会|"
    r"call|完|这边|我|那个|嗯|呃|啊|哦|就是|然后|by|email|发|通话|面|吃|饭|一起|"
    r"半个小时|半小时|小时|分钟|会议|腾讯|zoom|\d+|[一二两三四五六七八九十半]"
)
# The contact that is told, after one that was before.
THIS_TIME = re.compile(r"这(?:一)?(?:次|回)")
PUNCTUATION = " ,，。.、;；:：!！?？~"
# The customer cannot talk now: that is told, not an opening.
BUSY = re.compile(r"在开会|在忙|在外面|在路上|在通话|在吃饭")
LEADING = re.compile(rf"^(?:那个|嗯+|呃|就是|我)*(?:跟|和|与|同|给|找)?{WHO}(?:那边|这边|的)?(?={WHO})?")


def is_past(sentence: Sentence, mention: Mention, now: datetime) -> bool | None:
    """Tell whether a time belongs to what was done (True) or to what comes (False); None when it is neither."""
    when: When = mention.value
    if when.repeat or when.at_once or (when.only_span and not when.days):
        return None
    if when.tense:
        return when.tense == "past"
    before, tail = _around(sentence, mention)
    if sentence.plain[mention.start : mention.end].endswith("期间"):
        return True if when.festival is None else None
    if WAITED.search(before):
        return False
    if _told_first(tail) and _was_lately(when, now):
        return True
    if when.days == (now.date(),) and when.clock is None and _answered(sentence, mention, tail):
        return True
    if when.days == (now.date(),) and when.clock is not None:
        moment = ahead(when, now)
        if moment is not None and moment > now:
            return False
        if moment is not None and not _plans_first(tail):
            return True
    if _plans_first(tail):
        return False
    if when.days == (now.date(),) and when.clock is None:
        return not (SAID.search(before) or TOLD.search(before))
    if DONE.search(tail):
        # "十月八号上班了发她" five days before: the day ahead is meant, not the one a year ago.
        return not (len(when.days) > 1 and _far_behind(when, now) and STEP.search(tail))
    if not when.days and when.clock is not None and not STEP.search(tail) and _was_lately(when, now, days=0):
        return True
    if when.lean:
        return when.lean == "past"
    if OPENING.sub("", before.replace(TIME, "")).strip(PUNCTUATION) or _past_before(sentence, mention):
        return False
    if not (find_method(tail) or SAID.search(tail) or TOLD.search(tail) or when.days == (now.date(),)):
        return False
    return when.clock is None or behind(when, now) is not None


def _told_first(tail: str) -> bool:
    """Tell whether what stands behind a time tells of a contact before it plans anything: "一早就打来电话要发票"."""
    told = TOLD_NEXT.search(tail)
    plan = PLAN.search(tail)
    return told is not None and (plan is None or told.start() < plan.start())


def _plans_first(tail: str) -> bool:
    """Tell whether a plan stands behind a time before anything that was done."""
    plan = PLAN.search(tail)
    done = re.search(rf"{TOLD.pattern}|{SPEECH.pattern}", tail)
    return plan is not None and (done is None or plan.start() <= done.start())


def _answered(sentence: Sentence, mention: Mention, tail: str) -> bool:
    """Tell whether a contact of today has its answer behind it: "今天再打电话 她说已经定了别家"."""
    after = sentence.skeleton[sentence.places.index(mention.start) + 1 :]
    return find_method(tail) is not None and ANSWERED.search(after[len(tail) :]) is not None


def _was_lately(when: When, now: datetime, days: int = 6) -> bool:
    """Tell whether a time fits the last days: today's hour that is over, or the weekday before."""
    moment = behind(when, now)
    return moment is not None and (now.date() - moment.date()).days <= days


def _far_behind(when: When, now: datetime) -> bool:
    last, following = behind(when, now), ahead(when, now)
    return (
        last is not None and following is not None and (now - last).days > LONG_AGO_DAYS and (following - now).days < SOON_DAYS
    )


def _past_before(sentence: Sentence, mention: Mention) -> bool:
    return any(each.value.tense == "past" for each in sentence.of(TIME) if each.start < mention.start)


def _is_attribute(before: str, tail: str) -> bool:
    """Tell "明年的采购计划" from a time of a step."""
    return (
        bool(re.match(r"的(?!时候)", tail))
        and not re.search(r"约|定在|安排在|改到", before[-8:])
        and not re.match(r"的.{0,8}?(?:再|约|要)", tail)
    )


def _around(sentence: Sentence, mention: Mention) -> tuple[str, str]:
    """Skeleton before a mention, and its clause after it up to the next time."""
    place = sentence.places.index(mention.start)
    clauses = clauses_of(sentence)
    tail = ""
    for index, clause in enumerate(clauses):
        if clause.start <= place < clause.end:
            tail = sentence.skeleton[place + 1 : clause.end]
            if not tail.strip() and index + 1 < len(clauses):
                tail = clauses[index + 1].text
            break
    return sentence.skeleton[:place], re.split(TIME, tail)[0]


def _split_times(sentence: Sentence, now: datetime) -> tuple[Mention | None, Mention | None]:
    """Find the time of the contact and the time of the next step."""
    past: Mention | None = None
    future: list[tuple[Mention, bool]] = []
    for mention in sentence.of(TIME):
        side = is_past(sentence, mention, now)
        before, tail = _around(sentence, mention)
        if side is not True and (_is_attribute(before, tail) or FACT.search(tail)):
            continue
        if side is True and past is not None and _is_background(sentence, past, before):
            past = None
        if side is True and past is None and not future:
            told_by_customer = SPEECH.search(before) and not TOLD.search(before) and find_method(tail) is None
            past = None if told_by_customer and not mention.value.just_now else mention
        elif side is False:
            future.append((mention, bool(PLAN.search(tail) or STEP.search(tail))))
    if not future:
        return past, None
    ours = [(mention, is_step) for mention, is_step in future if not ABSENT.search(_around(sentence, mention)[1])]
    if len(ours) > 1 and not all(_is_told_of(sentence, mention) for mention, _ in ours):
        # What they say they will do is not yet what we will do: "说月底前能打款 我周一再确认".
        ours = [(mention, is_step) for mention, is_step in ours if not _is_told_of(sentence, mention)]
    steps = [mention for mention, is_step in ours if is_step]
    return past, (steps or [mention for mention, _ in (ours or future)][-1:])[0]


def _is_told_of(sentence: Sentence, mention: Mention) -> bool:
    return TOLD_OF.search(_around(sentence, mention)[0]) is not None


def _is_background(sentence: Sentence, past: Mention, before: str) -> bool:
    """Tell whether the time found first only leads up to a later contact: "上个月底看过样品 今天微信说可以下单"."""
    place = sentence.places.index(past.start)
    return bool(re.search(r"[见看聊谈发去来打联沟拜]\S{0,2}过", before[place:])) and past.value.tense == "past"


def _next_span(sentence: Sentence, mention: Mention) -> tuple[int, int]:
    """Places of the next step in the skeleton: from the head of its clause to where the telling goes on."""
    place = sentence.places.index(mention.start)
    clauses = clauses_of(sentence)
    index = next(i for i, clause in enumerate(clauses) if clause.start <= place < clause.end)
    clause = clauses[index]
    head = sentence.skeleton[clause.start : place]
    start = clause.start if _is_short_head(head) else place
    if start == place and (
        speech := re.search(r"(?:让|叫|约|请|要求)(?:我|他|她|您|你|对方|客户|" + PERSON + r")?(?:们)?$", head)
    ):
        start = clause.start + speech.start()
    end = clause.end
    tail_is_empty = not trim(sentence.skeleton[place + 1 : clause.end])
    for later in clauses[index + 1 :]:
        if not tail_is_empty and _goes_on_telling(later):
            break
        end, tail_is_empty = later.end, False
    return start, end


def _is_short_head(head: str) -> bool:
    return len(head) <= 10 and not (
        SAID.search(head.replace("约", "")) or TOLD.search(head) or DONE.search(head) or re.search(WHO, head)
    )


def _goes_on_telling(clause: Clause) -> bool:
    return (
        bool(
            re.search(
                r"预算|金额|阶段|嫌|觉得|说|意向|竞品|对手|已经?(?=[谈定签付收发批])|^先(?:放|挂|这样|等|搁|不|缓)", clause.text
            )
        )
        and not PLAN.search(clause.text)
        and TIME not in clause.text
    )


def _is_reported(sentence: Sentence, clause: Clause) -> bool:
    """Tell whether a next step is what the customer said or wants: then it is part of what was told, too."""
    places = [sentence.places.index(mention.start) for mention in sentence.of(TIME)]
    first = min((place for place in places if clause.start <= place < clause.end), default=clause.end)
    return bool(REPORTED.search(sentence.skeleton, clause.start, first) or DEMANDED.search(clause.text))


def _summary(sentence: Sentence, spans: list[tuple[int, int]], at: Mention | None) -> str:
    """Words of what was told, without the opening that only says that there was a contact."""
    pieces = []
    for clause in clauses_of(sentence):
        is_whole = any(clause.start <= low < clause.end for low, _ in spans) and _is_reported(sentence, clause)
        for start, end in _outside(clause, [] if is_whole else spans):
            text = sentence.skeleton[start:end]
            if not OPENING.sub("", text).strip() and not BUSY.search(text):
                continue
            opening = LEADING.match(text)
            if opening and len(OPENING.sub("", text[opening.end() :])) >= 2:
                start += opening.end()
            piece = words(sentence, start, end, [at] if at else [])
            if piece:
                pieces.append(piece)
    return trim("，".join(pieces))


def _outside(clause: Clause, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    start, end, found = clause.start, clause.end, []
    for low, high in sorted(spans):
        if high <= start or low >= end:
            continue
        if low > start:
            found.append((start, low))
        start = max(start, high)
    if start < end:
        found.append((start, end))
    return found


def who(sentence: Sentence) -> dict[str, object]:
    """Return the first person and the first company of a sentence."""
    slots: dict[str, object] = {}
    for slot, kind in (("person", PERSON), ("company", COMPANY)):
        mentions = sentence.of(kind)
        if mentions:
            slots[slot] = mentions[0].value
    return slots


def amount_of(sentence: Sentence, limit: int | None = None) -> str | None:
    """Return the first real amount (a difference is none), in the first `limit` places of the skeleton."""
    for mention in sentence.of(MONEY):
        money: Money = mention.value
        if not money.difference and (limit is None or sentence.places.index(mention.start) < limit):
            return money.text()
    return None


def read_follow_up(sentence: Sentence, now: datetime) -> dict[str, object]:
    """Fill the slots of a follow-up."""
    slots = who(sentence)
    past, coming = _split_times(sentence, now)
    if past is not None and (moment := behind(past.value, now)) is not None:
        slots["at"] = moment
    spans: list[tuple[int, int]] = []
    if coming is not None and (moment := ahead(coming.value, now)) is not None:
        slots["next_at"] = moment
        spans.append(_next_span(sentence, coming))
        action = words(sentence, *spans[0], [coming])
        if action:
            slots["next_action"] = _whole_action(sentence, action)
    else:
        _deferred(sentence, slots, spans)
    told = "".join(
        sentence.skeleton[start:end] + " " for clause in clauses_of(sentence) for start, end in _outside(clause, spans)
    )
    this_time = THIS_TIME.search(told)
    method = (find_method(told[this_time.end() :]) if this_time else None) or find_method(told)
    if method:
        slots["method"] = method
    if amount := amount_of(sentence):
        slots["amount"] = amount
    if stage := find_stage(told):
        slots["stage"] = stage
    if summary := _summary(sentence, spans, past):
        slots["summary"] = summary
    return slots


def _whole_action(sentence: Sentence, action: str) -> str:
    """Make a single verb say what is to be done: 再打 is 打电话, 再谈 stays with its 再."""
    if len(action) > 1:
        return action
    if action in "打拨":
        return f"{action}电话"
    return f"再{action}" if f"再{action}" in sentence.raw else action


def _deferred(sentence: Sentence, slots: dict[str, object], spans: list[tuple[int, int]]) -> None:
    """Read a next step that has no time: 下一步给他寄样品."""
    match = DEFER.search(sentence.skeleton)
    if match is None:
        return
    action = words(sentence, match.end(), len(sentence.skeleton))
    if len(action) >= 2:
        slots["next_action"] = action
