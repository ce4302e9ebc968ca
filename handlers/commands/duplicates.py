"""Duplicates in words: look whether somebody is there (查重), clean the doubtful (清洗), merge, take apart, rules."""

import re

from crm_core import change_sets, cleaning, keying, matching, merging, near_names, overwriting, pool_claims, rule_book
from crm_core.access import Role, load, sees_personal, visible
from crm_core.candidates import Record
from crm_core.change_sets import ChangeSet
from crm_core.cleaning import ANSWER_LABELS, FIELDS, Answer, Shown
from crm_core.clock import to_local
from crm_core.customers import Contact, Customer
from crm_core.employees import Employee
from crm_core.errors import Invalid, NoneFound, NotFound
from crm_core.leads import Lead
from crm_core.matching import NOUN_LABELS, Duplicate
from crm_core.said_mobiles import hide_mobiles
from crm_core.values import mask_phone, normalize_phone, show_phone
from handlers import dialogs, record_choice, replies
from handlers.replies import Reply, Undo
from handlers.router import EVERYBODY, SELLING, ChatContext, command
from handlers.understanding.names import is_company

RULERS = frozenset({Role.MANAGER, Role.ADMIN})
LIST = "cleaning"
MOST_NEAR = 9
_CREDIT_CODE = re.compile(r"[0-9A-HJ-NP-RT-UW-Y]{18}", re.IGNORECASE)
_WECHAT_ID = re.compile(r"[A-Za-z][A-Za-z0-9_-]{5,19}")
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[ -]+(?=\d)")
_LONGEST_PERSON = 4
_WORDS = {"合并": Answer.MERGE, "跳过": Answer.SKIP, "不是": Answer.DISTINCT}
_NOUNS = {"线索": "lead", "客户": "customer", "联系人": "contact"}


