"""Tags by their groups in words: which there are, and into which group one belongs."""

from crm_core import tagging
from crm_core.errors import Invalid, NoneFound
from crm_core.segments import Tag
from handlers import replies
from handlers.replies import Reply, Undo
from handlers.router import EVERYBODY, MARKETING, ChatContext, command

UNGROUPED = "未分组"
MOST = 30
"""Tags of one group in one answer."""


@command(intent="list_tags", usage="标签", roles=EVERYBODY, phrases=("标签", "标签列表", "标签分组", "标签组"), reads=True)
async def list_tags(ctx: ChatContext) -> Reply:
    """看有哪些标签，按组"""
    wanted = ctx.slot("words")
    groups: dict[str, list[str]] = {}
    for group, name, manual in await tagging.grouped(ctx.actor):
        groups.setdefault(group or UNGROUPED, []).append(name if manual else f"{name}（规则）")
    if wanted:
        groups = {group: names for group, names in groups.items() if group == wanted}
    if not groups:
        return replies.text(f"没有标签组「{wanted}」。" if wanted else "还没有标签。可以说：给张伟打上VIP标签")
    lines = [f"· {group}（{len(names)}）：{'、'.join(names[:MOST])}" for group, names in groups.items()]
    return replies.text("\n".join(["标签：", *lines, "归组：标签归组 标签名 组名"]))


async def undo_grouping(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Put a tag back into its former group, whose name is that of another tag of it, or none."""
    former = await Tag.get_or_none(id=ids[1])
    tag = await tagging.update_tag(ctx.core, ctx.actor, ids[0], group=former.group if former else "")
    return replies.text(f"已撤销：标签「{tag.name}」回到{tag.group or UNGROUPED}")


@command(
    intent="group_tag",
    usage="标签归组 高意向 意向",
    roles=MARKETING,
    phrases=("标签归组",),
    undo=("tag.group", undo_grouping),
)
async def group_tag(ctx: ChatContext) -> Reply:
    """把标签归到一个组"""
    name, _, group = ctx.slot("words").partition(" ")
    group = group.strip()
    if not name or not group or len(group) > 64:
        raise Invalid(field="标签归组", reason="请写成：标签归组 高意向 意向（组名最多64个字）")
    tag = await Tag.get_or_none(name=name)
    if tag is None:
        raise NoneFound(what=f"标签「{name[:16]}」")
    fellow = await Tag.filter(group=tag.group).exclude(id=tag.id).first() if tag.group else None
    alone = bool(tag.group) and fellow is None
    moved = await tagging.update_tag(ctx.core, ctx.actor, tag.id, group="" if group == UNGROUPED else group)
    # A group that is empty now has no name left to go back to.
    undo = None if alone else Undo("tag.group", (tag.id, fellow.id if fellow else 0))
    return replies.text(f"标签「{moved.name}」已归到「{moved.group or UNGROUPED}」", undo)
