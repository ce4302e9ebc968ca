"""Scores in words: line by line, the best leads, a grade set by hand, the rules, and rules tried before they count."""

from dataclasses import replace

from crm_core import access, change_sets, pool_claims, score_runs, score_trials, scoring
from crm_core.access import Role
from crm_core.activities import Subject
from crm_core.change_sets import ChangeSet
from crm_core.errors import Invalid, NotFound
from crm_core.score_rules import GRADES, SIDES, Line, ScoreRule
from crm_core.scoring import Explained, date_of
from handlers import dialogs, replies
from handlers.customer_words import pick_any
from handlers.replies import Reply, Undo
from handlers.router import SELLING, ChatContext, command

NOUNS = ("lead", "contact")
_STEERING = frozenset({Role.MANAGER, Role.ADMIN})
TOP = 10
PROGRESS_NOUNS = {"lead": "线索", "contact": "联系人"}


@command(
    intent="explain_score",
    usage="评分 张三",
    phrases=("评分",),
    forms=(r"(?P<who>[^\s,，]{2,20}?)的?(?:评分|多少分)",),
)
async def explain_score(ctx: ChatContext) -> Reply:
    """逐条看一个人的评分和等级"""
    words = ctx.slot("who") or ctx.slot("words")
    if not words and "subject" not in ctx.slots:
        return await _top(ctx)
    subject = await _meant(ctx, words)
    told = await scoring.explain(ctx.core, ctx.actor, subject)
    said = words.strip()
    near = bool(said) and not said.removeprefix("#").isdecimal() and said not in (subject.name, subject.company)
    first = [f"（没有叫「{said[:16]}」的，这是{subject.name}）"] if near else []
    return replies.text("\n".join([*first, _headline(told), *_by_side(told)]))


def _headline(told: Explained) -> str:
    by_hand = f"手工定级{told.hand_grade}，按规则{told.score_grade}级" if told.hand_grade else f"{told.score_grade}级"
    return f"{told.name}：{told.score}分，{by_hand}"


def _by_side(told: Explained) -> list[str]:
    shown = []
    for side, label in SIDES.items():
        lines = [line for line in told.lines if line.rule.side == side]
        if lines:
            shown.append(f"{label} {sum(line.points for line in lines):+d}")
            shown += [f"  {_line(line, told.day)}" for line in lines]
    raw = sum(line.points for line in told.lines)
    if raw != told.score:
        shown.append(f"（合计{raw}，评分在0到100之间）")
    return shown or ["还没有得分：补充公司、需求、预算，或等客户来消息。"]


def _line(line: Line, today: int) -> str:
    rule = line.rule
    if not line.days:
        return f"{line.points:+d} {rule.name}"
    last = date_of(line.days[0])
    often = f"{len(line.days)}天，最近" if len(line.days) > 1 else ""
    told = [f"{often}{last.month}月{last.day}日"]
    if rule.half_life_days:
        told.append(f"每{rule.half_life_days}天减半")
    elif rule.within_days:
        told.append(f"只算{rule.within_days}天内")
    if line.less_on is not None:
        less = date_of(max(line.less_on, today + 1))
        told.append(f"{less.month}月{less.day}日起变少")
    return f"{line.points:+d} {rule.name}（{'，'.join(told)}）"


@command(
    intent="list_top_leads",
    usage="高分线索",
    phrases=("高分线索", "评分排行", "线索评分"),
    roles=SELLING | {Role.MARKETER},
    reads=True,
)
async def list_top_leads(ctx: ChatContext) -> Reply:
    """看评分最高的10条线索"""
    return await _top(ctx)


async def _top(ctx: ChatContext) -> Reply:
    found = await scoring.top(ctx.actor, limit=TOP)
    await pool_claims.show_leads(ctx.core, ctx.actor, found)
    await dialogs.remember_list(ctx.core, ctx.place, "scores", [lead.id for lead in found])
    if not found:
        return replies.text("还没有带评分的线索。新线索录入几秒后就有评分。")
    lines = []
    for lead in found:
        more = [word for word in (lead.company, "" if lead.owner_id else "公海") if word]
        lines.append("，".join([f"{lead.name} {lead.score}分 {lead.grade}级", *more]))
    return replies.numbered("评分最高的线索：", lines, "回复“评分 序号”或“评分 姓名”看明细")


