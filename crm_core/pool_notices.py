"""What those who look after the pool are told of somebody in it: how it is found, and that it ends with the pool."""

from crm_core.ports import Core, Program


def pool_notices_of(person_id: int) -> str:
    """Tell how the keys begin of what those who look after the pool are told of a person."""
    return f"pool_notice:{person_id}:"


def cancel_pool_notices(core: Core, person_id: int) -> Program[None]:
    """Cancel what still waits to be told to everybody of a person who has an owner now."""
    # By the partial index of what is queued. No range of keys: what lies in one depends on the database's collation.
    begin = pool_notices_of(person_id)
    yield (
        "UPDATE messages SET status = 'cancelled', reason = 'lead_owned', updated_at = ?"  # noqa: S608 - a number
        f" WHERE status = 'queued' AND direction = 'out' AND substr(key, 1, {len(begin)}) = ?",
        (core.clock.now(), begin),
    )