async def undo_set(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Take a merge or an answer back."""
    done = await change_sets.undo(ctx.core, ctx.actor, ids[0])
    return replies.text(f"已撤销，恢复了{done.rows}处" + (f"（{done.left}处后来改过，保持现状）" if done.left else ""))


@command(intent="check_duplicates", usage="查重 13800138000", roles=EVERYBODY, phrases=("查重", "查重复"))
async def check_duplicates(ctx: ChatContext) -> Reply:
    """查号码、姓名、公司是否已有人跟进"""
    words = ctx.slot("words")
    if not words:
        return replies.text("请带上完整的号码、姓名或公司，例如：查重 13800138000、查重 东风机械厂")
    asked = read_words(words)
    found = await matching.ask(ctx.core, ctx.actor, **asked)
    if not found and asked.keys() == {"company"} and len(words) <= _LONGEST_PERSON:
        found = await matching.ask(ctx.core, ctx.actor, name=words)
    if not found and asked.keys() == {"wechat_id"}:  # a company may be written like one
        found = await matching.ask(ctx.core, ctx.actor, company=words)
    if not found:
        return await _nothing_found(ctx, words, asked)
    return replies.numbered(f"查到{len(found)}条：", [_line(one) for one in found])


async def _nothing_found(ctx: ChatContext, words: str, asked: dict[str, str]) -> Reply:
    """Say that nobody is called just so; 可以录入 only when no name holds these words and every name can be found."""
    if asked.keys() & {"name", "company", "wechat_id"}:
        near = [line for word in words.split() for line in await near_names.containing(ctx.core, ctx.actor, word)]
        if near:
            return replies.numbered(f"没有与「{words[:30]}」完全相同的，有相近的，请先核对：", near[:MOST_NEAR])
        if await keying.is_behind(ctx.core):
            return replies.text(f"没有查到「{words[:30]}」，但名称索引还在建立，请稍后再查。")
    return replies.text(f"没有查到与「{words[:30]}」重复的记录，可以录入。")


def read_words(words: str) -> dict[str, str]:
    """Tell what was asked for: a number, an address, a credit code, a company, a name."""
    asked: dict[str, str] = {}
    for word in _BETWEEN_DIGITS.sub("", words.replace("，", " ").replace(",", " ")).split():
        phone = normalize_phone(word)
        if phone:
            asked["mobile" if phone.startswith("+861") and len(phone) == 14 else "landline"] = word
        elif "@" in word:
            asked["email"] = word
        elif _CREDIT_CODE.fullmatch(word):
            asked["credit_code"] = word
        elif _WECHAT_ID.fullmatch(word):
            asked["wechat_id"] = word
        elif word.isdecimal() and len(word) >= 5:
            raise Invalid(field="号码", reason="请给出完整的号码")
        elif is_company(word) or len(word) > _LONGEST_PERSON or "name" in asked:
            asked["company"] = word
        else:
            asked["name"] = word
    return (
        asked if len(asked) > 1 or "name" not in asked or len(asked["name"]) < _LONGEST_PERSON else {"company": asked["name"]}
    )


def _line(one: Duplicate) -> str:
    return f"{one.sentence()}（{'、'.join(one.reasons)}）"


@command(
    intent="clean",
    usage="清洗",
    roles=SELLING,
    phrases=("清洗", "线索清洗", "合并", "跳过"),
    undo=("cleaning.answer", undo_set),
)
async def clean(ctx: ChatContext) -> Reply:
    """处理疑似重复的线索：合并、不是、跳过"""
    word = _WORDS.get(ctx.slot("answer") or record_choice.first_word(ctx))
    if word is None:
        return await _show_next(ctx)
    if "answer" not in ctx.slots and ctx.slot("words"):
        return replies.text(f"合并两条记录请说：合并线索 {ctx.slot('words')}（编号或姓名），或 合并客户、合并联系人")
    # What was shown last, and nothing else, is what one word can be about.
    number = await dialogs.listed(ctx.core, ctx.place, LIST, "1", "")
    shown = await cleaning.show(ctx.core, ctx.actor, number)
    case = await cleaning.answer(ctx.core, ctx.actor, number, word)
    left = await cleaning.waiting(ctx.actor).count()
    more = f"还有{left}条待清洗，回复「清洗」继续。" if left else "没有待清洗的了。"
    undo = Undo("cleaning.answer", (case.set_id,)) if case.set_id is not None else None
    return replies.text(f"{_done(shown, word)}\n{more}", undo)


async def _show_next(ctx: ChatContext) -> Reply:
    shown = await cleaning.next_case(ctx.core, ctx.actor)
    if shown is None:
        return replies.text("没有待清洗的线索。")
    await dialogs.remember_list(ctx.core, ctx.place, LIST, [shown.case.id])
    left = await cleaning.waiting(ctx.actor).count()
    lines = [f"待清洗{left}条，这一条{shown.case.score}分：{'、'.join(shown.reasons)}", *await _side_by_side(ctx, shown)]
    if shown.case.reason == FIELDS:
        lines.append("合并＝采用新值，不是＝保留原值")
    raise ctx.ask_choice("\n".join(lines), [(label, label) for label in ANSWER_LABELS.values()], slot="answer")


async def _side_by_side(ctx: ChatContext, shown: Shown) -> list[str]:
    if shown.case.reason == FIELDS:
        full = sees_personal(ctx.actor, shown.subject.owner_id) and not ctx.message.in_group
        rows = [(name, *(overwriting.shown(name, word, full=full) for word in pair)) for name, *pair in shown.pending]
        labels = overwriting.FIELD_LABELS
        return [f"{shown.subject.name}：", *(f"{labels[name]}：原 {old} ｜ 新 {new}" for name, old, new in rows)]
    pair = sorted((shown.subject, shown.other), key=lambda one: (one.created_at, one.id), reverse=True)
    owners = {one.owner_id for one in pair if one.owner_id is not None}
    names = dict(await Employee.filter(id__in=list(owners)).values_list("id", "name"))
    fields = (
        ("姓名", [one.name for one in pair]),
        ("公司", [one.facts.company if one.noun != "customer" else "" for one in pair]),
        ("电话", [_phone(ctx, one) for one in pair]),
        ("地区", [one.facts.region for one in pair]),
        ("来源", [one.facts.source for one in pair]),
        ("归属", [str(names.get(one.owner_id, "公海")) for one in pair]),
    )
    heads = [f"{NOUN_LABELS[one.noun]} #{one.id}（{to_local(one.created_at):%Y-%m-%d}）" for one in pair]
    return [
        f"新：{heads[0]}",
        f"旧：{heads[1]}",
        *(f"{label}：{a or '－'} ｜ {b or '－'}" for label, (a, b) in fields if a or b),
    ]


def _phone(ctx: ChatContext, one: Record) -> str:
    full = sees_personal(ctx.actor, one.owner_id) and not ctx.message.in_group
    return (show_phone(one.phone) if full else mask_phone(one.phone)) or ""


def _done(shown: Shown, word: Answer) -> str:
    if word is Answer.SKIP:
        return "先跳过，稍后再问。"
    if shown.case.reason == FIELDS:
        return "已采用新值。" if word is Answer.MERGE else "保留原值，新值留在历史里。"
    if word is Answer.DISTINCT:
        return f"好的，{shown.subject.name}和{shown.other.name}不是同一个，以后不再问。"
    both = "、".join(f"{one.name} #{one.id}" for one in (shown.subject, shown.other))
    return f"已合并：{both}，跟进、标签、提醒都在一起了。"


@command(
    intent="merge_records",
    usage="合并线索 张伟",
    roles=SELLING,
    phrases=("合并线索", "合并客户", "合并联系人"),
    undo=("merge", undo_set),
)
async def merge_records(ctx: ChatContext) -> Reply:
    """把两条记录合并成一条（可撤销）"""
    noun = _NOUNS[record_choice.first_word(ctx).removeprefix("合并")] if "noun" not in ctx.slots else ctx.slot("noun")
    ctx.slots["noun"] = noun
    words = ctx.slot("words").split()
    if not words:
        return replies.text(f"请说明合并哪两条，例如：合并{NOUN_LABELS[noun]} #12 #15，或 合并{NOUN_LABELS[noun]} 张伟")
    if len(words) == 1:
        named = await record_choice.named(ctx, noun, words[0])
        found = [number for number, _ in named]
        if len(found) != 2:
            told = f"「{words[0]}」有{len(found)}条，请用编号说明合并哪两条，例如：合并{NOUN_LABELS[noun]} #12 #15"
            # The labels tell no more than the lists of the pool do: a name there may hold a number.
            return replies.text("\n".join([told, *(hide_mobiles(label) for _, label in named if len(found) > 2)]))
    else:
        found = [await record_choice.one_of(ctx, noun, words[place], slot=f"record{place}") for place in (0, 1)]
    rows = [await load(merging.MODELS[noun], ctx.actor, number) for number in found]
    keep, drop = merging.older_first(rows[0], rows[1])
    if "sure" not in ctx.slots:
        question = f"{await _who_it_is(ctx, drop)} 并入 {await _who_it_is(ctx, keep)}，确定吗？（是/否）"
        raise ctx.ask_yes(question, slot="sure")
    changes = await merging.merge(ctx.core, ctx.actor, noun, keep.id, drop.id)
    times = f"，共{keep.intent_count + drop.intent_count}次意向" if isinstance(keep, Lead) and isinstance(drop, Lead) else ""
    return replies.text(f"已合并到{NOUN_LABELS[noun]} #{keep.id}：{keep.name}{times}", Undo("merge", (changes.id,)))


async def _who_it_is(ctx: ChatContext, row: merging.Row) -> str:
    """Name a record so that its namesake is not taken for it: number, company, phone."""
    company = row.company if isinstance(row, Lead) else row.region if isinstance(row, Customer) else await _company_of(row)
    phone = "" if isinstance(row, Customer) else row.mobile or row.landline
    full = sees_personal(ctx.actor, row.owner_id) and not ctx.message.in_group
    told = [company, (show_phone(phone) if full else mask_phone(phone)) or ""]
    beside = "，".join(word for word in told if word)
    return f"{row.name} #{row.id}" + (f"（{beside}）" if beside else "")


async def _company_of(contact: Contact) -> str:
    found = await Customer.get_or_none(id=contact.customer_id)
    return str(found.name) if found else ""


@command(intent="split_merged", usage="拆开 张伟", roles=SELLING, phrases=("拆开", "取消合并"))
async def split_merged(ctx: ChatContext) -> Reply:
    """撤销一条记录最近的合并"""
    words = ctx.slot("words")
    if not words:
        return replies.text("请带上姓名或编号，例如：拆开 张伟")
    merges = {one.id: one for one in await _merges_named(ctx, words)}
    if not merges or int(ctx.slot("merge") or 0) not in {0, *merges}:  # taken apart meanwhile
        return replies.text(f"「{words[:20]}」没有可以拆开的合并。")
    if "merge" not in ctx.slots and len(merges) > 1:
        options = [(_told(one), str(one.id)) for one in list(merges.values())[: record_choice.MOST]]
        raise ctx.ask_choice("有几次合并，拆开哪一次？请回复序号：", options, slot="merge")
    chosen = merges[int(ctx.slot("merge"))] if "merge" in ctx.slots else next(iter(merges.values()))
    ctx.slots["merge"] = str(chosen.id)
    if "sure" not in ctx.slots:
        raise ctx.ask_yes(f"拆开「{_told(chosen)}」，确定吗？（是/否）", slot="sure")
    await change_sets.undo(ctx.core, ctx.actor, chosen.id)
    return replies.text(f"已拆开：{chosen.summary}")


async def _merges_named(ctx: ChatContext, words: str) -> list[ChangeSet]:
    found: list[ChangeSet] = []
    for noun in _NOUNS.values():
        try:
            named = await record_choice.named(ctx, noun, words)
        except NotFound:  # a number of another noun
            continue
        for number, _ in named:
            found += await merging.merges_of(noun, number)
    own = await visible(ChangeSet, ctx.actor).filter(id__in=[one.id for one in found]).order_by("-id")
    return list(own)


def _told(merge: ChangeSet) -> str:
    return f"{merge.summary}（{to_local(merge.created_at):%Y-%m-%d %H:%M}）"


@command(intent="show_needs", usage="意向 张伟", roles=EVERYBODY, phrases=("意向", "意向记录"))
async def show_needs(ctx: ChatContext) -> Reply:
    """看一条线索的每次意向"""
    if not ctx.slot("words") and "lead" not in ctx.slots:
        return replies.text("请带上姓名，例如：意向 张伟")
    lead = await load(Lead, ctx.actor, await record_choice.one_of(ctx, "lead", ctx.slot("words"), slot="lead"))
    await pool_claims.show_leads(ctx.core, ctx.actor, [lead])
    rows = await merging.needs_of(lead)
    lines = [
        "，".join(
            [f"{to_local(row.at):%Y-%m-%d}", *(word for word in (row.source, row.campaign, row.need or "未写需求") if word)]
        )
        for row in rows
    ]
    return replies.numbered(f"{lead.name}共{max(lead.intent_count, len(rows))}次意向：", lines)


@command(intent="show_field_history", usage="资料变更 张伟", roles=SELLING, phrases=("资料变更", "变更记录"))
async def show_field_history(ctx: ChatContext) -> Reply:
    """看一条线索的资料改过什么"""
    if not ctx.slot("words") and "lead" not in ctx.slots:
        return replies.text("请带上姓名，例如：资料变更 张伟")
    lead = await load(Lead, ctx.actor, await record_choice.one_of(ctx, "lead", ctx.slot("words"), slot="lead"))
    full = sees_personal(ctx.actor, lead.owner_id) and not ctx.message.in_group
    rows = await overwriting.history(ctx.core, ctx.actor, "lead", lead.id)
    if not rows:
        return replies.text(f"{lead.name}的资料没有被覆盖过。")
    lines = [
        f"{overwriting.FIELD_LABELS[row.name]}：{overwriting.shown(row.name, row.old, full=full)} → "
        f"{overwriting.shown(row.name, row.new, full=full)}（{overwriting.STATUS_LABELS[row.status]}）"
        for row in rows[:20]
    ]
    return replies.numbered(f"{lead.name}的资料变更：", lines)


async def _rule_number(ctx: ChatContext, said: int) -> int:
    """Tell the own rule meant: by its number, else by its place in the list. Raises: Invalid; NoneFound."""
    own = [int(row.id) for row in await rule_book.list_rules(ctx.actor)]
    built_in = len(ctx.core.settings.identity.rules)
    if said in own:
        return said
    if 1 <= said <= built_in:
        raise Invalid(field="规则", reason=f"第{said}条是系统自带的规则，要停用请管理员设置")
    if said <= built_in + len(own):
        return own[said - built_in - 1]
    raise NoneFound(what=f"规则 {said}（编号在“查重规则”里）")


@command(intent="match_rules", usage="查重规则", roles=RULERS, phrases=("查重规则",))
async def match_rules(ctx: ChatContext) -> Reply:
    """看、加、停查重规则"""
    action, _, rest = ctx.slot("words").partition(" ")
    if action in ("加", "新增", "增加"):
        made = await rule_book.add_rule(ctx.core, ctx.actor, rule_book.read_rule(rest))
        return replies.text(f"已加规则 #{made.id}：{rule_book.describe(made.rule)}")
    if action in ("停", "停用", "删", "删除"):
        number = rest.strip().removeprefix("#")
        if not number.isdecimal() or len(number) > 17:
            raise Invalid(field="规则", reason="请写规则编号，例如：查重规则 停 3")
        ended = await rule_book.end_rule(ctx.core, ctx.actor, await _rule_number(ctx, int(number)))
        return replies.text(f"已停用规则 #{ended.id}：{ended.name}")
    own = [f"#{row.id} {rule_book.describe(row.rule)}" for row in await rule_book.list_rules(ctx.actor)]
    built_in = [rule_book.describe(rule) for rule in ctx.core.settings.identity.rules]
    after = "加一条：查重规则 加 姓名+公司 同来源 30天内 合并 80分\n停一条：查重规则 停 编号"
    return replies.numbered("查重规则：", [*built_in, *own], after)
