"""Files under a customer in words (文档): sent in chat they are filed, 文件 A公司 finds them."""

from crm_core import documents
from crm_core.activities import Subject
from crm_core.clock import to_local
from crm_core.documents import Document, DocumentStatus
from crm_core.errors import NotFound
from crm_core.messages import Kind
from handlers import dialogs, replies, sent_things, subjects
from handlers.replies import Reply, Undo
from handlers.router import EVERYBODY, SELLING, ChatContext, command

_KINDS = {Kind.IMAGE: ("图片", ".jpg"), Kind.VIDEO: ("视频", ".mp4"), Kind.FILE: ("文件", "")}


async def undo_filing(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Take a file off again."""
    row = await documents.remove(ctx.core, ctx.actor, ids[0])
    return replies.text(f"已撤销：「{row.name}」不再归档")


@command(intent="file_document", usage="发文件", roles=SELLING, phrases=("发文件", "传文件"), undo=("document", undo_filing))
async def file_document(ctx: ChatContext) -> Reply:
    """把发来的文件或图片归到当前客户名下（直接发文件）"""
    if ctx.message.in_group:
        return replies.text("文件里可能有客户资料，请单独发给机器人。")
    if "media" not in ctx.slots and ctx.message.kind not in _KINDS:
        return replies.text("请把文件或图片直接发给我，会归到当前客户名下。表格会开始导入；要归档表格先说「存文件 客户名」。")
    subject = await _whose(ctx)
    kind = Kind(ctx.slot("kind"))
    label, _ = _KINDS.get(kind, _KINDS[Kind.FILE])
    media = ctx.slots["media"]
    row = await documents.begin(
        ctx.core,
        ctx.actor,
        subject,
        ctx.slot("file_name"),
        media=dict(media) if isinstance(media, dict) else {},
        told_to=ctx.message.address,
    )
    words = f"{label}「{row.name}」已归到{subject.name}名下，正在保存。找的时候说「文件 {subject.name}」，归错了回复「撤销」"
    return replies.text(words, Undo("document", (row.id,)))


async def _whose(ctx: ChatContext) -> Subject:
    """Tell under whom it goes: who was said before the file, who was answered, or the current customer; else ask."""
    if "media" not in ctx.slots:
        kind = ctx.message.kind
        _, ending = _KINDS.get(kind, _KINDS[Kind.FILE])
        local = to_local(ctx.message.at)
        name = (
            str(ctx.message.data.get("file_name") or "")
            or f"{_KINDS.get(kind, _KINDS[Kind.FILE])[0]}{local:%m%d-%H%M%S}{ending}"
        )
        ctx.slots |= {"media": dict(ctx.message.data), "file_name": name, "kind": kind.value}
        expected = await sent_things.take_expected(ctx.core, ctx.place)
        chosen = expected or await sent_things.spoken_of(ctx.core, ctx.place)
        if chosen:
            return await subjects.from_slot(ctx.actor, chosen)
    if "text" in ctx.slots or "subject" in ctx.slots:
        found = await _named(ctx, ctx.slot("text"))
        if found is not None:
            return found
        ctx.slots.pop("text", None)
        raise ctx.ask_words("没有找到这位客户，请再说一次名称，不归档就回复「取消」", slot="text")
    raise ctx.ask_words("这个文件归到哪位客户名下？", slot="text")


@command(intent="expect_document", usage="存文件 云帆科技", roles=SELLING, phrases=("存文件", "归档文件"))
async def expect_document(ctx: ChatContext) -> Reply:
    """下一个发来的文件归到这位客户（表格也归档，不导入）"""
    subject = await _named(ctx, ctx.slot("words"))
    if subject is None:
        raise NotFound
    await sent_things.expect_file(ctx.core, ctx.place, subject)
    return replies.text(f"好的，接下来半小时里发来的下一个文件归到{subject.name}名下，表格也不会导入。")


@command(intent="list_documents", usage="文件 云帆科技", roles=EVERYBODY, phrases=("文件", "文档", "资料文件"))
async def list_documents(ctx: ChatContext) -> Reply:
    """找一位客户的文件"""
    if not ctx.slot("words") and "subject" not in ctx.slots:
        chosen = await sent_things.spoken_of(ctx.core, ctx.place)
        if not chosen:
            return replies.text("请说是哪位客户，例如：文件 云帆科技")
        ctx.slots["subject"] = chosen
    subject = await _named(ctx, ctx.slot("words"))
    if subject is None:
        raise NotFound
    rows = await documents.of_subject(ctx.actor, subject)
    await dialogs.remember_list(ctx.core, ctx.place, "documents", [row.id for row in rows])
    if not rows:
        return replies.text(f"{subject.name}名下还没有文件。把文件直接发给我就能归档。")
    lines = [_line(ctx, row) for row in rows]
    return replies.numbered(f"{subject.name}的文件{len(rows)}个：", lines, "打开：取文件 1；删掉：删文件 1")


async def _named(ctx: ChatContext, name: str) -> Subject | None:
    """Find the customer, contact or lead of a name; asks by number when several bear it."""
    if "subject" in ctx.slots:
        return await ctx.pick_subject()
    found = await subjects.find_named(ctx.actor, name)
    if len(found) > 1:
        now = ctx.core.clock.now()
        options = [(subjects.label(each, now), f"{each.kind}:{each.id}") for each in found[:9]]
        raise ctx.ask_choice("有几位同名，请回复序号：", options, slot="subject")
    if found:
        await sent_things.speak_of(ctx.core, ctx.place, found[0])
    return found[0] if found else None


def _line(ctx: ChatContext, row: Document) -> str:
    size = f"{row.size_bytes / 1024:.0f}KB" if row.size_bytes < 1 << 20 else f"{row.size_bytes / (1 << 20):.1f}MB"
    state = "" if row.status == DocumentStatus.READY.value else "（还在保存）"
    return f"{row.name}，{size}，{replies.when(row.created_at, ctx.core.clock.now())}{state}"


@command(intent="fetch_document", usage="取文件 1", roles=EVERYBODY, phrases=("取文件", "打开文件"))
async def fetch_document(ctx: ChatContext) -> Reply:
    """把一个文件发到这里"""
    if ctx.message.in_group:
        return replies.text("文件请单独向机器人要。")
    number = await dialogs.listed(ctx.core, ctx.place, "documents", ctx.slot("words").strip("#第个条"), ctx.message.text)
    row, taken = await documents.want(ctx.core, ctx.actor, number, ctx.message.address)
    return replies.text(f"正在取「{row.name}」，马上发来。" if taken else f"「{row.name}」正发给别人，请过几秒再说一次。")


async def undo_removal(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Put a removed file back."""
    row = await documents.remove(ctx.core, ctx.actor, ids[0], undo=True)
    return replies.text(f"已撤销：「{row.name}」还在")


@command(intent="remove_document", usage="删文件 1", roles=SELLING, phrases=("删文件",), undo=("document.remove", undo_removal))
async def remove_document(ctx: ChatContext) -> Reply:
    """删掉一个文件"""
    number = await dialogs.listed(ctx.core, ctx.place, "documents", ctx.slot("words").strip("#第个条"), ctx.message.text)
    row = await documents.remove(ctx.core, ctx.actor, number)
    return replies.text(f"已删除文件「{row.name}」。删错了回复「撤销」", Undo("document.remove", (row.id,)))
