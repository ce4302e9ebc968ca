"""Members of a platform's directory (通讯录), bound to employees by mobile number; never by name or id, which prove nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from crm_core import access, employees
from crm_core.access import Actor, Role
from crm_core.accounts import Account, PersonKind
from crm_core.employees import Employee
from crm_core.ports import Core
from crm_core.values import normalize_phone

_ACTOR = Actor.of_system("directory")


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in the directory; newer applications are not told the mobile."""

    user_id: str
    name: str
    mobile: str = ""


async def bind_members(core: Core, channel: str, members: Sequence[Member], *, add_missing: bool) -> int:
    """Bind each member without an account to the one employee with their mobile; tells how many were bound.

    An account somebody bound by hand is left alone, and so is an employee who has another account on this channel.
    """
    bound = 0
    for member in members:
        mobile = normalize_phone(member.mobile or member.user_id)
        if mobile is None:
            continue
        async with core.db.transaction():
            account = await Account.get_or_none(channel=channel, external_id=member.user_id)
            if account is not None and account.person_kind != PersonKind.STRANGER.value:
                continue
            employee = await _employee(core, member, mobile, add_missing=add_missing)
            if employee is None or await _has_account(channel, employee):
                continue
            who = {"person_kind": PersonKind.EMPLOYEE.value, "person_id": employee.person_id}
            if account is None:
                account = await Account.add(
                    core, channel=channel, external_id=member.user_id, nickname=member.name[:128], **who
                )
            else:
                await account.change(core, **who)
            await access.record(core, _ACTOR, "employee.bind", employee, after={"account_id": account.id})
            bound += 1
    return bound


async def _employee(core: Core, member: Member, mobile: str, *, add_missing: bool) -> Employee | None:
    fitting = await Employee.filter(mobile=mobile, departed_at=None).limit(2)
    if len(fitting) == 1:
        return fitting[0]
    # Somebody who has departed stays so; of two with one number nobody can say which is meant.
    if fitting or not add_missing or not member.mobile or await Employee.filter(mobile=mobile).exists():
        return None
    return await employees.add(core, _ACTOR, name=member.name or member.user_id, role=Role.SALES, mobile=mobile)


async def _has_account(channel: str, employee: Employee) -> bool:
    return await Account.filter(channel=channel, person_kind=PersonKind.EMPLOYEE.value, person_id=employee.person_id).exists()


async def list_unbound(core: Core, channel: str, members: Sequence[Member]) -> list[Member]:
    """List the members whose account belongs to no employee."""
    accounts = await Account.filter(channel=channel, person_kind=PersonKind.EMPLOYEE.value)
    bound = {account.external_id for account in accounts}
    return [member for member in members if member.user_id not in bound]
