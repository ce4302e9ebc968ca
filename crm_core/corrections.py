"""Correcting one field of a lead, customer or contact by a word, taken back as one (改资料)."""

from collections.abc import Mapping
from typing import Any

from crm_core import access, change_sets, custom_fields, hierarchies, validation
from crm_core.access import Actor
from crm_core.changes import change_fields
from crm_core.customers import Customer, checked, require_change
from crm_core.errors import Invalid
from crm_core.field_rules import FieldSettings, read_value
from crm_core.leads import Lead, require_claimed
from crm_core.name_keys import with_keys
from crm_core.ports import Core

COLUMNS: Mapping[str, Mapping[str, str]] = {
    "customer": {"名称": "name", "行业": "industry", "地区": "region", "级别": "grade", "信用代码": "credit_code"},
    "contact": {
        "姓名": "name",
        "职务": "title",
        "角色": "role",
        "手机": "mobile",
        "电话": "mobile",
        "座机": "landline",
        "微信": "wechat_id",
        "微信号": "wechat_id",
        "邮箱": "email",
        "生日": "birthday",
        "决策权重": "decision_weight",
    },
    "lead": {
        "姓名": "name",
        "公司": "company",
        "职务": "title",
        "手机": "mobile",
        "电话": "mobile",
        "座机": "landline",
        "微信": "wechat_id",
        "微信号": "wechat_id",
        "邮箱": "email",
        "生日": "birthday",
        "地区": "region",
        "来源": "source",
        "需求": "need",
        "预算": "amount",
    },
}
"""Fields of the tables by what people call them; own fields come beside them."""
_LONGEST = {"grade": 8, "industry": 64, "region": 64, "role": 32, "name": 64, "source": 128}


def fits(core: Core, kind: str, name: str) -> bool:
    """Tell whether records of a kind have a field of this name."""
    return name in COLUMNS.get(kind, {}) or core.settings.fields.find(kind, name) is not None


async def correct(core: Core, actor: Actor, kind: str, row_id: int, name: str, value: str) -> int:
    """Set one field, a column or an own one, by what people call it; gives the change set that takes it back.

    Raises: NotFound; Refused; LeadNotOwned; UnknownField; Invalid.
    """
    if name not in COLUMNS.get(kind, {}):
        return await custom_fields.set_fields(core, actor, kind, row_id, {name: value})
    return await correct_all(core, actor, kind, row_id, {name: value})


async def correct_all(
    core: Core, actor: Actor, kind: str, row_id: int, said: Mapping[str, str], *, customer_id: int | None = None
) -> int:
    """Set several columns by what people call them; gives the one change set that takes them back.

    `customer_id`: a contact goes to this customer, whose owner gets them.

    Raises: NotFound; Refused; LeadNotOwned; Invalid.
    """
    access.require(actor, f"{kind}s:write")
    clean: dict[str, Any] = {}
    for name, value in said.items():
        clean |= _cleaned(kind, COLUMNS[kind][name], name, value)
    async with core.db.transaction():
        row = await access.load(custom_fields.MODELS[kind], actor, row_id)
        if isinstance(row, Lead):
            require_claimed(actor, row)
        else:
            await require_change(actor, row)
        if customer_id is not None:
            goes_to = await access.load(Customer, actor, customer_id)
            await require_change(actor, goes_to)
            clean |= {"customer_id": goes_to.id, "owner_id": goes_to.owner_id}
        changes = await change_sets.begin(core, actor, f"{kind}.update", f"{row.name}的{'、'.join(said) or '公司'}")
        person_id = getattr(row, "person_id", None)
        table = str(row._meta.db_table)
        keyed = with_keys(table, clean)
        await core.db.run(change_sets.change_row(core, changes.id, table, row.id, keyed, person_id=person_id))
        # The row in hand still holds what was before: the audit entry is written from it.
        await change_fields(core, actor, f"{kind}.update", row, clean)
        if isinstance(row, Customer):
            await Customer.filter(id=row.id).update(life_due_at=None, value_due_at=None)
    return int(changes.id)


async def set_above(core: Core, actor: Actor, kind: str, row_id: int, above_id: int | None) -> int:
    """Set the parent of a customer or the superior of a contact; gives the change set that takes it back.

    Raises: NotFound; Refused; Invalid for a cycle or a tree too deep.
    """
    access.require(actor, f"{kind}s:write")
    column, said = ("parent_id", "上级单位") if kind == "customer" else ("reports_to_id", "上级")
    async with core.db.transaction():
        model = custom_fields.MODELS[kind]
        row = await access.load(model, actor, row_id)
        await require_change(actor, row)
        if above_id is not None:
            await access.load(model, actor, above_id)
            await hierarchies.check_above(core, str(row._meta.db_table), row.id, above_id, said=said)
        changes = await change_sets.begin(core, actor, f"{kind}.update", f"{row.name}的上级")
        program = change_sets.change_row(core, changes.id, str(row._meta.db_table), row.id, {column: above_id})
        await core.db.run(program)
        await change_fields(core, actor, f"{kind}.update", row, {column: above_id})
    return int(changes.id)


async def undo(core: Core, actor: Actor, set_id: int) -> None:
    """Take a correction back, the keys of a name with it. Raises: NotFound; ChangeSetUndone; LaterChangesFirst."""
    await change_sets.undo(core, actor, set_id)


def _cleaned(kind: str, column: str, name: str, value: str) -> dict[str, Any]:
    if column == "decision_weight":
        if not value.strip().rstrip("分%").isdecimal():
            raise Invalid(field=name, reason="需要 0 到 100 的数字")
        return checked({column: int(value.strip().rstrip("分%"))})
    if column == "amount":
        number = read_value(FieldSettings("lead", column, name, "number"), value).number
        return {column: f"{number:.2f}" if number is not None else ""}
    if len(value.strip()) > _LONGEST.get(column, 128) or not value.strip():
        raise Invalid(field=name, reason=f"请填写1到{_LONGEST.get(column, 128)}个字")
    values = {column: value.strip()}
    return validation.cleaned_company(values) if kind == "customer" else checked(dict(values))
