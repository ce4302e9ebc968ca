"""Mail addresses in words (邮件往来): from which address a colleague writes, so that copied mails find their record."""

from crm_core import mails
from crm_core.mails import MailAddress
from handlers import replies
from handlers.replies import Reply, Undo
from handlers.router import SELLING, ChatContext, command


async def undo_address(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Forget an address just said."""
    await mails.drop_address(ctx.core, ctx.actor, ids[0])
    return replies.text("已撤销：邮箱已删除")


@command(
    intent="set_mail_address",
    usage="我的邮箱 wang@example.cn",
    roles=SELLING,
    phrases=("我的邮箱",),
    undo=("mail", undo_address),
)
async def set_mail_address(ctx: ChatContext) -> Reply:
    """登记自己的邮箱（抄送记录邮箱的邮件自动记到客户名下）"""
    drop = ctx.core.mail_drop
    where = f"写给客户的邮件抄送 {drop}，会自动记到客户名下。" if drop else "管理员还没有开启邮件记录（[mail]）。"
    if not ctx.slot("words"):
        mine = await MailAddress.filter(employee_id=ctx.actor.employee_id or 0).values_list("address", flat=True)
        return replies.text(f"登记的邮箱：{'、'.join(map(str, mine)) or '无'}。{where}")
    row = await mails.set_address(ctx.core, ctx.actor, ctx.actor.employee_id or 0, ctx.slot("words"))
    return replies.text(f"已登记邮箱 {row.address}。{where}说错了回复「撤销」", Undo("mail", (row.id,)))
