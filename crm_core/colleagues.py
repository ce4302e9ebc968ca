"""Colleagues as people call them: 王磊, 小王, 王经理, 磊哥. One place, so that every command understands the same names."""

import re

from crm_core import access
from crm_core.access import Actor
from crm_core.employees import Employee
from crm_core.errors import Invalid, NotFound

MOST = 9
"""So many of one name are offered to choose from."""
_DOUBLE = ("欧阳", "司马", "上官", "诸葛", "东方", "皇甫", "尉迟", "公孙", "慕容", "长孙", "宇文", "司徒", "夏侯", "令狐")
_BEFORE = "小老阿大"
_AFTER = "总监|总|经理|主管|主任|老师|师傅|工|姐|哥|董|部长|店长|队长|组长"
_CALLED = re.compile(rf"(?:[{_BEFORE}](?P<familiar>[\u3400-\u9fff]{{1,2}})|(?P<titled>[\u3400-\u9fff]{{1,4}}?)(?:{_AFTER}))")


class NoSuchColleague(NotFound):
    """Nobody of the house is called so."""

    code = "employee.none_called"
    text = "没有叫「{name}」的同事，请说全名"


async def called(actor: Actor, name: str, *, departed: bool = False) -> list[Employee]:
    """List the visible employees somebody means by a name: by the full name, else by a familiar one (小王, 王经理).

    `departed`: those who left too, when nobody who is here fits.
    """
    said = name.strip()
    if not said:
        return []
    rows = await access.visible(Employee, actor).filter(name=said).order_by("id").limit(MOST)
    here = [row for row in rows if row.departed_at is None]
    if here or (rows and departed):
        return here or rows
    rows = await _familiar(actor, said)
    here = [row for row in rows if row.departed_at is None]
    return here or (rows if departed else [])


async def one_called(actor: Actor, name: str, *, departed: bool = False) -> Employee:
    """Find the one employee of a name. Raises: NoSuchColleague; Invalid for several."""
    found = await called(actor, name, departed=departed)
    if not found:
        raise NoSuchColleague(name=name.strip()[:16])
    if len(found) > 1:
        names = "、".join(sorted({row.name for row in found}))
        reason = f"有{len(found)}位同事可能是「{name.strip()[:16]}」（{names}），请说全名或用编号"
        raise Invalid(field="员工", reason=reason)
    return found[0]


async def _familiar(actor: Actor, said: str) -> list[Employee]:
    match = _CALLED.fullmatch(said)
    if match is None:
        return []
    root = match["familiar"] or match["titled"]
    rows = await access.visible(Employee, actor).filter(name__contains=root).order_by("id").limit(100)
    # 小王 is a surname, 小磊 and 磊哥 the end of a given name; 王磊经理 the whole.
    by_surname = [row for row in rows if _surname(row.name) == root or row.name == root]
    return (by_surname or [row for row in rows if row.name.endswith(root)])[:MOST]


def _surname(name: str) -> str:
    return name[:2] if name[:2] in _DOUBLE else name[:1]
