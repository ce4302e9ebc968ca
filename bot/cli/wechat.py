"""`wechat followers|qrcode|menu|tags|upload|mass|notify|quota NAME`: the Official Account from the command line."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from bot.cli.session import WRONG_USAGE, fail, settings_of, with_core, write_line

if TYPE_CHECKING:  # names for annotations
    from bot.channels.wechat_oa import WechatOa
    from crm_core.access import Actor
    from crm_core.ports import Core

T = TypeVar("T")
Name = Annotated[str, typer.Argument(help="渠道名称，即 [channels.NAME] 的 NAME。")]
app = typer.Typer(help="公众号：关注者、二维码、菜单、标签、素材、群发、额度。", no_args_is_help=True)
BAR_WIDTH = 30
QUOTA_PATHS = {
    "/cgi-bin/stable_token": "获取令牌",
    "/cgi-bin/message/custom/send": "客服消息",
    "/cgi-bin/message/template/send": "模板消息",
    "/cgi-bin/message/subscribe/bizsend": "订阅通知",
    "/cgi-bin/message/mass/send": "群发（名单）",
    "/cgi-bin/message/mass/sendall": "群发（标签、全部）",
    "/cgi-bin/user/get": "关注者名单",
    "/cgi-bin/user/info/batchget": "关注者资料",
    "/cgi-bin/qrcode/create": "二维码",
    "/cgi-bin/media/upload": "上传素材",
}


class MenuAction(StrEnum):
    """What to do with the menu."""

    PUSH = "push"
    SHOW = "show"
    DELETE = "delete"


class TagAction(StrEnum):
    """What to do with the platform's tags."""

    LIST = "list"
    PUSH = "push"
    RENAME = "rename"
    DELETE = "delete"


class MassAction(StrEnum):
    """What to do with a mass message."""

    STATUS = "status"
    DELETE = "delete"
    PREVIEW = "preview"
    SPEED = "speed"


@app.command(help="拉取全部关注者：没有的建账号和线索，取消关注的做标记；中断后从原处继续。")
def followers(context: typer.Context, name: Name) -> None:
    """List the followers and make accounts and leads of the unknown ones."""

    async def work(core: "Core", _actor: "Actor", account: "WechatOa") -> Any:
        from bot.channels.wechat_oa.followers import sync

        return await sync(core, name, await account.api(), _draw)

    summary = _with_account(context, name, work)
    if summary.seen:
        typer.echo("", err=True)
    if summary.held:
        fail(summary.sentence())
    write_line(summary.sentence())


def _draw(seen: int, total: int) -> None:
    filled = BAR_WIDTH * seen // total if total else BAR_WIDTH
    typer.echo(f"\r{'█' * filled}{'░' * (BAR_WIDTH - filled)} {seen}/{total}", err=True, nl=False)


@app.command(help="生成带场景的二维码，最后一行是图片地址；--list 列出已有的。")
def qrcode(
    context: typer.Context,
    name: Name,
    scene: Annotated[str, typer.Option(help="场景，1到64个字，关注者的来源就记为它。")] = "",
    temporary: Annotated[bool, typer.Option("--temporary", help="30天有效，不占永久二维码的名额。")] = False,
    list_all: Annotated[bool, typer.Option("--list", help="列出已有的二维码。")] = False,
) -> None:
    """Make a tracking code, or list them."""

    async def work(core: "Core", actor: "Actor", account: "WechatOa") -> list[str]:
        from bot.channels.wechat_oa.codes import make_wanted
        from crm_core.tracking_codes import TrackingCode, want

        if list_all:
            codes = await TrackingCode.filter(channel=name).order_by("id")
            return ["\t".join((code.scene, _code_state(code, core), code.picture_url)) for code in codes]
        code = await want(core, actor, channel=name, scene=scene, permanent=not temporary)
        if not code.holds(core.clock.now()):
            await make_wanted(core, name, await account.api())
            code = await TrackingCode.get(id=code.id)
        if not code.holds(core.clock.now()):
            from bot.channels.wechat_oa.outcomes import sentence_of

            number = code.reason.removeprefix("errcode_")
            fail(sentence_of(int(number)) if number.lstrip("-").isdecimal() else "暂时连不上平台，请稍后再试")
        return [code.picture_url]

    for line in _with_account(context, name, work):
        write_line(line)


def _code_state(code: Any, core: "Core") -> str:
    if code.holds(core.clock.now()):
        return "永久" if code.permanent else "临时"
    return {"wanted": "生成中", "failed": "未生成"}.get(code.status, "已过期")


