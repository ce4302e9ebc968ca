"""`knowledge add|list|ask|end`: the knowledge base."""

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.session import with_core, write_line

if TYPE_CHECKING:  # names for annotations
    from crm_core.access import Actor
    from crm_core.ports import Core

app = typer.Typer(help="知识库：加一条、列出、提问、停用。", no_args_is_help=True)


@app.command(help="加一条，最后一行是编号。")
def add(
    context: typer.Context,
    title: Annotated[str, typer.Argument(help="标题。")],
    text: Annotated[str, typer.Argument(help="内容。")],
    source: Annotated[str, typer.Option(help="出处。")] = "",
    words: Annotated[str, typer.Option(help="别的说法，用顿号隔开。")] = "",
) -> None:
    """Store an article; the last line is the id."""

    async def work(core: "Core", actor: "Actor") -> int:
        from crm_core import knowledge

        return int((await knowledge.add(core, actor, title=title, text=text, source=source, words=words)).id)

    write_line(str(with_core(context, work)))


@app.command("list", help="列出全部。")
def list_articles(context: typer.Context) -> None:
    """List what the house knows."""

    async def work(_core: "Core", _actor: "Actor") -> list[str]:
        from crm_core.knowledge import Article

        return [f"{row.id}\t{row.title}\t{row.source}" for row in await Article.filter(ended_at=None).order_by("id")]

    for line in with_core(context, work):
        write_line(line)


@app.command(help="提问；没有答案时退出状态是 1。")
def ask(context: typer.Context, question: Annotated[str, typer.Argument(help="问题。")]) -> None:
    """Answer a question with its source."""

    async def work(core: "Core", actor: "Actor") -> list[str]:
        from crm_core import knowledge

        return [
            f"{each.article.title}：{each.article.text}（{each.article.source}）"
            for each in await knowledge.ask(core, actor, question)
        ]

    found = with_core(context, work)
    for line in found or ["没有"]:
        write_line(line)
    if not found:
        raise typer.Exit(1)


@app.command(help="停用一条。")
def end(context: typer.Context, article_id: Annotated[int, typer.Argument(metavar="ID")]) -> None:
    """Answer with an article no more."""

    async def work(core: "Core", actor: "Actor") -> str:
        from crm_core import knowledge

        return (await knowledge.end(core, actor, article_id)).title

    write_line(with_core(context, work))
