"""The knowledge base in words (知识库): a question gets the stored answer with its source, or an honest no."""

import re

from crm_core import knowledge
from crm_core.errors import Invalid
from handlers import replies
from handlers.replies import Reply, Undo
from handlers.router import EVERYBODY, MARKETING, ChatContext, command

_NEW = re.compile(r"(?P<title>[^|｜]{1,128})[|｜](?P<text>[^|｜]+)(?:[|｜](?P<source>[^|｜]{1,200}))?")


@command(intent="ask_knowledge", usage="知识 保修多久", roles=EVERYBODY, phrases=("知识", "知识库", "问知识"), reads=True)
async def ask_knowledge(ctx: ChatContext) -> Reply:
    """问知识库"""
    question = ctx.slot("words")
    if not question:
        return replies.text("想问什么？例如：知识 保修多久")
    found = await knowledge.ask(ctx.core, ctx.actor, question)
    if not found:
        return replies.text("知识库里没有这个问题的答案。主管可以补充：加知识 标题｜内容｜出处")
    best = found[0].article
    lines = [f"{best.title}：{best.text}", f"出处：{best.source}（#{best.id}）"]
    lines += (
        [f"也可以看：{'、'.join(f'{each.article.title}（#{each.article.id}）' for each in found[1:])}"] if found[1:] else []
    )
    return replies.text("\n".join(lines))


async def undo_new(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Take an article just stored away."""
    row = await knowledge.end(ctx.core, ctx.actor, ids[0])
    return replies.text(f"已撤销：{row.title}")


@command(
    intent="add_article",
    usage="加知识 保修期｜整机保修两年，人为损坏除外｜售后手册第3页",
    roles=MARKETING,
    phrases=("加知识", "新知识"),
    undo=("article.add", undo_new),
)
async def add_article(ctx: ChatContext) -> Reply:
    """往知识库加一条"""
    said = _NEW.fullmatch(ctx.slot("words").strip())
    if said is None:
        raise Invalid(field="知识", reason="请写成：加知识 标题｜内容｜出处")
    row = await knowledge.add(ctx.core, ctx.actor, title=said["title"], text=said["text"], source=said["source"] or "")
    return replies.text(
        f"已存知识 #{row.id}：{row.title}（出处：{row.source}）。说错了回复「撤销」", Undo("article.add", (row.id,))
    )


async def undo_end(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Answer with an article again."""
    row = await knowledge.end(ctx.core, ctx.actor, ids[0], undo=True)
    return replies.text(f"已撤销：{row.title}还在")


@command(intent="end_article", usage="删知识 #3", roles=MARKETING, phrases=("删知识",), undo=("article.end", undo_end))
async def end_article(ctx: ChatContext) -> Reply:
    """停用知识库的一条"""
    number = ctx.slot("words").removeprefix("#").strip()
    if not number.isdecimal() or len(number) > 15:
        raise Invalid(field="知识", reason="请写编号，例如：删知识 #3")
    row = await knowledge.end(ctx.core, ctx.actor, int(number))
    return replies.text(f"已停用：{row.title}。说错了回复「撤销」", Undo("article.end", (row.id,)))
