"""People of the house: employees, departments, their roles, and the one-time codes that bind a chat account."""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from tortoise import fields

from crm_core import access
from crm_core.access import Actor, Role
from crm_core.accounts import Account, AccountRow, PersonKind
from crm_core.changes import change_fields
from crm_core.conversations import Message, OutboundStatus
from crm_core.db import Entity, UtcDatetimeField
from crm_core.errors import Conflict, Invalid, Refused
from crm_core.identity import new_person
from crm_core.messages import Address
from crm_core.ports import Core, Program
from crm_core.values import normalize_phone

BIND_CODE_LASTS = timedelta(hours=24)
BIND_TRIES_AN_HOUR = 5
CODE_LENGTH = 8
# No letters or digits that look alike: codes are read aloud and typed on phones.
_CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


class BindCodeWrong(Refused):
    """No such code, used up, or too old."""

    code = "employee.bind_code_wrong"
    text = "绑定码无效或已过期，请向管理员索取新的绑定码"


class BindTriesUsedUp(Refused):
    """Five wrong tries within the hour."""

    code = "employee.bind_tries_used_up"
    text = "绑定码连续输错，请一小时后再试"


class AlreadyDeparted(Conflict):
    """The employee has left."""

    code = "employee.already_departed"
    text = "{name}已离职"


class Department(Entity):
    """A part of the house; a tree."""

    owner_field = None

    name = fields.CharField(max_length=64, unique=True)
    parent_id = fields.BigIntField(null=True)
    kind = fields.CharField(max_length=16, default="department", db_default="department")
    """headquarters, department, dealer or shop (distribution_rules.py)."""
    closed_at = UtcDatetimeField(null=True)

    class Meta:
        """Seldom changed."""

        table = "departments"


class Employee(Entity):
    """Somebody of the house (员工)."""

    owner_field = None

    person_id = fields.BigIntField(unique=True)
    hangs_on = ()
    name = fields.CharField(max_length=64, db_index=True)
    role = fields.CharField(max_length=16)
    department_id = fields.BigIntField(null=True, db_index=True)
    manager_id = fields.BigIntField(null=True, db_index=True)
    mobile = fields.CharField(max_length=20, null=True)
    departed_at = UtcDatetimeField(null=True)

    class Meta:
        """Never deleted."""

        table = "employees"


class BindCode(Entity):
    """A one-time code with which a chat account becomes an employee's; only its hash is kept."""

    employee_id = fields.BigIntField(db_index=True)
    code_hash = fields.CharField(max_length=64, unique=True)
    expires_at = UtcDatetimeField()
    used_at = UtcDatetimeField(null=True)

    class Meta:
        """Used once."""

        table = "bind_codes"


async def add(
    core: Core,
    actor: Actor,
    *,
    name: str,
    role: Role,
    mobile: str | None = None,
    department: str | None = None,
    manager_id: int | None = None,
) -> Employee:
    """Take somebody into the house. Raises: Invalid; NotFound for an unknown manager."""
    access.require(actor, "employees:write")
    if not name.strip():
        raise Invalid(field="name", reason="请填写姓名")
    phone = normalize_phone(mobile) if mobile else None
    if mobile and not phone:
        raise Invalid(field="mobile", reason="手机号格式不对")
    async with core.db.transaction():
        if manager_id is not None:
            await access.load(Employee, actor, manager_id)
        department_id = (await ensure_department(core, department)).id if department else None
        employee: Employee = await Employee.add(
            core,
            person_id=await new_person(core),
            name=name.strip(),
            role=role.value,
            mobile=phone,
            department_id=department_id,
            manager_id=manager_id,
        )
        await access.record(core, actor, "employee.add", employee, after={"role": role.value})
    return employee


async def update(core: Core, actor: Actor, employee_id: int, **values: object) -> Employee:
    """Change an employee's fields by hand; `department` is a name. Raises: NotFound; Invalid; AlreadyDeparted."""
    access.require(actor, "employees:write")
    async with core.db.transaction():
        employee = await access.load(Employee, actor, employee_id)
        if employee.departed_at:
            raise AlreadyDeparted(name=employee.name)
        clean = await _checked(core, employee, values)
        await change_fields(core, actor, "employee.update", employee, clean)
    return employee


