"""`wecom unbound|sync|remind|way-…`: what an operator does with a WeCom channel by hand."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from bot.cli.session import WRONG_USAGE, fail, finish, opened, prepare_folders, settings_of, write_line

if TYPE_CHECKING:  # names for annotations
    from bot.channels.wecom import WeCom
    from crm_core.access import Actor
    from crm_core.ports import Core

T = TypeVar("T")
app = typer.Typer(help="企业微信：通讯录、渠道活码、群发任务。", no_args_is_help=True)
Channel = Annotated[str | None, typer.Option("--channel", help="渠道名称，只有一个企业微信渠道时可省略。")]


def _with_channel(context: typer.Context, channel: str | None, work: "Callable[[Core, Actor, WeCom], Awaitable[T]]") -> T:
    """Run one piece of work with a WeCom channel of the settings; a refused call ends with 1 and its code."""
    settings = settings_of(context)
    names = [name for name, (kind, _) in settings.channels.items() if kind == "wecom"]
    if channel is None and len(names) > 1:
        fail(f"请用 --channel 指明渠道：{'、'.join(names)}", WRONG_USAGE)
    name = channel or (names[0] if names else "")
    if name not in names:
        fail("没有启用这个企业微信渠道", WRONG_USAGE)
    prepare_folders(settings)

    async def run() -> T:
        from bot.channels.wecom import WeCom
        from bot.channels.wecom.calls import ApiRefused
        from bot.httpclient import HttpClient, HttpError
        from bot.stored_tokens import StoredTokens
        from bot.tokens import TokenError
        from crm_core.access import Actor

        async with opened(settings) as core, HttpClient() as http:
            made = WeCom(name, settings.channels[name][1], http, core.clock, tokens=StoredTokens(core))
            try:
                return await work(core, Actor.of_system("cli"), made)
            except ApiRefused as error:
                fail(f"企业微信拒绝了这次操作（errcode {error.errcode}）")
            except TokenError as error:
                fail(f"取不到企业微信的 access_token（{error.code}），请检查 corp_id、密钥和可信 IP")
            except HttpError:
                fail("企业微信没有应答，请稍后再试")

    return finish(run())


def _write_lines(lines: list[str], when_none: str) -> None:
    """Write a list; that there is nothing is said beside it, for programs read the list."""
    if not lines:
        typer.echo(when_none, err=True)
    for line in lines:
        write_line(line)


@app.command(help="同步通讯录：手机号相同的成员绑定到员工。最后一行是绑定人数。")
def sync(context: typer.Context, channel: Channel = None) -> None:
    """Bind members to employees by mobile; the last line is how many were bound."""

    async def work(core: "Core", _actor: "Actor", wecom: "WeCom") -> int:
        return (await wecom.directory.sync(core)).bound

    write_line(str(_with_channel(context, channel, work)))


@app.command(help="列出还没有绑定员工的成员：账号和姓名。")
def unbound(context: typer.Context, channel: Channel = None) -> None:
    """List the members whose account belongs to no employee."""

    async def work(core: "Core", _actor: "Actor", wecom: "WeCom") -> list[str]:
        from crm_core.staff_directory import list_unbound

        members = await list_unbound(core, wecom.name, await wecom.directory.list_members())
        return [f"{member.user_id}\t{member.name}" for member in members]

    _write_lines(_with_channel(context, channel, work), "所有成员都已绑定员工")


@app.command("sync-contacts", help="立即同步所有成员的客户。最后一行是客户数。")
def sync_contacts(context: typer.Context, channel: Channel = None) -> None:
    """Bring every member's contacts in; the last line is how many were seen."""

    async def work(core: "Core", _actor: "Actor", wecom: "WeCom") -> int:
        return await wecom.contacts.sync(core)

    write_line(str(_with_channel(context, channel, work)))


@app.command("remind", help="提醒成员确认群发任务（同一任务一天最多 3 次）。")
def remind(
    context: typer.Context,
    broadcast_id: Annotated[int, typer.Argument(metavar="ID", help="群发编号。")],
    channel: Channel = None,
) -> None:
    """Remind the members who have not confirmed a broadcast's tasks; the last line is how many tasks."""

    async def work(core: "Core", _actor: "Actor", wecom: "WeCom") -> int:
        from campaigns.broadcasts import Broadcast

        if not await Broadcast.exists(id=broadcast_id):
            fail(f"没有群发 {broadcast_id}")
        return await wecom.group_sends.remind(core, broadcast_id)

    write_line(str(_with_channel(context, channel, work)))


@app.command("way-add", help="生成渠道活码，最后一行是编号。")
def way_add(
    context: typer.Context,
    state: Annotated[str, typer.Argument(help="来源，成为线索的来源（最多 30 字）。")],
    user: Annotated[list[str], typer.Option("--user", help="添加客户的成员账号，可重复。")],
    channel: Channel = None,
) -> None:
    """Make a contact way; the last line is its number."""

    async def work(core: "Core", actor: "Actor", wecom: "WeCom") -> tuple[int, str]:
        made = await wecom.ways.add(core, actor, state=state, user_ids=user)
        return int(made.id), made.qr_code

    number, qr_code = _with_channel(context, channel, work)
    write_line(qr_code)
    write_line(str(number))


@app.command("way-list", help="列出渠道活码。")
def way_list(context: typer.Context, channel: Channel = None) -> None:
    """List the contact ways that hold."""

    async def work(_core: "Core", _actor: "Actor", wecom: "WeCom") -> list[str]:
        from crm_core.contact_ways import ContactWay

        rows = await ContactWay.filter(channel=wecom.name, removed_at=None).order_by("id")
        return ["\t".join((str(row.id), row.state, row.staff_ids.replace("\n", "、"), row.qr_code)) for row in rows]

    _write_lines(_with_channel(context, channel, work), "还没有渠道活码")


@app.command("way-change", help="修改渠道活码的来源或成员。")
def way_change(
    context: typer.Context,
    way_id: Annotated[int, typer.Argument(metavar="ID")],
    state: Annotated[str, typer.Option(help="新的来源。")] = "",
    user: Annotated[list[str] | None, typer.Option("--user", help="新的成员账号，可重复。")] = None,
    channel: Channel = None,
) -> None:
    """Change state or members of a contact way."""

    async def work(core: "Core", actor: "Actor", wecom: "WeCom") -> int:
        return int((await wecom.ways.change(core, actor, way_id, state=state, user_ids=user or [])).id)

    write_line(str(_with_channel(context, channel, work)))


@app.command("way-remove", help="停用渠道活码。")
def way_remove(context: typer.Context, way_id: Annotated[int, typer.Argument(metavar="ID")], channel: Channel = None) -> None:
    """End a contact way."""

    async def work(core: "Core", actor: "Actor", wecom: "WeCom") -> int:
        return int((await wecom.ways.remove(core, actor, way_id)).id)

    write_line(str(_with_channel(context, channel, work)))
