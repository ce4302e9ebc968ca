"""What customers are worth, in words: the value line by line, the ranking, purchases and interests, ratings, answers."""

import re
from decimal import Decimal

from crm_core import customer_values, purchases, service_figures
from crm_core.access import Actor
from crm_core.errors import Invalid
from crm_core.ports import Core
from crm_core.purchases import PURCHASE_LABELS, Purchase, PurchaseKind
from crm_core.value_rules import SIDES
from handlers import replies
from handlers.customer_words import is_known, pick_customer
from handlers.replies import Reply, Undo
from handlers.router import EVERYBODY, SELLING, ChatContext, command
from handlers.understanding.answers import read_answer
from handlers.understanding.numerals import read_number

MOST_WORDS = 200
"""Characters of what was bought."""
_WHO = r"(?P<who>[^\s，,。]{2,30}?)"
_BOUGHT = re.compile(rf"{_WHO}\s*(?:买了|又买了|购买了|采购了|采购)\s*(?P<what>\S.{{0,160}})")
_LIKES = re.compile(rf"{_WHO}\s*(?:喜欢|偏好|感兴趣的是|关注)\s*(?P<what>[^了过].{{0,120}})")
_INTERESTED = re.compile(rf"{_WHO}\s*对\s*(?P<what>.{{1,120}}?)\s*(?:很|比较|非常)?感兴趣")
_COST = re.compile(r"成本\s*(?P<amount>[\d.,]+\s*(?:万|千|元|块|w|k)*)", re.IGNORECASE)
_NUMBER = r"(?:\d[\d.,]*|[一二两三四五六七八九十百千零]+)"
_UNIT = r"(?:万元|万块|千元|千块|百元|百块|万|千|元|块钱|块|w|k)"
_AMOUNT = re.compile(rf"(?:共|花了|金额|合计|总价)?\s*(?P<amount>{_NUMBER}\s*{_UNIT})(?!\w)", re.IGNORECASE)
_PRICE = re.compile(rf"(?:单价|每[台个套件箱吨部辆张份](?:是|要)?)\s*(?P<price>{_NUMBER}(?:\s*{_UNIT})?)(?!\w)", re.IGNORECASE)
_BARE = re.compile(r"(?:^|\s)(?P<amount>\d[\d.,]*)\s*$")
_QUANTITY = re.compile(
    r"(?P<quantity>(?:\d+(?:\.\d+)?\s*|[一二两三四五六七八九十百]+(?=[台套件箱吨部辆]))(?:台|个|套|件|张|把|支|只|条|瓶|盒|箱|桶|吨|公斤|千克|斤|米|平米|人|次|年|月|份|本|部|辆|批|袋|卷|双|副|节|点))"
)


@command(intent="show_value", usage="价值 云帆科技", roles=EVERYBODY, phrases=("价值", "客户价值"))
async def show_value(ctx: ChatContext) -> Reply:
    """看客户价值四个方面的依据"""
    if not ctx.slot("words") and "customer" not in ctx.slots:
        return await _ranking(ctx)
    row = await pick_customer(ctx, ctx.slot("words"))
    seen = await customer_values.appraisal_of(ctx.core, ctx.actor, row.id)
    lines = [f"{row.name}：价值{seen.value.grade}级（{seen.value.points}分）"]
    for side in seen.value.sides:
        lines.append(f"{SIDES[side.name]} {side.points}分")
        lines += [f"· {line}" for line in side.lines]
    now = ctx.core.clock.now()
    if len(seen.history) > 1:
        past = [
            f"{replies.when(each.at, now).split(' ')[0]} {each.grade}（{each.points}分）" for each in reversed(seen.history)
        ]
        lines.append(f"变化：{' → '.join(past)}")
    lines.append(f"联系节奏：每{seen.every_days}天，{seen.greeting}")
    lines.append(f"补充依据可以说：把{row.name}的付款周期改成45天（还有潜力金额、欠款、占有率、影响力）")
    return replies.text("\n".join(lines))