async def _checked(core: Core, employee: Employee, values: dict[str, object]) -> dict[str, object]:
    clean = dict(values)
    if "name" in clean and not str(clean["name"]).strip():
        raise Invalid(field="name", reason="请填写姓名")
    if clean.get("mobile"):
        clean["mobile"] = normalize_phone(str(clean["mobile"]))
        if clean["mobile"] is None:
            raise Invalid(field="mobile", reason="手机号格式不对")
    if "department" in clean:
        name = clean.pop("department")
        clean["department_id"] = (await ensure_department(core, str(name))).id if name else None
    if clean.get("manager_id") is not None:
        await _check_manager(employee.id, clean["manager_id"])
    return clean


async def _check_manager(employee_id: int, manager_id: object) -> None:
    everybody = await Employee.all().values_list("id", "manager_id")
    if manager_id not in {number for number, _ in everybody}:
        raise Invalid(field="manager_id", reason="没有这名员工")
    if manager_id in _below({employee_id}, [(int(number), boss) for number, boss in everybody]):
        raise Invalid(field="manager_id", reason="不能是本人或下属")


async def ensure_department(core: Core, name: str) -> Department:
    """Find a department by name or make it."""
    found = await Department.get_or_none(name=name)
    return found or await Department.add(core, name=name)


async def make_bind_code(core: Core, actor: Actor, employee_id: int) -> str:
    """Make the code an employee types as `绑定 CODE`; told once, kept as a hash. Raises: NotFound; AlreadyDeparted."""
    access.require(actor, "employees:write")
    async with core.db.transaction():
        employee = await access.load(Employee, actor, employee_id)
        if employee.departed_at:
            raise AlreadyDeparted(name=employee.name)
        code = "".join(secrets.choice(_CODE_LETTERS) for _ in range(CODE_LENGTH))
        await BindCode.add(core, employee_id=employee.id, code_hash=_hash(code), expires_at=core.clock.now() + BIND_CODE_LASTS)
        await access.record(core, actor, "employee.bind_code", employee)
    return code


async def bind(core: Core, address: Address, code: str) -> Employee:
    """Make a chat account an employee's with a one-time code (绑定).

    Raises: BindCodeWrong; BindTriesUsedUp. A wrong try is counted by `count_wrong_try`, which the caller commits
    although this transaction is undone.
    """
    now = core.clock.now()
    async with core.db.transaction():
        found = await BindCode.get_or_none(code_hash=_hash(code.upper()), used_at=None, expires_at__gt=now)
        employee = await Employee.get_or_none(id=found.employee_id, departed_at=None) if found else None
        if found is None or employee is None:
            raise BindCodeWrong
        # Of two at once with one code the second finds it used.
        if not await BindCode.filter(id=found.id, used_at=None).update(used_at=now, updated_at=now):
            raise BindCodeWrong
        account = await Account.get(channel=address.channel, external_id=address.external_id)
        await account.change(core, person_kind=PersonKind.EMPLOYEE.value, person_id=employee.person_id)
        await access.record(core, await actor_of(employee), "employee.bind", employee, after={"account_id": account.id})
    return employee


async def void_bind_codes(core: Core, words: str) -> None:
    """End every code that was spoken where others read along, however it was written."""
    now = core.clock.now()
    runs = re.findall(r"[A-Z0-9]{8,40}", "".join(words.upper().split()))
    codes = {run[start : start + CODE_LENGTH] for run in runs for start in range(len(run) - CODE_LENGTH + 1)}
    await BindCode.filter(code_hash__in=[_hash(code) for code in codes], used_at=None).update(used_at=now, updated_at=now)


async def refuse_after_wrong_tries(core: Core, address: Address) -> None:
    """Stop whoever guesses codes. Raises: BindTriesUsedUp."""
    if int(await core.state.get(_tries_key(address)) or 0) >= BIND_TRIES_AN_HOUR:
        raise BindTriesUsedUp