@app.command(help="自定义菜单：push 按设置推送（没有变化就不推），show 查看，delete 删除。")
def menu(context: typer.Context, name: Name, action: Annotated[MenuAction, typer.Argument(help="要做什么。")]) -> None:
    """Put up, show or take down the menu."""

    async def work(core: "Core", _actor: "Actor", account: "WechatOa") -> list[str]:
        from bot.channels.wechat_oa.api import ApiRefused
        from bot.channels.wechat_oa.menu import is_same, menu_lines, menu_tree

        api = await account.api()
        if action is MenuAction.DELETE:
            await api.delete_menu()
            return ["菜单已删除"]
        try:
            up = (await api.load_menu()).get("menu") or {}
        except ApiRefused as error:
            if error.errcode != _NO_MENU:
                raise
            up = {}
        if action is MenuAction.SHOW:
            return menu_lines(up) or ["还没有菜单"]
        wanted = menu_tree(account.settings.menu)
        if not wanted["button"]:
            fail(f"设置里没有 [[channels.{name}.menu]]", WRONG_USAGE)
        if is_same(wanted, up):
            return [*_unanswered(core, account), "菜单没有变化，不用推送"]
        await api.create_menu(wanted)
        return [*_unanswered(core, account), "菜单已推送"]

    for line in _with_account(context, name, work):
        write_line(line)


_NO_MENU = 46003


def _unanswered(core: "Core", account: "WechatOa") -> list[str]:
    from bot.channels.wechat_oa.menu import keys_of
    from handlers.customer_texts import menu_answer

    return [
        f"提醒：按键「{key}」没有对应的关键词回答，见 [answers] keywords"
        for key in keys_of(account.settings.menu)
        if menu_answer(core, key) is None
    ]


@app.command(help="平台标签：list 列出，push 把我们的标签同步过去，rename 改名，delete 删除。")
def tags(
    context: typer.Context,
    name: Name,
    action: Annotated[TagAction, typer.Argument(help="要做什么。")] = TagAction.LIST,
    tag: Annotated[str, typer.Argument(help="标签名称。")] = "",
    new_name: Annotated[str, typer.Argument(help="改名后的名称。")] = "",
) -> None:
    """List the platform's tags, or bring one in line with ours."""

    async def work(core: "Core", _actor: "Actor", account: "WechatOa") -> list[str]:
        from bot.channels.wechat_oa.tags import check_name, mirror

        api = await account.api()
        if action is TagAction.PUSH:
            done = await mirror(core, name, api, tag)
            return [f"标签「{tag}」{done.carriers} 人：新加 {done.added}，去掉 {done.removed}"]
        known = await api.list_tags()
        if action is TagAction.LIST:
            return [f"{each['id']}\t{each.get('name')}\t{each.get('count', 0)}" for each in known]
        number = next((int(each["id"]) for each in known if each.get("name") == tag), None)
        if number is None:
            fail(f"平台上没有标签「{tag}」")
        if action is TagAction.RENAME:
            await api.rename_tag(number, check_name(new_name))
            return [f"标签「{tag}」已改名为「{new_name.strip()}」"]
        await api.delete_tag(number)
        return [f"标签「{tag}」已从平台删除"]

    for line in _with_account(context, name, work):
        write_line(line)


@app.command(help="上传素材，最后一行是 media_id（图文内图片则是地址）；3天内同一文件不重复上传。")
def upload(
    context: typer.Context,
    name: Name,
    file: Annotated[Path, typer.Argument(help="文件。")],
    kind: Annotated[str, typer.Option("--type", help="image、voice、video、thumb，或 article（图文内图片）。")] = "image",
) -> None:
    """Send a file up, unless the platform still has it."""
    content = file.read_bytes() if file.is_file() else fail(f"打不开文件 {file}")

    async def work(core: "Core", _actor: "Actor", account: "WechatOa") -> str:
        from bot.channels.wechat_oa.media import Media

        return await Media(name, await account.api(), core.state).upload(kind, content)

    write_line(_with_account(context, name, work))


@app.command(help="群发消息：status 查进度，delete 撤回图文或视频，preview 发给一人预览，speed 查看或设置速度。")
def mass(
    context: typer.Context,
    name: Name,
    action: Annotated[MassAction, typer.Argument(help="要做什么。")],
    value: Annotated[str, typer.Argument(help="消息编号；预览时是模板编号；速度 0 最快到 4 最慢。")] = "",
    openid: Annotated[str, typer.Option(help="预览发给谁。")] = "",
) -> None:
    """Look at, take back, preview or slow down mass messages."""

    async def work(core: "Core", actor: "Actor", account: "WechatOa") -> str:
        calls = await account.mass()
        if action is MassAction.STATUS:
            return _MASS_STATUS.get(await calls.status(value), "未知")
        if action is MassAction.DELETE:
            await calls.delete(value)
            return f"消息 {value} 已撤回"
        if action is MassAction.SPEED:
            speed, per_minute = await calls.speed(int(value) if value else None)
            return f"速度 {speed}：每分钟 {per_minute} 万条"
        await calls.preview(openid, await _template_body(core, actor, value))
        return "预览已发送"

    if (action is not MassAction.SPEED and not value) or (action is MassAction.SPEED and value and value not in "01234"):
        fail("请写出编号；速度是 0 到 4", WRONG_USAGE)
    if action is MassAction.PREVIEW and (not openid or not value.isdecimal()):
        fail("预览需要模板编号和 --openid", WRONG_USAGE)
    write_line(_with_account(context, name, work))


