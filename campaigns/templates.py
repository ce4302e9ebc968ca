"""Message templates: the closed placeholder language, checking, rendering for one person.

A template knows the words of `PLACEHOLDERS` in single braces and nothing else. Values are data: they are put in once and
never read again for placeholders. Reading order: the table, `check_body`, `render`, then the use cases.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tortoise import fields

from campaigns.errors import Unusable
from campaigns.salutations import salutation
from crm_core import access
from crm_core.access import Actor
from crm_core.clock import to_local
from crm_core.db import Entity
from crm_core.errors import Conflict
from crm_core.messages import Body, Kind
from crm_core.ports import Core
from crm_core.values import cut_bytes

MAX_BODY = 1000
"""Characters of a template."""
MAX_VALUE = 64
"""Characters of one value put in."""
MAX_BYTES = 2048
"""UTF-8 bytes of a rendered text. Source: the customer-service text of an Official Account, protocols.md."""


class TemplateKind(StrEnum):
    """How a text goes out."""

    TEXT = "text"
    MASS = "mass"
    """One text for everybody; `图片：MEDIA_ID，…` or `图文：MEDIA_ID` as the first line sends pictures or an article."""
    WECHAT_TEMPLATE = "wechat_template"
    """First line: the platform's template id; further lines `key: text` fill its fields, `url: …` is where it leads."""
    WELCOME = "welcome"


TEMPLATE_KIND_LABELS = {
    TemplateKind.TEXT: "文字",
    TemplateKind.MASS: "群发接口",
    TemplateKind.WECHAT_TEMPLATE: "公众号模板消息",
    TemplateKind.WELCOME: "欢迎语",
}


class TemplateChanged(Conflict):
    """Somebody else saved the template meanwhile."""

    code = "template.changed"
    text = "模板「{name}」已被他人修改，请刷新后再改"


class Template(Entity):
    """A text with placeholders (模板). kind: text, mass, wechat_template, welcome."""

    owner_field = None

    name = fields.CharField(max_length=128)
    kind = fields.CharField(max_length=24)
    body = fields.TextField()
    version = fields.IntField(default=1)
    author_id = fields.BigIntField(null=True)

    class Meta:
        """Frozen into a broadcast when it is approved."""

        table = "templates"


@dataclass(frozen=True, slots=True)
class Recipient:
    """What a template may say about somebody: plain words of their record."""

    name: str = ""
    title: str = ""
    company: str = ""
    owner: str = ""


def _date(_: Recipient, now: datetime) -> str:
    local = to_local(now)
    return f"{local.month}月{local.day}日"


PLACEHOLDERS: Mapping[str, Callable[[Recipient, datetime], str]] = {
    "称呼": lambda person, _: salutation(person.name, person.title),
    "姓名": lambda person, _: person.name or "您",
    "公司": lambda person, _: person.company or "贵公司",
    "职位": lambda person, _: person.title,
    "负责人": lambda person, _: person.owner or "客户经理",
    "日期": _date,
}
SAME_FOR_ALL = frozenset({"日期"})
"""What may stand in a mass template: its text is one for everybody in the call."""
_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
# Doubled braces stand for a brace on the screen; around anything that looks meant to be filled in they are a mistake.
_MEANT = re.compile(r"\{\{([^{}]*)\}\}")
_FIELD = re.compile("[:：]")
_EXPRESSION = re.compile(r"[A-Za-z0-9_.()\[\]*/+%|$]")


def placeholders_of(body: str) -> list[str]:
    """List the placeholders of a checked template, in the order they come first."""
    return list(dict.fromkeys(found[1] for found in _TOKEN.finditer(body) if found[1] is not None))