async def count_wrong_try(core: Core, address: Address) -> None:
    """Count one wrong code of this account; forgotten an hour after the last one."""
    tries = int(await core.state.get(_tries_key(address)) or 0)
    await core.state.set(_tries_key(address), str(tries + 1), lasts=timedelta(hours=1))


async def depart(core: Core, actor: Actor, employee_id: int) -> Employee:
    """End an employee's rights in chat and API at once; records and history stay (离职).

    What still waits to be told to them is cancelled; what is being sent this moment is not called back.

    Raises: NotFound; AlreadyDeparted.
    """
    access.require(actor, "employees:write")
    return await end_access(core, actor, employee_id)


async def end_access(core: Core, actor: Actor, employee_id: int) -> Employee:
    """Do the same for whoever has the right already: a manager who hands over. Raises: NotFound; AlreadyDeparted."""
    async with core.db.transaction():
        employee = await access.load(Employee, actor, employee_id)
        now = core.clock.now()
        if not await Employee.filter(id=employee.id, departed_at=None).update(departed_at=now, updated_at=now):
            raise AlreadyDeparted(name=employee.name)
        accounts = await Account.filter(person_kind=PersonKind.EMPLOYEE.value, person_id=employee.person_id)
        for account in accounts:
            await _cancel_waiting(core, account)
            await account.change(core, person_kind=PersonKind.STRANGER.value, person_id=None, waiting_count=0)
        await BindCode.filter(employee_id=employee.id, used_at=None).update(used_at=now)
        # Which accounts were theirs: from now on they are a stranger's, and an erasure must still find them.
        await access.record(core, actor, "employee.depart", employee, after={"accounts": [account.id for account in accounts]})
    return await Employee.get(id=employee_id)


async def _cancel_waiting(core: Core, account: Account) -> None:
    """Cancel the messages that wait for this account: those in the queue, and those kept for its next message."""
    gone = {"status": OutboundStatus.CANCELLED.value, "reason": "employee_departed", "updated_at": core.clock.now()}
    waiting = Message.filter(direction="out", channel=account.channel, external_account=account.external_id)
    # One status at a time: each has a partial index of its own.
    await waiting.filter(status=OutboundStatus.QUEUED.value).update(**gone)
    await Message.filter(direction="out", account_id=account.id, status=OutboundStatus.KEPT.value).update(**gone)


async def actor_of(employee: Employee) -> Actor:
    """Make the actor of an employee, with the team a manager sees."""
    role = Role(employee.role)
    team = await team_of(employee) if role is Role.MANAGER else frozenset({employee.id})
    units = await kin_of(employee.department_id)
    return Actor(role=role, name=employee.name, employee_id=employee.id, team=team, departments=units)


@dataclass(frozen=True, slots=True)
class StaffRow:
    """What the hot path needs of an employee."""

    id: int
    name: str
    role: str
    department_id: int | None = None


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who writes: an account, and the employee behind it if it is one."""

    account: AccountRow
    staff: StaffRow | None


def find_speaker(account: AccountRow) -> Program[Speaker]:
    """Find who writes from an account, in plain SQL: every message asks."""
    if account.person_kind != PersonKind.EMPLOYEE.value or account.person_id is None:
        return Speaker(account, None)
    rows = yield (
        "SELECT id, name, role, department_id FROM employees WHERE person_id = ? AND departed_at IS NULL",
        (account.person_id,),
    )
    return Speaker(account, StaffRow(*rows[0]) if rows else None)


def find_speakers(channel: str, people: Sequence[str]) -> Program[dict[str, Speaker]]:
    """Find who writes from many accounts of a channel at once, by their ids there; whoever has no account is left out."""
    rows = yield (
        "SELECT a.external_id, a.id, a.person_kind, a.person_id, a.waiting_count, e.id, e.name, e.role FROM accounts a"  # noqa: S608
        " LEFT JOIN employees e ON e.person_id = a.person_id AND a.person_kind = 'employee' AND e.departed_at IS NULL"
        f" WHERE a.channel = ? AND a.external_id IN ({', '.join('?' * len(people))})",
        (channel, *people),
    )
    return {row[0]: Speaker(AccountRow(*row[1:5]), StaffRow(*row[5:]) if row[5] is not None else None) for row in rows}


async def actor_of_speaker(speaker: Speaker) -> Actor | None:
    """Make the actor of somebody of the house, None for anybody else; only a manager's team has to be looked up."""
    staff = speaker.staff
    if staff is None:
        return None
    if staff.role == Role.MANAGER.value:
        return await actor_of(await Employee.get(id=staff.id))
    units = await kin_of(staff.department_id)
    return Actor(role=Role(staff.role), name=staff.name, employee_id=staff.id, team=frozenset({staff.id}), departments=units)