_MASS_STATUS = {"SEND_SUCCESS": "已发送", "SENDING": "发送中", "SEND_FAIL": "发送失败", "DELETE": "已撤回"}


async def _template_body(core: "Core", actor: "Actor", number: str) -> Any:
    from campaigns.templates import Recipient, Template, TemplateKind, body_of, render
    from crm_core import access

    template = await access.load(Template, actor, int(number))
    return body_of(TemplateKind.MASS, render(template.body, Recipient(), core.clock.now()))


@app.command(help="发一条订阅通知：用掉客户同意的一次。")
def notify(
    context: typer.Context,
    name: Name,
    openid: Annotated[str, typer.Option(help="发给谁。")],
    template: Annotated[str, typer.Option(help="平台上的模板编号。")],
    values: Annotated[list[str], typer.Option("--set", help="字段=内容，可重复。")],
    page: Annotated[str, typer.Option(help="点开的网页，或小程序 APPID/页面。")] = "",
) -> None:
    """Put a subscription notice into the outbox; the running service sends it."""
    data = dict(each.partition("=")[::2] for each in values)

    async def work(core: "Core", actor: "Actor", _account: "WechatOa") -> int | None:
        from crm_core.accounts import Account
        from crm_core.errors import NotFound
        from crm_core.notice_rights import send_notice

        found = await Account.get_or_none(channel=name, external_id=openid)
        if found is None:
            raise NotFound
        key = f"{found.id}:{core.clock.now():%Y%m%dT%H%M%S%f}"
        return await send_notice(core, actor, found.id, template_id=template, data=data, page=page, key=key)

    _with_account(context, name, work)
    write_line("已放入发件箱，服务运行时发出")


@app.command(help="查看今天各接口的额度；--clear 清零重新计算，每月只有10次。")
def quota(
    context: typer.Context,
    name: Name,
    clear: Annotated[bool, typer.Option("--clear", help="把全部接口的已用次数清零。")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="不再询问。")] = False,
) -> None:
    """Show the day's quota by path, or begin to count anew."""
    if clear and not yes and not typer.confirm("清零每月只有10次，用完当月不能再清。确定清零吗？", err=True):
        fail("没有清零")

    async def work(_core: "Core", _actor: "Actor", account: "WechatOa") -> list[str]:
        from bot.channels.wechat_oa.api import ApiRefused

        api, lines = await account.api(), []
        if clear:
            await api.clear_quota(account.settings.app_id)
            lines.append("已清零（本月次数减一）")
        for path, label in QUOTA_PATHS.items():
            try:
                found = await api.load_quota(path)
            except ApiRefused as error:
                if error.errcode is None:
                    raise
                lines.append(f"{label}\t无权限（{error.errcode}）\t{path}")
                continue
            lines.append(f"{label}\t已用 {found['used']}/{found['daily_limit']}\t剩余 {found['remain']}\t{path}")
        return lines

    for line in _with_account(context, name, work):
        write_line(line)


def _with_account(context: typer.Context, name: str, work: "Callable[[Core, Actor, WechatOa], Awaitable[T]]") -> T:
    """Run one piece of work with an Official Account of the settings; its refusals become sentences."""
    kind, own = settings_of(context).channels.get(name, ("", None))
    if kind != "wechat_oa":
        fail(f"[channels.{name}] 不是启用的公众号", WRONG_USAGE)

    async def run(core: "Core", actor: "Actor") -> T:
        from bot.channels.wechat_oa import WechatOa
        from bot.httpclient import HttpClient
        from bot.stored_tokens import StoredTokens

        async with HttpClient() as http:
            account = WechatOa(name, own, http, core.clock, tokens=StoredTokens(core))
            async with _refusals():
                return await work(core, actor, account)

    return with_core(context, run)


@asynccontextmanager
async def _refusals() -> AsyncIterator[None]:
    from bot.channels.wechat_oa.api import ApiRefused
    from bot.channels.wechat_oa.outcomes import sentence_of
    from bot.httpclient import HttpError
    from bot.tokens import TokenError

    try:
        yield
    except ApiRefused as error:
        fail(sentence_of(error.errcode))
    except TokenError as error:
        number = error.code.removeprefix("errcode_")
        fail(f"拿不到令牌：{sentence_of(int(number)) if number.lstrip('-').isdecimal() else '暂时连不上平台'}")
    except HttpError:
        fail("暂时连不上平台，请稍后再试")