def check_body(kind: str, body: str) -> None:
    """Refuse what is no template of this language. Raises: Invalid."""
    if not body.strip():
        raise Unusable(field="body", reason="请填写模板内容")
    if len(body) > MAX_BODY:
        raise Unusable(field="body", reason=f"不能超过{MAX_BODY}个字")
    for found in _MEANT.finditer(body):
        if found[1].strip() in PLACEHOLDERS or _EXPRESSION.search(found[1]):
            raise Unusable(field="body", reason="占位符用单层大括号，例如{称呼}，不支持表达式")
    for found in _TOKEN.finditer(body):
        if found[0] in ("{", "}"):
            raise Unusable(field="body", reason="大括号不成对")
        if found[1] is not None and found[1] not in PLACEHOLDERS:
            known = "、".join(f"{{{name}}}" for name in PLACEHOLDERS)
            raise Unusable(field="body", reason=f"没有占位符{{{found[1][:20]}}}，可用：{known}")
    personal = [f"{{{name}}}" for name in placeholders_of(body) if name not in SAME_FOR_ALL]
    if kind == TemplateKind.MASS and personal:
        raise Unusable(field="body", reason=f"群发接口对所有人内容相同，不能用{'、'.join(personal)}")
    if kind == TemplateKind.WECHAT_TEMPLATE and not re.fullmatch(r"[\w-]+", body.strip().splitlines()[0].strip(), re.ASCII):
        raise Unusable(field="body", reason="第一行应为模板编号")


def render(body: str, person: Recipient, now: datetime) -> str:
    """Fill in a checked template for one person, in one pass; cut to `MAX_BYTES`."""

    def fill(found: re.Match[str]) -> str:
        if found[1] is None:
            return found[0][0]
        value = PLACEHOLDERS[found[1]](person, now)[:MAX_VALUE]
        # One line: a line break in a name must not begin a field of a platform template.
        return value if value.isprintable() else " ".join(value.split())

    return cut_bytes(_TOKEN.sub(fill, body), MAX_BYTES)


def body_of(kind: str, text: str) -> Body:
    """Make the message of a rendered text."""
    if kind == TemplateKind.MASS:
        return _mass_body(text)
    if kind != TemplateKind.WECHAT_TEMPLATE:
        return Body(text=text)
    number, *lines = text.strip().splitlines()
    data = {
        key.strip(): value.strip()
        for key, _, value in (_FIELD.sub(":", line, count=1).partition(":") for line in lines)
        if key.strip()
    }
    return Body(kind=Kind.TEMPLATE, text=text, template_id=number.strip(), url=data.pop("url", ""), template_data=data)


_MASS_MEDIA = re.compile(r"\s*(图片|图文)\s*[:：]\s*([\w\-]+(?:\s*[,，、]\s*[\w\-]+)*)\s*(?:\n(.*))?", re.DOTALL)


def _mass_body(text: str) -> Body:
    found = _MASS_MEDIA.fullmatch(text)
    if found is None:
        return Body(text=text)
    media = ",".join(re.findall(r"[\w\-]+", found[2]))
    return Body(kind=Kind.IMAGE if found[1] == "图片" else Kind.NEWS, text=(found[3] or "").strip(), media_id=media)


async def create_template(core: Core, actor: Actor, *, name: str, kind: str, body: str) -> Template:
    """Save a template (模板). Raises: Invalid."""
    access.require(actor, "templates:write")
    if not name.strip():
        raise Unusable(field="name", reason="请填写模板名称")
    if kind not in list(TemplateKind):
        raise Unusable(field="kind", reason=f"应为{'、'.join(TEMPLATE_KIND_LABELS.values())}")
    check_body(kind, body)
    async with core.db.transaction():
        template: Template = await Template.add(
            core, name=name.strip()[:128], kind=kind, body=body, author_id=actor.employee_id
        )
        await access.record(core, actor, "template.create", template)
    return template


async def change_template(
    core: Core, actor: Actor, template_id: int, *, name: str | None = None, body: str | None = None
) -> Template:
    """Save a new version; what is approved already keeps the old one. Raises: NotFound; Invalid; TemplateChanged."""
    access.require(actor, "templates:write")
    async with core.db.transaction():
        template = await access.load(Template, actor, template_id)
        new_body = template.body if body is None else body
        check_body(template.kind, new_body)
        won = await Template.filter(id=template.id, version=template.version).update(
            name=(name or template.name).strip()[:128], body=new_body, version=template.version + 1, updated_at=core.clock.now()
        )
        if not won:
            raise TemplateChanged(name=template.name)
        await access.record(core, actor, "template.change", template, before={"version": template.version})
        return await Template.get(id=template.id)