async def unit_of(employee_id: int | None) -> int | None:
    """Tell the unit somebody collects leads for; what headquarters collects is nobody's own."""
    employee = await Employee.get_or_none(id=employee_id) if employee_id is not None else None
    if employee is None or employee.department_id is None:
        return None
    unit = await Department.get_or_none(id=employee.department_id)
    return unit.id if unit is not None and unit.kind != "headquarters" else None


async def kin_of(department_id: int | None) -> frozenset[int]:
    """Name the units whose pool somebody of a unit sees: it, those above and those below; headquarters see all."""
    if department_id is None:
        return frozenset()
    rows = await Department.all().values_list("id", "parent_id", "kind")
    parents = {int(number): above for number, above, _ in rows}
    if ("headquarters", department_id) in ((kind, number) for number, _, kind in rows):
        return frozenset(parents)
    kin = _below({department_id}, list(parents.items()))
    above = parents.get(department_id)
    while above is not None and above not in kin:
        kin.add(above)
        above = parents.get(above)
    return frozenset(kin)


async def team_of(manager: Employee) -> frozenset[int]:
    """Tell whose rows a manager sees: everybody below them, and their department's tree."""
    everybody = await Employee.all().values_list("id", "manager_id", "department_id")
    departments = await Department.all().values_list("id", "parent_id")
    mine = _below({manager.department_id} if manager.department_id else set(), departments)
    start = {manager.id} | {number for number, _, department in everybody if department in mine}
    return frozenset(_below(start, [(number, boss) for number, boss, _ in everybody]))


def _below(start: set[int], links: "list[tuple[int, int | None]]") -> set[int]:
    found, border = set(start), set(start)
    while border:
        border = {number for number, above in links if above in border} - found
        found |= border
    return found


async def staff_address(core: Core, employee_id: int) -> Address | None:
    """Tell where an employee is written to: their bound account on a staff channel, the one used last."""
    employee = await Employee.get_or_none(id=employee_id, departed_at=None)
    if employee is None:
        return None
    accounts = await Account.filter(
        person_kind=PersonKind.EMPLOYEE.value, person_id=employee.person_id, channel__in=list(core.staff_channels) or [""]
    )
    # Here and not by the database: where "never" stands among times differs from one to the other.
    newest = max(accounts, key=lambda each: (each.last_inbound_at or each.created_at, each.id), default=None)
    return newest.address if newest else None


def staff_account_sql(core: Core, employee: str) -> tuple[str, list[object]]:
    """Write the sub-query for the account an employee (a table alias) is written to: bound, on a staff channel, used last."""
    channels: list[object] = [*sorted(core.staff_channels)] or [""]
    sql = (
        "(SELECT x.id FROM accounts x WHERE x.person_id = "  # noqa: S608 - an alias of our own and question marks
        f"{employee}.person_id AND x.person_kind = 'employee' AND x.channel IN ({', '.join('?' * len(channels))})"
        " ORDER BY coalesce(x.last_inbound_at, x.created_at) DESC, x.id DESC LIMIT 1)"
    )
    return sql, channels


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


def _tries_key(address: Address) -> str:
    return f"bind_tries:{address.channel}:{address.external_id}"
