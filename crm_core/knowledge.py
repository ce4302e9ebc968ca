"""The knowledge base (知识库): articles with their source, and the one that answers a question, or none."""

import re
from dataclasses import dataclass

from tortoise import fields

from crm_core import access
from crm_core.access import Actor
from crm_core.changes import change_fields
from crm_core.db import Entity, UtcDatetimeField
from crm_core.errors import Invalid
from crm_core.ports import Core
from crm_core.wording import lines, words

SURE = 0.5
"""Share of a question's pairs of characters that an article must hold to answer it."""
MOST = 2000
"""Articles looked through."""
_ASKING = re.compile(
    r"请问|麻烦|一下|我想|想问|问问|有没有|是不是|能不能|可不可以|可以|什么|怎么样|怎么|怎样|如何|多少|多久|多长|哪些|哪里|哪个|"
    r"为什么|为何|吗|呢|啊|的|了|是|[\s,，。.?？!！、:：;；（）()“”\"']"
)


class Article(Entity):
    """Something the house knows. Ended, never deleted."""

    owner_field = None

    title = fields.CharField(max_length=128)
    words = fields.CharField(max_length=200, default="")
    """Other words for it, by which it is found too."""
    text = fields.TextField()
    source = fields.CharField(max_length=200)
    """Where it comes from: a file, a rule, a person."""
    author_id = fields.BigIntField(null=True)
    ended_at = UtcDatetimeField(null=True)

    class Meta:
        """Some thousands at most."""

        table = "articles"


@dataclass(frozen=True, slots=True)
class Found:
    """An article, and how much of the question it holds, 0 to 1."""

    article: Article
    share: float


async def add(core: Core, actor: Actor, *, title: str, text: str, source: str = "", words: str = "") -> Article:
    """Store an article (加知识); without a source its author is one. Raises: Refused; Invalid."""
    access.require(actor, "articles:write")
    clean = _checked(actor, {"title": title, "text": text, "source": source, "words": words})
    async with core.db.transaction():
        made: Article = await Article.add(core, author_id=actor.employee_id, **clean)
        await access.record(core, actor, "article.add", made, after={"title": made.title})
    return made


async def change(core: Core, actor: Actor, article_id: int, **values: object) -> Article:
    """Change an article. Raises: NotFound; Refused; Invalid."""
    access.require(actor, "articles:write")
    async with core.db.transaction():
        row = await access.load(Article, actor, article_id)
        now = {"title": row.title, "text": row.text, "source": row.source, "words": row.words}
        await change_fields(core, actor, "article.change", row, _checked(actor, {**now, **values}))
    return row


async def end(core: Core, actor: Actor, article_id: int, *, undo: bool = False) -> Article:
    """Answer with an article no more, or again. Raises: NotFound; Refused."""
    access.require(actor, "articles:write")
    async with core.db.transaction():
        row = await access.load(Article, actor, article_id)
        await change_fields(core, actor, "article.end", row, {"ended_at": None if undo else core.clock.now()})
    return row


def _checked(actor: Actor, values: dict[str, object]) -> dict[str, object]:
    clean = {name: words(str(value)) for name, value in values.items() if name != "text"}
    clean["text"] = lines(str(values["text"]))
    clean["source"] = clean["source"] or f"{actor.name}录入"
    for name, most in (("title", 128), ("text", 10000), ("source", 200)):
        if not clean[name] or len(clean[name]) > most:
            raise Invalid(
                field=name, label={"title": "标题", "text": "内容", "source": "来源"}[name], reason=f"需要1到{most}个字"
            )
    if len(clean["words"]) > 200:
        raise Invalid(field="words", reason="最多200个字")
    return dict(clean)


async def ask(core: Core, actor: Actor, question: str, *, limit: int = 3) -> list[Found]:
    """Find the articles that answer a question, the best first; none when nothing is sure enough."""
    access.require(actor, "articles:read")
    wanted = _pairs(question)
    if not wanted:
        return []
    found = []
    for article in await Article.filter(ended_at=None).order_by("-id").limit(MOST):
        named, told = _pairs(f"{article.title}\n{article.words}"), _pairs(article.text)
        # What the title says counts whole, what stands in the text alone counts for a part.
        share = (len(wanted & named) + 0.6 * len((wanted & told) - named)) / len(wanted)
        if share >= SURE:
            found.append(Found(article, round(share, 2)))
    return sorted(found, key=lambda each: (-each.share, -each.article.id))[:limit]


def _pairs(text: str) -> frozenset[str]:
    """Cut a text into pairs of neighbouring characters, without the words of asking; Latin words stay whole."""
    plain = _ASKING.sub(" ", words(text).casefold())
    runs = re.findall(r"[\u3400-\u9fff]+|[a-z0-9]+", plain)
    found = {run for run in runs if run.isascii() or len(run) == 1}
    return frozenset(found | {run[at : at + 2] for run in runs if not run.isascii() for at in range(len(run) - 1)})
