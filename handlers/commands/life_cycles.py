"""The life cycle of customers in words: states and moves, one customer's history, who sleeps, who goes, whom to call."""

from crm_core import change_sets, life_cycle_counts, life_cycles
from crm_core.customers import Customer
from crm_core.errors import Invalid
from crm_core.life_cycle_rules import LIFE_CYCLE_LABELS, LifeCycle, named
from handlers import replies
from handlers.customer_words import pick_customer
from handlers.replies import Reply, Undo
from handlers.router import EVERYBODY, SELLING, ChatContext, command

DAYS = 30


@command(intent="show_life_cycle", usage="生命周期", roles=EVERYBODY, phrases=("生命周期", "客户生命周期"))
async def show_life_cycle(ctx: ChatContext) -> Reply:
    """看客户生命周期的人数和转化；生命周期 A公司 看一家"""
    if ctx.slot("words") or "customer" in ctx.slots:
        return await _of_one(ctx)
    seen = await life_cycle_counts.overview(ctx.core, ctx.actor, DAYS)
    if not sum(seen.counts.values()):
        return replies.text("还没有客户，生命周期无从统计。")
    lines = ["客户生命周期：", "，".join(f"{LIFE_CYCLE_LABELS[state]}{count}" for state, count in seen.counts.items())]
    if seen.moves:
        lines.append(f"近{seen.days}天的变化：")
        lines += [_move(move) for move in seen.moves]
    return replies.text("\n".join(lines))


def _move(move: life_cycle_counts.Move) -> str:
    words = f"{LIFE_CYCLE_LABELS[move.from_state]}→{LIFE_CYCLE_LABELS[move.to_state]}"
    return f"· {words}：{move.count}家（占离开的{move.conversion_rate:.0%}）"


async def _of_one(ctx: ChatContext) -> Reply:
    row = await pick_customer(ctx, ctx.slot("words"))
    now = ctx.core.clock.now()
    head = f"{row.name}：{LIFE_CYCLE_LABELS[LifeCycle(row.life_cycle)]}"
    if row.life_cycle_at:
        head += f"，{replies.when(row.life_cycle_at, now)}起（{row.life_cycle_reason}）"
    lines = [
        f"· {replies.when(change.at, now)} {LIFE_CYCLE_LABELS[LifeCycle(change.from_state)]}→"
        f"{LIFE_CYCLE_LABELS[LifeCycle(change.to_state)]}：{change.reason}"
        for change in await life_cycles.history(ctx.actor, row.id, 5)
    ]
    rhythm = ctx.core.settings.customer_value.rhythm(row.life_cycle, row.value_grade)
    after = f"联系节奏：每{rhythm.every_days}天，{rhythm.greeting}"
    if row.next_contact_at:
        after += f"；下次{replies.when(row.next_contact_at, now).split(' ')[0]}"
    return replies.text("\n".join([head, *lines, after]))


async def undo_set(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Put the former state back."""
    await change_sets.undo(ctx.core, ctx.actor, ids[0])
    return replies.text("已撤销，恢复原来的生命周期")


@command(
    intent="set_life_cycle",
    usage="把云帆科技标为流失，搬走了",
    roles=SELLING,
    phrases=("改生命周期",),
    forms=(
        r"把?(?P<who>[^\s，,。]{2,30}?)(?:标为|标记为|标成)(?P<state>目标|潜在|机会|用户|忠诚|休眠|流失)(?:客户)?[\s，,。：:]*(?P<reason>.{0,100})",
    ),
    undo=("life_cycle.set", undo_set),
)
async def set_life_cycle(ctx: ChatContext) -> Reply:
    """手工改客户生命周期，要写原因"""
    if "who" not in ctx.slots:
        parts = ctx.slot("words").split(maxsplit=2)
        if len(parts) < 2:
            raise Invalid(field="改生命周期", reason="请写成：把A公司标为流失，搬走了")
        ctx.slots |= {"who": parts[0], "state": parts[1], "reason": parts[2] if len(parts) > 2 else ""}
    state = named(ctx.slot("state"))
    if state is None:
        raise Invalid(field="生命周期", reason=f"只能是{'、'.join(LIFE_CYCLE_LABELS.values())}")
    row = await pick_customer(ctx, ctx.slot("who"))
    if not ctx.slot("reason").strip():
        raise ctx.ask_words(f"{row.name}标为{LIFE_CYCLE_LABELS[state]}，原因是什么？", slot="reason")
    row, set_id = await life_cycles.set_by_hand(ctx.core, ctx.actor, row.id, state, reason=ctx.slot("reason")[:100])
    words = f"已改：{row.name}为{LIFE_CYCLE_LABELS[state]}（{row.life_cycle_reason}），有新往来时会自动更新。"
    return replies.text(words, Undo("life_cycle.set", (set_id,)))


@command(intent="list_dormant", usage="休眠客户", roles=EVERYBODY, phrases=("休眠客户", "沉睡客户", "流失客户"), reads=True)
async def list_dormant(ctx: ChatContext) -> Reply:
    """看休眠和流失的客户"""
    states = [LifeCycle.LOST] if "流失" in ctx.slot("said") else [LifeCycle.DORMANT]
    rows, count = await life_cycle_counts.list_in(ctx.actor, states)
    label = LIFE_CYCLE_LABELS[states[0]]
    if not rows:
        return replies.text(f"没有{label}的客户。")
    return _list(ctx, f"{label}客户{count}家：", rows, "联系后记一条跟进，或客户来消息，就会自动唤醒。")


@command(intent="list_churn", usage="流失预警", roles=EVERYBODY, phrases=("流失预警", "快流失的客户"), reads=True)
async def list_churn(ctx: ChatContext) -> Reply:
    """看快要休眠或流失的客户"""
    rows, count = await life_cycle_counts.list_warned(ctx.actor)
    if not rows:
        return replies.text("没有快要流失的客户。")
    return _list(ctx, f"流失预警{count}家：", rows, "联系后记一条跟进就会解除预警。")


@command(
    intent="list_to_contact", usage="联系计划", roles=EVERYBODY, phrases=("联系计划", "该联系谁", "今天该联系谁"), reads=True
)
async def list_to_contact(ctx: ChatContext) -> Reply:
    """看按节奏该联系的客户"""
    rows, count = await life_cycle_counts.list_to_contact(ctx.core, ctx.actor)
    if not rows:
        return replies.text("按联系节奏，现在没有该联系的客户。")
    settings = ctx.core.settings.customer_value
    lines = []
    for row in rows:
        rhythm = settings.rhythm(row.life_cycle, row.value_grade)
        state = LIFE_CYCLE_LABELS[LifeCycle(row.life_cycle)]
        lines.append(
            f"{row.name}（{state}{row.value_grade and f'，{row.value_grade}级'}）：每{rhythm.every_days}天，{rhythm.greeting}"
        )
    return replies.numbered(f"该联系的客户{count}家：", lines)


def _list(ctx: ChatContext, title: str, rows: list[Customer], after: str) -> Reply:
    now = ctx.core.clock.now()
    lines = [
        f"{row.name}（{LIFE_CYCLE_LABELS[LifeCycle(row.life_cycle)]}，{replies.ago(row.last_follow_up_at, now)}）"
        for row in rows
    ]
    return replies.numbered(title, lines, after)
