"""Deals in words: opened, moved through their stages, listed, and asked where they stand and what is missing."""

from crm_core import access, change_sets, conversion, customers, matching, opportunities, pipelines, stage_moves, win_loss
from crm_core.activities import STAGE_LABELS
from crm_core.customers import Customer, CustomerKind
from crm_core.opportunities import Opportunity, OpportunityStatus, StageMove
from crm_core.pipelines import Progress
from crm_core.stage_moves import ConditionsMissing, ReasonNeeded
from handlers import dialogs, replies, subjects
from handlers.opportunity_words import (
    LIST,
    choice,
    customers_named,
    day_words,
    find,
    line,
    pick,
    stage_said,
    standing,
    undo_move,
    values_said,
    who_said,
)
from handlers.replies import Reply, Undo
from handlers.router import EVERYBODY, SELLING, ChatContext, command
from handlers.understanding.names import is_company
from handlers.understanding.parse import parse

STATUS_WORDS = {"potential": "潜在客户", "active": "成交客户", "dormant": "休眠客户", "lost": "流失客户"}
ASKED_AT_ONCE = 5
"""Deals told of in one answer to "where do they stand"."""


async def undo_create(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Take a deal back that was just opened."""
    row = await opportunities.undo_create(ctx.core, ctx.actor, ids[0])
    return replies.text(f"已撤销：商机「{row.name}」")


@command(
    intent="create_opportunity",
    usage="给云帆科技建个商机 智能网关 50万 六成把握 12月底成交",
    roles=SELLING,
    undo=("opportunity.create", undo_create),
)
async def create_opportunity(ctx: ChatContext) -> Reply:
    """建商机"""
    await opportunities.require_used(ctx.core, ctx.actor)
    values = values_said(ctx, "product", "amount")
    pipeline = opportunities.pipeline_named(ctx.core, "")
    stage = stage_said(ctx, pipeline)
    customer = await _customer(ctx)
    row = await opportunities.create(
        ctx.core,
        ctx.actor,
        customer_id=customer.id,
        stage="" if stage in ("won", "lost") else stage,
        **values,  # type: ignore[arg-type]  # fields of a deal only
    )
    return replies.record(
        f"已建商机 #{row.id}：{row.name}",
        (
            ("客户", customer.name),
            ("阶段", standing(ctx.core, row)),
            ("金额", replies.money(row.amount) if row.amount is not None else ""),
            ("把握", f"{row.probability}%" if row.probability is not None else ""),
            ("预计成交", day_words(row.expected_close_on) if row.expected_close_on else ""),
        ),
        undo=Undo("opportunity.create", (row.id,)),
    )


async def _customer(ctx: ChatContext) -> Customer:
    """Find whose deal it is; a lead becomes a customer and a new one is made only after a yes."""
    if "customer" in ctx.slots:
        return await access.load(Customer, ctx.actor, int(ctx.slot("customer")))
    who = who_said(ctx)
    numbers = await customers_named(ctx, who)
    if len(numbers) > 1:
        rows = await access.visible(Customer, ctx.actor).filter(id__in=numbers[:9])
        options = [(f"{row.name}（{row.region or STATUS_WORDS.get(row.status, '客户')}）", str(row.id)) for row in rows]
        raise ctx.ask_choice("有几家客户符合，请回复序号：", options, slot="customer")
    if numbers:
        return await access.load(Customer, ctx.actor, numbers[0])
    leads = await subjects.find(ctx.actor, person=ctx.slot("person"), company=ctx.slot("company"), kinds=("lead",))
    if leads:
        if "convert" not in ctx.slots:
            raise ctx.ask_yes(f"「{who}」还是线索，先转为客户再建商机吗？（是/否）", slot="convert")
        return (await conversion.convert(ctx.core, ctx.actor, leads[0].id))[0]
    # 东风机械 is 东风机械有限公司, also where a colleague has it.
    same = await matching.same_company(ctx.core, ctx.actor, who)
    if same is not None and same.visible:
        return await access.load(Customer, ctx.actor, same.id)
    if "new" not in ctx.slots:
        await matching.refuse_same_company(ctx.core, ctx.actor, who)
        raise ctx.ask_yes(f"没有找到客户「{who}」，要新建客户并建商机吗？（是/否）", slot="new")
    kind = CustomerKind.ORGANISATION if ctx.slot("company") or is_company(who) else CustomerKind.PERSON
    return await customers.add_customer(ctx.core, ctx.actor, name=who, kind=kind.value)


@command(
    intent="advance_opportunity",
    usage="云帆科技的商机推进到商务谈判",
    roles=SELLING,
    forms=(
        r"把?(?P<person>[^\s,，]{2,30}?)(?:的商机|的单子?|那单)?\s*(?:推进|退回)[到至](?P<stage>[^\s,，。]{2,16}?)(?:阶段)?",
        r"推进\s+(?P<person>[^\s,，]{2,30})(?:\s+(?P<stage>[^\s,，。]{2,16}))?",
    ),
    undo=("opportunity.move", undo_move),
)
async def advance_opportunity(ctx: ChatContext) -> Reply:
    """推进商机，改金额、把握、预计成交日期"""
    await _reread(ctx)
    values = values_said(ctx, "amount")
    row = await pick(ctx)
    stage = stage_said(ctx, ctx.core.settings.opportunities.pipeline(row.pipeline))
    if stage == "won":
        row, move = await win_loss.win(ctx.core, ctx.actor, row.id, amount=values.get("amount"))
        return replies.text(f"赢单：{row.name}。", Undo("opportunity.move", (row.id, move.id)))
    if stage == "lost":
        return replies.text(f"丢单要说明原因和对手，例如：{row.name}丢单了，嫌贵，被对手抢走了")
    if values and stage in ("", row.stage, standing(ctx.core, row)):
        return await _correct(ctx, row, values)
    try:
        row, move = await stage_moves.advance(
            ctx.core,
            ctx.actor,
            row.id,
            stage=stage,
            reason=ctx.slot("reason"),
            **values,
        )
    except ConditionsMissing as missing:
        lines = "\n".join(f"· {each}" for each in missing.fields["conditions"])  # type: ignore[attr-defined]
        ctx.slots["deal"] = str(row.id)
        question = f"进入「{missing.fields['stage']}」还缺：\n{lines}\n补上后再推进；确要现在推进，请说明原因："
        raise ctx.ask_words(question, slot="reason") from missing
    except ReasonNeeded as needed:
        ctx.slots["deal"] = str(row.id)
        raise ctx.ask_words(f"{needed.fields['what']}，为什么？", slot="reason") from needed
    return await _moved(ctx, row, move)


async def _reread(ctx: ChatContext) -> None:
    """Leave a stage that no pipeline calls so to the understanding, which knows many words for the common ones."""
    known = {
        word for each in ctx.core.settings.opportunities.all_pipelines for one in each.stages for word in (one.name, one.label)
    }
    said = ctx.slot("stage")
    if not said or said in (*STAGE_LABELS, *known) or any(label in said for label in known):
        return
    names = await subjects.known_names(ctx.actor, ctx.slot("said"))
    meaning = parse(ctx.slot("said"), ctx.core.clock.now(), names)
    ended = {"win_opportunity": {"stage": "won"}, "lose_opportunity": {"stage": "lost"}, ctx.intent: {}}
    if meaning.intent in ended:
        ctx.slots = {**ctx.slots, **meaning.slots, **ended[meaning.intent]}


async def _correct(ctx: ChatContext, row: Opportunity, values: dict[str, object]) -> Reply:
    row, set_id = await opportunities.correct(ctx.core, ctx.actor, row.id, **values)
    return replies.text(f"已更新：{line(ctx.core, row)}", Undo("opportunity.correct", (set_id, row.id)))


async def _moved(ctx: ChatContext, row: Opportunity, move: StageMove) -> Reply:
    pipeline = ctx.core.settings.opportunities.pipeline(row.pipeline)
    verb = "已退回" if move.kind == "set_back" else "已推进"
    told = f"{verb}：{row.name}，{pipeline.label_of(move.from_stage)}（{move.days}天）→{pipeline.label_of(move.to_stage)}"
    notes = [f"跳过的条件：{move.forced}，原因：{move.reason}，已记录"] if move.forced else []
    found = (await pipelines.progress(ctx.core, ctx.actor, [row]))[0]
    notes += [f"进入「{found.next_stage}」还缺：{'、'.join(found.missing)}"] if found.missing else []
    return replies.text("\n".join([told, *notes]), Undo("opportunity.move", (row.id, move.id)))


async def undo_correct(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Put back the fields of a deal that were just changed, or what was noted."""
    await change_sets.undo(ctx.core, ctx.actor, ids[0])
    row = await access.load(Opportunity, ctx.actor, ids[1])
    return replies.text(f"已撤销：{line(ctx.core, row)}")


@command(
    intent="note_quote",
    usage="已报价 云帆科技",
    roles=SELLING,
    phrases=("已报价",),
    forms=(r"(?P<who>.{2,30}?)(?:的商机)?已经?报价了?",),
    undo=("opportunity.correct", undo_correct),
)
async def note_quote(ctx: ChatContext) -> Reply:
    """记下商机已报价"""
    row, set_id = await opportunities.correct(ctx.core, ctx.actor, (await pick(ctx)).id, quoted_at=ctx.core.clock.now())
    return replies.text(f"已记：{row.name}已报价", Undo("opportunity.correct", (set_id, row.id)))


@command(intent="list_opportunities", usage="我的商机", roles=EVERYBODY, phrases=("商机", "我的商机", "商机列表"), reads=True)
async def list_opportunities(ctx: ChatContext) -> Reply:
    """看进行中的商机"""
    who = ctx.slot("words")
    rows = await find(ctx, who) if who else await opportunities.find(ctx.actor, status="open", limit=20)
    rows = [row for row in rows if row.status == OpportunityStatus.OPEN] or rows
    await dialogs.remember_list(ctx.core, ctx.place, LIST, [row.id for row in rows])
    if not rows:
        return replies.text(f"{f'「{who}」' if who else ''}还没有商机。可以说：给云帆科技建个商机 智能网关 50万")
    return replies.numbered(f"商机{len(rows)}个：", [line(ctx.core, row) for row in rows], "想知道进展就说“到哪了 1”")


@command(
    intent="show_opportunity",
    usage="云帆科技 到哪了",
    roles=EVERYBODY,
    phrases=("到哪了", "缺什么", "还缺什么"),
    forms=(
        r"(?P<who>.{2,30}?)(?:的商机|的单子?|那单)?[\s,，]*(?:进展|进行|走|推进)?到哪(?:了|儿了|里了|一步了?|个阶段了?)[?？]?",
        r"(?P<who>.{2,30}?)(?:的商机|的单子?|那单)?[\s,，]*还?[缺差](?:什么|啥|哪些)[?？]?",
    ),
    reads=True,
)
async def show_opportunity(ctx: ChatContext) -> Reply:
    """问商机到哪了、还缺什么"""
    who = who_said(ctx)
    if who.isdecimal() or who.startswith("#"):
        rows = [await pick(ctx)]
    else:
        rows = await find(ctx, who) if who else await opportunities.find(ctx.actor, status="open", limit=ASKED_AT_ONCE)
    rows = [row for row in rows if row.status == OpportunityStatus.OPEN] or rows[:1]
    if not rows:
        return replies.text(await _without_deal(ctx, who))
    found = await pipelines.progress(ctx.core, ctx.actor, rows[:ASKED_AT_ONCE])
    if len(found) > 1:
        await dialogs.remember_list(ctx.core, ctx.place, LIST, [each.opportunity.id for each in found])
        more = f"另有{len(rows) - ASKED_AT_ONCE}个，回复“商机 {who}”查看" if len(rows) > ASKED_AT_ONCE else ""
        return replies.numbered(f"商机{len(rows)}个：", [_progress_words(ctx, each) for each in found], more)
    return replies.text("\n".join(_progress_words(ctx, each) for each in found))


def _progress_words(ctx: ChatContext, found: Progress) -> str:
    row = found.opportunity
    if row.status != OpportunityStatus.OPEN:
        why = f"，{row.loss_reason}" if row.loss_reason else ""
        to_whom = f"，输给{row.competitor}" if row.status == OpportunityStatus.LOST and row.competitor not in ("", "无") else ""
        return f"{row.name}：{standing(ctx.core, row)}{why}{to_whom}"
    told = f"{choice(ctx.core, row)}：在「{found.stage}」{found.days}天"
    told += f"，{found.quiet_days}天没动，已卡住" if found.stuck else ""
    if not found.next_stage:
        return f"{told}；已是最后阶段，可以说赢单或丢单"
    if not found.missing:
        return f"{told}；可以进入「{found.next_stage}」，什么都不缺"
    return f"{told}；进入「{found.next_stage}」还缺：{'、'.join(found.missing)}"


async def _without_deal(ctx: ChatContext, who: str) -> str:
    """Answer from the customer flow: for teams without deals, and where there is none yet."""
    numbers = await customers_named(ctx, who) if who else []
    hint = f"可以说：给{who or '云帆科技'}建个商机"
    if not await opportunities.uses_opportunities(ctx.core, ctx.actor.employee_id):
        hint = ""
    if not numbers:
        return f"没有找到{f'「{who}」' if who else ''}的商机。{hint}"
    row = await access.load(Customer, ctx.actor, numbers[0])
    last = replies.ago(row.last_follow_up_at, ctx.core.clock.now())
    followed = last if row.last_follow_up_at is None else f"最近跟进{last}"
    return f"「{row.name}」：{STATUS_WORDS.get(row.status, row.status)}，{followed}，没有进行中的商机。{hint}"
