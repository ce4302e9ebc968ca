"""The guard: the same table of cases through the pure decision and through the SQL of pages."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from campaigns.broadcasts import Recipient
from crm_core.accounts import Account
from crm_core.clock import at_local
from crm_core.policy import ACCOUNT_JOIN, REASON_LABELS, Decision, Facts, Gate, Reason, decide, quiet_until, reason_sql
from crm_core.ports import CampaignSettings
from crm_core.reach import ReachRule, Window
from tests.factories import make_lead

NOON = datetime(2026, 11, 25, 4, tzinfo=UTC)
RULE = ReachRule(message=Window(5, timedelta(hours=48)), event=Window(3, timedelta(minutes=1)))
SETTINGS = CampaignSettings()
CASES = [
    ({}, None),
    ({"has_account": False}, Reason.NO_ACCOUNT),
    ({"opted_out": True}, Reason.OPTED_OUT),
    ({"unfollowed": True}, Reason.UNFOLLOWED),
    ({"already_greeted": True}, Reason.ALREADY_GREETED),
    ({"recent_count": 1}, None),
    ({"recent_count": 2}, Reason.FREQUENCY_CAP),
    ({"window_open": False}, Reason.WINDOW_CLOSED),
    ({"opted_out": True, "unfollowed": True, "recent_count": 9, "window_open": False}, Reason.OPTED_OUT),
    ({"unfollowed": True, "recent_count": 9}, Reason.UNFOLLOWED),
    ({"recent_count": 9, "window_open": False}, Reason.FREQUENCY_CAP),
]


@pytest.mark.parametrize(("facts", "reason"), CASES)
def test_the_pure_decision(facts, reason):
    assert decide(Facts(**facts), SETTINGS, NOON) == Decision(reason=reason)


@pytest.mark.parametrize(("facts", "reason"), CASES)
async def test_the_same_in_sql(core, clock, facts, reason):
    wanted = Facts(**facts)
    lead = await make_lead(core)
    if wanted.has_account:
        await Account.add(
            core,
            channel="wechat",
            external_id="o1",
            person_kind="customer",
            person_id=lead.person_id,
            opted_out_at=clock.now() if wanted.opted_out else None,
            unfollowed_at=clock.now() if wanted.unfollowed else None,
            message_window_at=clock.now() - timedelta(hours=1 if wanted.window_open else 48),
        )
    for number in range(wanted.recent_count):
        claimed_at = clock.now() - timedelta(days=6, hours=number)
        await Recipient.add(core, broadcast_id=number, person_id=lead.person_id, status="sent", claimed_at=claimed_at)
    await Recipient.add(
        core, broadcast_id=90, person_id=lead.person_id, status="sent", claimed_at=clock.now() - timedelta(days=7)
    )
    if wanted.already_greeted:
        await Recipient.add(
            core, broadcast_id=91, person_id=lead.person_id, status="sent", greeting_key=f"x:{lead.person_id}:2026-11-25"
        )
    gate = Gate(RULE, SETTINGS, clock.now(), "x:", ":2026-11-25")
    assert await reason_of(core, lead.person_id, gate) == reason


async def reason_of(core, person_id: int, gate: Gate) -> str | None:
    def program():
        case, values = reason_sql(gate)
        people = "(SELECT CAST(? AS BIGINT) AS person_id) p"
        rows = yield f"SELECT {case} FROM {people} {ACCOUNT_JOIN}", (*values, person_id, "wechat")
        return rows[0][0]

    return await core.db.read(program())


@pytest.mark.parametrize(
    ("message", "event", "open_now"),
    [
        ((timedelta(hours=47), 4), None, True),
        ((timedelta(hours=47), 5), None, False),
        ((timedelta(hours=48), 0), None, False),
        (None, (timedelta(seconds=59), 2), True),
        (None, (timedelta(seconds=59), 3), False),
        (None, (timedelta(seconds=60), 0), False),
        ((timedelta(hours=49), 0), (timedelta(seconds=1), 0), True),
        (None, None, False),
    ],
)
async def test_windows_in_sql_agree_with_the_ledger(core, clock, message, event, open_now):
    lead = await make_lead(core)
    values = {}
    for name, window in (("message", message), ("event", event)):
        if window:
            values |= {f"{name}_window_at": clock.now() - window[0], f"{name}_window_used": window[1]}
    account = await Account.add(
        core, channel="wechat", external_id="o1", person_kind="customer", person_id=lead.person_id, **values
    )
    assert account.reach(RULE, clock.now()).open is open_now
    found = await reason_of(core, lead.person_id, Gate(RULE, SETTINGS, clock.now()))
    assert found == (None if open_now else Reason.WINDOW_CLOSED)
    assert await reason_of(core, lead.person_id, Gate(ReachRule.always(), SETTINGS, clock.now())) is None
    assert await reason_of(core, lead.person_id, Gate(None, SETTINGS, clock.now())) is None


async def test_an_employees_account_is_no_customers(core, clock):
    lead = await make_lead(core)
    await Account.add(core, channel="wechat", external_id="o1", person_kind="employee", person_id=lead.person_id)
    assert await reason_of(core, lead.person_id, Gate(None, SETTINGS, clock.now())) == Reason.NO_ACCOUNT


OVER_MIDNIGHT = (time(21), time(8, 30))
AT_NOON = (time(12), time(14))


@pytest.mark.parametrize(
    ("quiet", "at", "until"),
    [
        (OVER_MIDNIGHT, (25, 20, 59), None),
        (OVER_MIDNIGHT, (25, 21, 0), (26, 8, 30)),
        (OVER_MIDNIGHT, (25, 23, 59), (26, 8, 30)),
        (OVER_MIDNIGHT, (26, 0, 0), (26, 8, 30)),
        (OVER_MIDNIGHT, (26, 8, 29), (26, 8, 30)),
        (OVER_MIDNIGHT, (26, 8, 30), None),
        (AT_NOON, (25, 11, 59), None),
        (AT_NOON, (25, 12, 0), (25, 14, 0)),
        (AT_NOON, (25, 14, 0), None),
        ((time(0), time(0)), (25, 0, 0), None),
    ],
)
def test_quiet_hours_only_delay(quiet, at, until):
    settings = replace(SETTINGS, quiet_from=quiet[0], quiet_until=quiet[1])
    now = at_local(NOON.date().replace(day=at[0]), time(at[1], at[2]))
    expected = at_local(NOON.date().replace(day=until[0]), time(until[1], until[2])) if until else None
    assert quiet_until(settings, now) == expected
    assert decide(Facts(), settings, now) == Decision(not_before=expected)
    assert decide(Facts(opted_out=True), settings, now) == Decision(reason=Reason.OPTED_OUT)


def test_every_reason_has_its_label():
    assert set(REASON_LABELS) == set(Reason)
