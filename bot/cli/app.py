"""The command line: global options and the list of commands."""

from pathlib import Path
from typing import Annotated

import typer

from bot.cli import (
    audit,
    backups,
    campaigns,
    departments,
    doctor,
    employees,
    exports,
    importing,
    knowledge,
    people,
    serving,
    tokens,
    tools,
    wechat,
    wecom,
)

app = typer.Typer(
    name="guanxi",
    help="关系：聊天里的客户管理。",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def choose_settings(
    context: typer.Context,
    config: Annotated[Path, typer.Option("--config", help="设置文件。")] = Path("config.toml"),
) -> None:
    """Keep the path of the settings file for the command."""
    context.obj = config


PASSED_ON = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}

app.command("serve", help="启动服务。")(serving.serve)
app.command("demo", help="启动演示：模拟的微信和钉钉、样例数据、一页上的几台手机。")(serving.demo)
app.command("migrate", help="把数据库升级到当前结构。")(serving.migrate)
app.command("check-config", help="检查设置文件，列出全部问题。")(serving.check_config)
app.command("doctor", help="体检：逐项检查设置、平台、数据库和本机，说出原因和办法。")(doctor.doctor)
app.command("backup", help="备份：运行中也是一致的一份。")(backups.backup)
app.command("restore", help="恢复：先核对备份，再替换；原数据另存。")(backups.restore)
app.command("move-database", help="把全部数据搬到另一个数据库，逐行核对；中断后可重来。")(backups.move_database)
app.command("export-person", help="导出一个人的全部个人信息（JSON）。")(people.export_person)
app.command("erase", help="删除一个人的全部个人信息，打印回执。")(people.erase)
app.command("parse", help="显示一句话被理解成什么。", context_settings=PASSED_ON)(tools.parse)
app.command("export", help="导出数据。")(exports.export)
app.command("import", help="导入线索、客户、联系人（CSV、xlsx）；先试运行，可撤销，中断后再来一次即可。")(importing.import_)
app.add_typer(employees.app, name="employee")
app.add_typer(departments.app, name="department")
app.add_typer(tokens.app, name="token")
app.add_typer(knowledge.app, name="knowledge")
app.add_typer(campaigns.greetings, name="greetings")
app.add_typer(campaigns.broadcast, name="broadcast")
app.add_typer(wecom.app, name="wecom")
app.add_typer(audit.app, name="audit")
app.add_typer(wechat.app, name="wechat")
app.command("simulate", help="只启动平台模拟器。")(tools.simulate)
app.command("bench", help="运行基准测试，打印与同次测得上限的比值。", context_settings=PASSED_ON)(tools.bench)
app.command("version", help="显示版本、数据库结构、Python 和数据库。")(tools.version)
