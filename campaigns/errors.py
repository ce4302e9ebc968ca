"""What cannot be used in a template, broadcast or greeting, told by the names people know the fields by."""

from collections.abc import Mapping

from crm_core.errors import Invalid

FIELD_LABELS: Mapping[str, str] = {
    "name": "名称",
    "kind": "模板类型",
    "body": "模板内容",
    "segment_id": "分群",
    "template_id": "模板",
    "channel": "渠道",
    "scheduled_at": "发送时间",
    "time": "时间",
    "festival": "节日",
    "birthday": "生日",
}


class Unusable(Invalid):
    """A field cannot be used. `field` is its name for programs; the sentence says it in Chinese."""

    code = "campaign.invalid"

    def sentence(self) -> str:
        """Say in Chinese which field it is and what is wrong with it."""
        field = str(self.fields["field"])
        return self.text.format_map({**self.fields, "field": FIELD_LABELS.get(field, field)})