@command(
    intent="show_value_ranking",
    usage="价值排行",
    roles=EVERYBODY,
    phrases=("价值排行", "二八分析", "客户二八", "利润排行"),
    reads=True,
)
async def show_ranking(ctx: ChatContext) -> Reply:
    """看客户利润排行：前20%的占比和后30%的拖累"""
    return await _ranking(ctx)


async def _ranking(ctx: ChatContext) -> Reply:
    seen = await customer_values.ranking(ctx.core, ctx.actor)
    if not seen.customers:
        return replies.text("还没有算过价值的客户。记下成交（例如：云帆科技 买了 网关 3台 1.2万）后几分钟内会算好。")
    share = f"，占{seen.top_share:.0%}" if seen.top_share is not None else ""
    lines = [
        f"客户{seen.customers}家，利润合计{replies.money(seen.profit)}",
        f"前20%（{seen.top_count}家）：{replies.money(seen.top_profit)}{share}",
        f"后30%（{seen.worst_count}家）：{replies.money(seen.worst_profit)}，其中亏损客户拖累{replies.money(seen.loss)}",
        "利润最高：",
        *(f"{number}. {each.name} {replies.money(each.profit)}（{each.grade}）" for number, each in enumerate(seen.best, 1)),
    ]
    losing = [each for each in seen.worst if each.profit < 0]
    if losing:
        lines += ["亏损：", *(f"· {each.name} {replies.money(each.profit)}" for each in losing)]
    return replies.text("\n".join(lines))


