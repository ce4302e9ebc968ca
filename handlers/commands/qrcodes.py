"""Tracking codes in words: asked for in a chat, made by the edge, told when ready."""

from crm_core import tracking_codes
from crm_core.errors import Invalid
from handlers import replies
from handlers.replies import Reply
from handlers.router import MARKETING, ChatContext, command

_SHOWN = 10


@command(intent="make_code", usage="生成二维码 展会A", roles=MARKETING, phrases=("生成二维码", "二维码"))
async def make_code(ctx: ChatContext) -> Reply:
    """生成带来源的二维码"""
    scene = ctx.slot("text") or ctx.slot("words")
    if not scene.strip():
        raise ctx.ask_words("二维码用在哪里？例如：展会A", slot="text")
    code = await tracking_codes.want(ctx.core, ctx.actor, channel=_channel(ctx), scene=scene, tell=ctx.message.address)
    if code.holds(ctx.core.clock.now()):
        return replies.text(f"二维码「{code.scene}」：{code.picture_url}\n扫码关注的客户，来源记为「{code.scene}」。")
    return replies.text(f"正在生成二维码「{code.scene}」，马上发来图片地址。")


@command(
    intent="list_codes", usage="我的二维码", roles=MARKETING, phrases=("我的二维码", "二维码列表", "有哪些二维码"), reads=True
)
async def list_codes(ctx: ChatContext) -> Reply:
    """看已有的二维码"""
    now = ctx.core.clock.now()
    newest = await tracking_codes.TrackingCode.filter(channel=_channel(ctx)).order_by("-id").limit(_SHOWN)
    usable = [code for code in newest if code.holds(now)]
    if not usable:
        return replies.text("还没有二维码。可以说：生成二维码 展会A")
    return replies.text("\n".join(f"{code.scene}：{code.picture_url}" for code in usable))


def _channel(ctx: ChatContext) -> str:
    found = [name for name, rule in ctx.core.reach.items() if name not in ctx.core.staff_channels and rule.mass is not None]
    if not found:
        raise Invalid(field="channel", reason="还没有启用公众号")
    return found[0]
