"""Creating the same thing once: the first answer is kept for a day and given again for the same Idempotency-Key."""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import msgspec

from bot.api.routes import Call, Route
from crm_core.errors import Conflict, Invalid

KEPT_FOR = timedelta(hours=24)
_MAX_KEY = 200
_encode = msgspec.json.Encoder().encode


class IdempotencyKeyReused(Conflict):
    """The key came before with another body."""

    code = "idempotency.key_reused"
    text = "这个 Idempotency-Key 已用于另一个请求，请换一个"


async def once(call: Call, route: Route, key: str, body: msgspec.Struct, make: Callable[[], Awaitable[Any]]) -> Any:
    """Make something, or give the answer of the first time; both in one transaction.

    Raises: IdempotencyKeyReused; Invalid for a key that is too long.
    """
    if len(key) > _MAX_KEY:
        raise Invalid(field="Idempotency-Key", reason=f"不能超过{_MAX_KEY}个字符")
    name, digest = _name(call, route, key), hashlib.sha256(_encode(body)).hexdigest()
    core = call.core
    async with core.db.transaction():
        # One at a time, so two requests with one key cannot both find nothing.
        await core.db.serialize(name)
        stored = await core.state.get(name)
        if stored is not None:
            before = msgspec.json.decode(stored)
            if before["digest"] != digest:
                raise IdempotencyKeyReused
            return before["answer"]
        answer = await make()
        await core.state.set(name, _encode({"digest": digest, "answer": answer}).decode(), lasts=KEPT_FOR)
    return answer


def _name(call: Call, route: Route, key: str) -> str:
    # Keys are the caller's own: two callers may use the same one, and one caller on two addresses.
    whose = "\0".join((call.actor.name, str(call.actor.employee_id), route.path, str(call.number), key))
    return f"idempotency:{hashlib.sha256(whose.encode()).hexdigest()}"