async def undo_purchase(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Take a note back."""
    row = await purchases.undo_purchase(ctx.core, ctx.actor, ids[0])
    return replies.text(f"已撤销：{purchases.line(row)}")


_KINDS = {PurchaseKind.BOUGHT: ("customer", "lead"), PurchaseKind.INTEREST: ("customer",)}
"""A lead that bought something is told to be one still; what it is interested in is its need."""


async def recognise_purchase(core: Core, actor: Actor, words: str) -> dict[str, object] | None:
    """See what a customer of the house bought or likes."""
    for kind, forms in ((PurchaseKind.BOUGHT, (_BOUGHT,)), (PurchaseKind.INTEREST, (_INTERESTED, _LIKES))):
        for form in forms:
            found = form.fullmatch(words)
            if found and found["what"][:1] not in "什哪多吗" and await is_known(actor, found["who"], _KINDS[kind]):
                return {"who": found["who"], "what": found["what"], "kind": kind.value}
    return None


@command(
    intent="note_purchase",
    usage="记消费 云帆科技 网关 3台 1.2万",
    roles=SELLING,
    phrases=("记消费", "记兴趣"),
    undo=("purchase.note", undo_purchase),
    recognise=recognise_purchase,
)
async def note_purchase(ctx: ChatContext) -> Reply:
    """记客户的消费和兴趣，也可以说 A公司 买了 网关 3台 1.2万、A公司 对 边缘计算 感兴趣"""
    if "who" not in ctx.slots:
        who, _, what = ctx.slot("words").partition(" ")
        kind = PurchaseKind.INTEREST if "兴趣" in ctx.slot("said")[:3] else PurchaseKind.BOUGHT
        ctx.slots |= {"who": who, "what": what, "kind": kind.value}
    kind = PurchaseKind(ctx.slot("kind"))
    row = await pick_customer(ctx, ctx.slot("who"))
    values = read_purchase(ctx, ctx.slot("what")) if kind is PurchaseKind.BOUGHT else {"product": ctx.slot("what").strip(" 。")}
    made: Purchase = await purchases.note_purchase(ctx.core, ctx.actor, row.id, kind=kind, **values)
    return replies.text(f"已记：{row.name}{PURCHASE_LABELS[kind]} {purchases.line(made)}", Undo("purchase.note", (made.id,)))


def read_purchase(ctx: ChatContext, what: str) -> dict[str, object]:
    """Read "网关 3台 1.2万 成本1.3万"."""
    values: dict[str, object] = {}
    rest = what.strip(" 。")
    if len(rest) > MOST_WORDS:
        raise Invalid(field="消费", reason=f"请不超过{MOST_WORDS}个字，例如：记消费 云帆科技 网关 3台 1.2万")
    if found := _COST.search(rest):
        values["cost"] = _amount(ctx, found["amount"])
        rest = rest.replace(found[0], " ", 1)
    price = _PRICE.search(rest)
    if price:
        rest = rest.replace(price[0], " ", 1)
    if found := _AMOUNT.search(rest):
        values["amount"] = _amount(ctx, found["amount"])
        rest = rest.replace(found[0], " ", 1)
    if found := _QUANTITY.search(rest):
        values["quantity"] = found["quantity"].strip()
        rest = rest.replace(found["quantity"], " ", 1)
    if price and "amount" not in values:
        values["amount"] = _times(_amount(ctx, price["price"]), str(values.get("quantity", "")))
    if "amount" not in values and (found := _BARE.search(rest)) and rest[: found.start()].strip():
        values["amount"] = _amount(ctx, found["amount"])
        rest = rest[: found.start()]
    values["product"] = re.sub(r"\s+", " ", rest).strip(" ，,、")
    return values


def _times(price: str, quantity: str) -> str:
    """Multiply a unit price; without a number of pieces it is that of one."""
    pieces = read_number(re.sub(r"[^\d.一二两三四五六七八九十百]", "", quantity)) if quantity else None
    return str((Decimal(price) * Decimal(pieces or 1)).quantize(Decimal("0.01")))


def _amount(ctx: ChatContext, words: str) -> str:
    found = read_answer("amount", words.replace(",", ""), ctx.core.clock.now(), [])
    if not found:
        raise Invalid(field="金额", reason="看不懂，例如 1.2万")
    return str(found)


async def undo_rate(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Take a rating back."""
    row = await service_figures.undo_rate(ctx.core, ctx.actor, ids[0])
    return replies.text(f"已撤销：{row.points}分的评价")


_RATED = re.compile(r"(?P<who>\S{2,30})\s+(?P<points>[1-5])\s*(?:分|星)?[\s，,]*(?P<text>.{0,200})")


@command(
    intent="rate_service",
    usage="服务评价 云帆科技 5 回复及时",
    roles=SELLING,
    phrases=("服务评价",),
    undo=("customer.rate", undo_rate),
)
async def rate_service(ctx: ChatContext) -> Reply:
    """记客户对服务的评价（1到5分）"""
    found = _RATED.fullmatch(ctx.slot("words"))
    if found is None:
        raise Invalid(field="服务评价", reason="请写成：服务评价 A公司 5 回复及时")
    row = await pick_customer(ctx, found["who"])
    made = await service_figures.rate(ctx.core, ctx.actor, row.id, points=int(found["points"]), text=found["text"])
    return replies.text(f"已记：{row.name}评价{made.points}分", Undo("customer.rate", (made.id,)))


@command(intent="show_service", usage="服务满意度", roles=EVERYBODY, phrases=("服务满意度", "满意度", "响应速度"), reads=True)
async def show_service(ctx: ChatContext) -> Reply:
    """看每个人的首次响应时间和服务评价"""
    found = await service_figures.figures(ctx.core, ctx.actor)
    if not found:
        return replies.text("近30天还没有可以统计的新线索和评价。")
    lines = []
    for each in found:
        wait = (
            f"首次响应{_span(each.median_seconds)}（中位，{each.answered_count}/{each.new_count}条已响应）"
            if each.new_count
            else ""
        )
        rated = f"评价{each.rating:.1f}分（{each.rating_count}次）" if each.rating is not None else ""
        lines.append(f"{each.name or '已离职'}：{'，'.join(part for part in (wait, rated) if part)}")
    return replies.numbered("近30天的服务：", lines)


def _span(seconds: int | None) -> str:
    if seconds is None:
        return "还没有"
    if seconds < 3600:
        return f"{max(1, seconds // 60)}分钟"
    return f"{seconds / 3600:.1f}小时" if seconds < 86400 else f"{seconds / 86400:.1f}天"
