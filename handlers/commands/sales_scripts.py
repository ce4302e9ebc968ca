"""Sales scripts in words (销售话术): find one, store one, take one away."""

import re

from crm_core import sales_scripts
from crm_core.errors import Invalid
from handlers import replies
from handlers.replies import Reply, Undo
from handlers.router import EVERYBODY, MARKETING, ChatContext, command

_NEW = re.compile(r"(?P<title>[^|｜]{1,64})[|｜](?P<words>[^|｜]{1,200})[|｜](?P<text>[\s\S]+)")


@command(intent="find_script", usage="话术 嫌贵", roles=EVERYBODY, phrases=("话术", "销售话术"), reads=True)
async def find_script(ctx: ChatContext) -> Reply:
    """找销售话术"""
    found = await sales_scripts.search(ctx.core, ctx.actor, ctx.slot("words"))
    if not found:
        return replies.text("没有合适的话术。主管可以说：新话术 标题｜关键词｜内容")
    blocks = [f"{'#' + str(each.id) + ' ' if each.id else ''}{each.title}：\n{each.text}" for each in found]
    return replies.text("\n\n".join(blocks))


async def undo_new(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Take wording just stored away."""
    row = await sales_scripts.end(ctx.core, ctx.actor, ids[0])
    return replies.text(f"已撤销：{row.title}")


@command(
    intent="add_script",
    usage="新话术 嫌贵｜贵、价格高｜先谈价值，再谈价格……",
    roles=MARKETING,
    phrases=("新话术",),
    undo=("script.add", undo_new),
)
async def add_script(ctx: ChatContext) -> Reply:
    """存一条销售话术"""
    said = _NEW.fullmatch(ctx.slot("words").strip())
    if said is None:
        raise Invalid(field="话术", reason="请写成：新话术 标题｜关键词｜内容")
    row = await sales_scripts.add(ctx.core, ctx.actor, title=said["title"], words=said["words"], text=said["text"])
    return replies.text(f"已存话术 #{row.id}：{row.title}。说错了回复「撤销」", Undo("script.add", (row.id,)))


async def undo_end(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Offer wording again."""
    row = await sales_scripts.end(ctx.core, ctx.actor, ids[0], undo=True)
    return replies.text(f"已撤销：{row.title}还在")


@command(intent="end_script", usage="删话术 #3", roles=MARKETING, phrases=("删话术",), undo=("script.end", undo_end))
async def end_script(ctx: ChatContext) -> Reply:
    """停用一条销售话术"""
    number = ctx.slot("words").removeprefix("#").strip()
    if not number.isdecimal() or len(number) > 15:
        raise Invalid(field="话术", reason="请写编号，例如：删话术 #3")
    row = await sales_scripts.end(ctx.core, ctx.actor, int(number))
    return replies.text(f"已停用：{row.title}。说错了回复「撤销」", Undo("script.end", (row.id,)))
