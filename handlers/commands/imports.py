"""Imports in words: send a table, see what it would do, say yes, take it back; and the quarantine."""

from datetime import timedelta

from crm_core import access, quarantine
from crm_core.errors import Invalid, NotFound
from crm_core.importing import imports, tickets
from crm_core.importing.columns import KINDS, kind_of
from crm_core.importing.imports import IMPORT_LABELS, RULE_LABELS, Import, ImportStatus
from crm_core.importing.refused import sentence
from crm_core.messages import Kind
from crm_core.quarantine import QuarantinedRow
from crm_core.validation import LABELS
from crm_core.values import mask_phone, normalize_phone
from handlers import dialogs, replies
from handlers.replies import Reply, Undo
from handlers.router import SELLING, ChatContext, command

_EXPECTED_FOR = timedelta(hours=1)
_ENDINGS = (".csv", ".xlsx", ".xls", ".txt")
"""What it really is, its content tells: many an .xls is none, and what is one is told to be saved anew."""
_SHOWN = 8
_RULES = {label: rule for rule, label in RULE_LABELS.items()} | {"补充": "merge", "合并": "merge", "询问": "ask"}
_FIELDS = {label: field for field, label in LABELS.items()} | {"手机": "mobile", "名字": "name"}


class NoSuchImport(NotFound):
    """Nothing waits for this word."""

    code = "import.none_waiting"
    text = "没有可以{what}的导入，把 CSV 或 xlsx 表格发给我就能开始"


@command(intent="import_table", usage="导入线索", roles=SELLING, phrases=("导入线索", "导入客户", "导入联系人", "导入"))
async def import_table(ctx: ChatContext) -> Reply:
    """导入一张表（把文件发来）"""
    if ctx.message.kind is Kind.FILE:
        return await _take_file(ctx)
    said = ctx.message.text.strip().removeprefix("导入").split()
    kind = kind_of(said[0]) if said else KINDS["leads"]
    await ctx.core.state.set(_expected(ctx), kind.name, lasts=_EXPECTED_FOR)
    lines = [f"请把{kind.label}表格（CSV 或 xlsx）发给我。还没有表格？回复「导入模板 {kind.label}」。"]
    if ctx.core.public_url and ctx.actor.employee_id is not None and not ctx.message.in_group:
        ticket = await tickets.issue(ctx.core, ctx.actor.employee_id, kind.name, ctx.message.address)
        lines.append(f"发不了文件的话，在这里上传（1小时内有效）：{ctx.core.public_url}/imports/{ticket}")
    return replies.text("\n".join(lines))


async def _take_file(ctx: ChatContext) -> Reply:
    if ctx.message.in_group:
        return replies.text("表格里有客户资料，请单独发给机器人。")
    name = str(ctx.message.data.get("file_name") or "")
    if name and not name.lower().endswith(_ENDINGS):
        return replies.text("暂时只能导入 CSV 或 xlsx 表格。")
    kind = await ctx.core.state.get(_expected(ctx)) or _kind_by_name(name)
    await ctx.core.state.delete(_expected(ctx))
    row = await imports.create(
        ctx.core,
        ctx.actor,
        kind,
        file_name=name or "表格",
        told_to=ctx.message.address,
        media=dict(ctx.message.data),
    )
    return replies.text(f"收到{KINDS[kind].label}表格 {row.label}，正在检查，马上告诉结果。")


def _expected(ctx: ChatContext) -> str:
    return f"import_kind:{ctx.place}"


def _kind_by_name(name: str) -> str:
    if "联系人" in name:
        return "contacts"
    return "customers" if "客户" in name else "leads"


@command(intent="import_template", usage="导入模板", roles=SELLING, phrases=("导入模板", "下载模板", "上传模板"), reads=True)
async def show_template(ctx: ChatContext) -> Reply:
    """看导入模板"""
    kind = kind_of(ctx.slot("words")) if ctx.slot("words") else KINDS["leads"]
    lines = [f"{kind.label}表格第一行写列名，可用的列：{'、'.join(column.label for column in kind.columns)}。"]
    if ctx.core.public_url:
        lines.append(f"模板：{ctx.core.public_url}/templates/{kind.name}.xlsx")
    return replies.text("\n".join([*lines, "填好后把文件发给我（CSV 或 xlsx）。"]))


