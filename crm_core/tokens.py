"""API tokens: shown once, stored hashed, with a role or an employee behind them and scopes that narrow them."""

import hashlib
import json
import secrets

from tortoise import fields

from crm_core import access, employees
from crm_core.access import RESOURCES, Actor, Role
from crm_core.db import Entity, UtcDatetimeField
from crm_core.employees import Employee
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.ports import Core


class TokenNameTaken(Conflict):
    """A name is given once, revoked tokens included: the audit trail names a token by it."""

    code = "token.name_taken"
    text = "已有名为「{name}」的令牌（吊销的也算），请换个名字"


class ApiToken(Entity):
    """A key to the API."""

    owner_field = None

    name = fields.CharField(max_length=64, unique=True)
    token_hash = fields.CharField(max_length=64, unique=True)
    role = fields.CharField(max_length=16)
    scopes = fields.TextField(default="")
    employee_id = fields.BigIntField(null=True)
    revoked_at = UtcDatetimeField(null=True)

    class Meta:
        """Never deleted."""

        table = "api_tokens"


async def create(
    core: Core,
    actor: Actor,
    *,
    name: str,
    role: Role | None = None,
    employee_id: int | None = None,
    scopes: tuple[str, ...] = (),
) -> str:
    """Make a token and tell it, this once. Raises: Invalid; NotFound; AlreadyDeparted; TokenNameTaken."""
    access.require(actor, "tokens:write")
    _check_scopes(scopes)
    async with core.db.transaction():
        if employee_id is not None:
            employee = await access.load(Employee, actor, employee_id)
            if employee.departed_at:
                raise employees.AlreadyDeparted(name=employee.name)
            role = Role(employee.role)
        if role is None:
            raise Invalid(field="role", reason="请给出 --role 或 --employee")
        if await ApiToken.exists(name=name):
            raise TokenNameTaken(name=name)
        token = secrets.token_urlsafe(32)
        row = await ApiToken.add(
            core,
            name=name,
            token_hash=_hash(token),
            role=role.value,
            employee_id=employee_id,
            scopes=json.dumps(list(scopes)) if scopes else "",
        )
        await access.record(core, actor, "token.create", row)
    return token


async def revoke(core: Core, actor: Actor, name: str) -> None:
    """End a token at once. Raises: NotFound."""
    access.require(actor, "tokens:write")
    async with core.db.transaction():
        now = core.clock.now()
        if not await ApiToken.filter(name=name, revoked_at=None).update(revoked_at=now, updated_at=now):
            raise NotFound
        await access.record(core, actor, "token.revoke", ("api_tokens", None), after={"name": name})


async def actor_of_token(token: str) -> Actor | None:
    """Tell who acts with this token; None when unknown, revoked, or its employee has left."""
    row = await ApiToken.get_or_none(token_hash=_hash(token), revoked_at=None)
    if row is None:
        return None
    scopes = frozenset(json.loads(row.scopes)) if row.scopes else None
    if row.employee_id is None:
        return Actor(role=Role(row.role), name=f"token:{row.name}", scopes=scopes)
    employee = await Employee.get_or_none(id=row.employee_id, departed_at=None)
    return (await employees.actor_of(employee)).narrowed(scopes) if employee else None


def _check_scopes(scopes: tuple[str, ...]) -> None:
    for scope in scopes:
        resource, _, action = scope.partition(":")
        if resource not in RESOURCES or action not in ("read", "write"):
            raise Invalid(field="scope", reason=f"未知的权限 {scope}")


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