async def undo_grade(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Give the former grade back."""
    changes = await access.load(ChangeSet, ctx.actor, ids[0])
    await change_sets.undo(ctx.core, ctx.actor, changes.id)
    return replies.text(f"已撤销「{changes.summary}」")


@command(
    intent="set_lead_grade",
    usage="定级 张三 A",
    phrases=("定级",),
    roles=SELLING,
    undo=("lead.grade", undo_grade),
)
async def set_lead_grade(ctx: ChatContext) -> Reply:
    """给线索或联系人手工定级，“定级 张三 取消”回到规则等级"""
    name, _, said = ctx.slot("words").rpartition(" ")
    grade = "" if said in ("取消", "自动", "按规则") else said.upper().removesuffix("级")
    if not name or (grade and grade not in GRADES):
        raise Invalid(field="定级", reason="请写成：定级 张三 A")
    subject = await _meant(ctx, name)
    changes = await scoring.set_grade(ctx.core, ctx.actor, subject.kind, subject.id, grade)
    told = f"{subject.name}已定为{grade}级" if grade else f"{subject.name}的等级回到按规则计算"
    return replies.text(f"{told}。说错了回复「撤销」", Undo("lead.grade", (changes.id,)))


@command(intent="show_score_rules", usage="评分规则", phrases=("评分规则",), reads=True)
async def show_score_rules(ctx: ChatContext) -> Reply:
    """看评分规则和等级线"""
    found = ctx.core.settings.scoring
    shown = [f"等级：A≥{found.a_from}，B≥{found.b_from}，C≥{found.c_from}，其余D"]
    for side, label in SIDES.items():
        rules = [rule for rule in found.in_force if rule.side == side]
        shown += [f"{label}："] if rules else []
        shown += [f"  {_rule(rule)}" for rule in rules]
    for each in await score_runs.progress(ctx.core):
        if each.percent < 100:
            shown.append(f"正在按现行规则重算{PROGRESS_NOUNS[each.noun]}，已到{each.percent}%")
    return replies.text("\n".join(shown))


def _rule(rule: ScoreRule) -> str:
    told = [f"{rule.points * rule.sign:+d} {rule.name}"]
    told += [f"每{rule.half_life_days}天减半"] if rule.half_life_days else []
    told += [f"{rule.within_days}天内"] if rule.within_days else []
    told += [f"封顶{rule.at_most}"] if rule.at_most else []
    return "，".join(told)


@command(
    intent="try_score_rules",
    usage="试算评分 问过价格 20分 半衰7天",
    phrases=("试算评分", "评分试算"),
    roles=_STEERING,
    reads=True,
)
async def try_score_rules(ctx: ChatContext) -> Reply:
    """改评分规则前先试算，不写入；不写规则就试算配置里的候选规则"""
    settings, words = ctx.core.settings.scoring, ctx.slot("words")
    if not words and not settings.candidate:
        raise Invalid(field="试算评分", reason="请写明要改什么，例如：试算评分 问过价格 20分 半衰7天，A级 75")
    candidate = score_trials.adjusted(settings, words) if words else replace(settings, rules=settings.candidate)
    trial = await score_trials.what_if(ctx.core, ctx.actor, candidate)
    shown = [f"试算{trial.counted}条线索，{trial.changed}条等级会变（没有写入）"]
    shown += [f"{was}→{becomes}：{count}条" for was, becomes, count in score_trials.table(trial)]
    shown += [f"其中{trial.held_count}条手工定过级，等级不动"] if trial.held_count else []
    shown += [
        f"例 {each.name} #{each.lead_id}：{each.score}分{each.grade} → {each.new_score}分{each.new_grade}"
        for each in trial.samples
    ]
    shown += ["要生效，请管理员改配置文件的 [scoring]，启动后自动重算。"] if trial.changed else []
    return replies.text("\n".join(shown))


async def _meant(ctx: ChatContext, words: str) -> Subject:
    """Find the lead or contact that is named, by name, company or #number. Raises: NotFound."""
    words = words.strip()
    if words.removeprefix("#").isdecimal() and len(words) < 16 and "subject" not in ctx.slots:
        number = int(words[1:]) if words.startswith("#") else await dialogs.listed(ctx.core, ctx.place, "scores", words, "")
        ctx.slots["subject"] = f"lead:{number}"
    found = await pick_any(ctx, words, NOUNS)
    if found.kind not in NOUNS:
        raise NotFound
    return found