async def undo_confirmed(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Take back the import that was said yes to, however far it is."""
    row = await access.load(Import, ctx.actor, ids[0])
    if row.status == ImportStatus.QUEUED.value:
        return _cancelled(await imports.cancel(ctx.core, ctx.actor, row.id))
    return _undoing(await imports.ask_undo(ctx.core, ctx.actor, row.id))


def _cancelled(row: Import) -> Reply:
    return replies.text(f"已取消导入 {row.label}，没有写入任何记录。")


def _undoing(row: Import) -> Reply:
    return replies.text(f"正在撤销导入 {row.label}，完成后告诉结果。")


@command(
    intent="import_confirm",
    usage="确认导入",
    roles=SELLING,
    phrases=("确认导入", "开始导入"),
    undo=("import.confirm", undo_confirmed),
)
async def confirm_import(ctx: ChatContext) -> Reply:
    """开始检查好的导入"""
    words = ctx.slot("words")
    number = await _number(ctx, "确认", ImportStatus.READY)
    rule = next((rule for label, rule in _RULES.items() if label in words), "")
    row = await imports.confirm(ctx.core, ctx.actor, number, on_duplicate=rule)
    return replies.text(
        f"开始导入 {row.label}，重复的{RULE_LABELS[row.on_duplicate]}，完成后告诉结果。", Undo("import.confirm", (row.id,))
    )


@command(intent="import_cancel", usage="取消导入", roles=SELLING, phrases=("取消导入", "放弃导入"))
async def cancel_import(ctx: ChatContext) -> Reply:
    """放弃还没开始的导入"""
    waiting = (ImportStatus.READY, ImportStatus.QUEUED, ImportStatus.CHECKING, ImportStatus.WAITING)
    row = await imports.cancel(ctx.core, ctx.actor, await _number(ctx, "取消", *waiting))
    return _cancelled(row)


@command(intent="import_undo", usage="撤销导入", roles=SELLING, phrases=("撤销导入", "撤消导入", "撤回导入"))
async def undo_import(ctx: ChatContext) -> Reply:
    """把一次导入整个取回"""
    number = await _number(ctx, "撤销", ImportStatus.DONE)
    return _undoing(await imports.ask_undo(ctx.core, ctx.actor, number))


@command(intent="import_progress", usage="导入进度", roles=SELLING, phrases=("导入进度", "我的导入", "导入记录"), reads=True)
async def show_imports(ctx: ChatContext) -> Reply:
    """看导入的进度和记录"""
    rows = await imports.visible(ctx.actor).limit(_SHOWN)
    if not rows:
        return replies.text("还没有导入过。把 CSV 或 xlsx 表格发给我就能开始。")
    return replies.text("\n".join(_line(row) for row in rows))


def _line(row: Import) -> str:
    status = ImportStatus(row.status)
    said = [row.label, KINDS[row.kind].label, IMPORT_LABELS[status]]
    if status is ImportStatus.RUNNING:
        said.append(f"{row.cursor}/{row.line_count}行")
    elif status in (ImportStatus.READY, ImportStatus.DONE):
        said.append(f"新增{row.new_count}、重复{row.duplicate_count}、有误{row.bad_count}")
    elif row.problem:
        said.append(row.problem)
    return "，".join(said)


async def _number(ctx: ChatContext, what: str, *statuses: ImportStatus) -> int:
    """Tell which import is meant: the number that was said, else the speaker's newest in such a state."""
    said = [word.lstrip("#") for word in ctx.slot("words").split()]
    number = next((int(word) for word in said if word.isascii() and word.isdecimal() and len(word) < 16), 0)
    if number:
        return number
    row = await imports.newest(ctx.actor, *statuses)
    if row is None:
        raise NoSuchImport(what=what)
    return int(row.id)


@command(intent="quarantine_list", usage="隔离区", roles=SELLING, phrases=("隔离区",), reads=True)
async def list_quarantine(ctx: ChatContext) -> Reply:
    """看没能存下来的数据和原因"""
    waiting = quarantine.waiting(ctx.actor)
    rows = await waiting.order_by("-id").limit(_SHOWN)
    await dialogs.remember_list(ctx.core, ctx.place, "quarantine", [int(row.id) for row in rows])
    if not rows:
        return replies.text("隔离区是空的。")
    lines = [_quarantined(row) for row in rows]
    after = "改好放行：放行 1 手机号 13800138000；不要了：丢弃 1"
    return replies.numbered(f"隔离区共{await quarantine.waiting(ctx.actor).count()}条，最新{len(rows)}条：", lines, after)


def _quarantined(row: QuarantinedRow) -> str:
    values = row.values
    who = values.get("name") or values.get("company") or mask_phone(normalize_phone(values.get("mobile", ""))) or "（无名）"
    return f"{who[:20]}（{row.source[:20]}）：{sentence(row.reasons)[:60]}"


@command(intent="quarantine_release", usage="放行 1 手机号 13800138000", roles=SELLING, phrases=("放行",))
async def release_row(ctx: ChatContext) -> Reply:
    """改好隔离区的一条并存为线索"""
    ref, *said = ctx.slot("words").split()[:21] or [""]
    number = await dialogs.listed(ctx.core, ctx.place, "quarantine", ref.lstrip("#"), ctx.message.text)
    made = await quarantine.release(ctx.core, ctx.actor, number, _corrections(said))
    what = f"线索 #{made.id}" if made.noun == "lead" else "已有的联系人"
    return replies.text(f"已放行：存为{what}。" if made.made else f"已放行：并入{what}。")


def _corrections(words: list[str]) -> dict[str, str]:
    """Read pairs of a field's name and its value. Raises: Invalid."""
    if len(words) % 2:
        raise Invalid(field="放行", reason="写成 放行 1 手机号 13800138000")
    pairs = dict(zip(words[::2], words[1::2], strict=True))
    unknown = [name for name in pairs if name not in _FIELDS]
    if unknown:
        raise Invalid(field="放行", reason=f"没有「{unknown[0][:10]}」这一项")
    return {_FIELDS[name]: value for name, value in pairs.items()}


@command(intent="quarantine_drop", usage="丢弃 1", roles=SELLING, phrases=("丢弃",))
async def drop_row(ctx: ChatContext) -> Reply:
    """丢弃隔离区的一条"""
    ref = (ctx.slot("words").split() or [""])[0]
    number = await dialogs.listed(ctx.core, ctx.place, "quarantine", ref.lstrip("#"), ctx.message.text)
    await quarantine.drop(ctx.core, ctx.actor, number)
    return replies.text("已丢弃。")
