"""The errors a person can cause: four kinds, each with a code, fields and one Chinese sentence.

A concrete error stands beside the rule that raises it (`leads.py`, `broadcasts.py` …), not here.
"""

import string
from typing import ClassVar

from crm_core.field_labels import label_of


class CrmError(Exception):
    """Something a person asked for cannot be done; `sentence()` tells them why."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = ""
    text: ClassVar[str] = ""

    def __init__(self, **fields: object) -> None:
        super().__init__(self.code, fields)
        self.fields = fields

    def sentence(self) -> str:
        """Say in Chinese what happened, for chat, console and API alike."""
        return self.text.format_map(self.fields)

    @classmethod
    def placeholders(cls) -> set[str]:
        """Name the fields the sentence needs."""
        return {name for _, name, _, _ in string.Formatter().parse(cls.text) if name}


class NotFound(CrmError):
    """Not there, or not visible to the asker (the same on purpose)."""

    status = 404
    code = "not_found"
    text = "没有找到，请核对后再试"


class NoneFound(NotFound):
    """The same, saying what was looked for in the asker's own words."""

    code = "none_found"
    text = "没有找到{what}，请核对后再试"


class Refused(CrmError):
    """Visible, but the asker may not."""

    status = 403
    code = "refused"
    text = "没有权限，请联系管理员"


class Conflict(CrmError):
    """The state forbids it."""

    status = 409
    code = "conflict"
    text = "状态已变化，请刷新后再试"


class Invalid(CrmError):
    """The input cannot be used; `field` names where, `label` how people call it there when it is not as everywhere."""

    status = 422
    code = "invalid"
    text = "{field}：{reason}"

    def sentence(self) -> str:
        """Say what is wrong with which field, the way people call it; a reason that names it says it once."""
        label = str(self.fields.get("label") or label_of(str(self.fields.get("field", ""))))
        reason = str(self.fields.get("reason", ""))
        if type(self).text != Invalid.text or not reason:
            return super().sentence()
        return reason if not label or reason.startswith(label) else f"{label}：{reason}"


class Unavailable(CrmError):
    """The database cannot make anything durable now; the caller should come again."""

    status = 503
    code = "database.unavailable"
    text = "系统暂时无法保存，请稍后再试"
