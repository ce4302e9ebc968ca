"""Candidates are found by indexes: no statement of the check reads a whole table."""

import re

import pytest

from crm_core import candidates, matching
from crm_core.match_rules import DEFAULT_RULES, Facts, Rule
from crm_core.ports import Core, Program
from tests.factories import make_customer_account, make_lead

TABLE = re.compile(r"SCAN (?:leads|contacts|customers|accounts|followers|people|[tlcupaf])\b(?!.*INDEX)")
FULL = Facts(
    "张伟",
    "东风机械有限公司",
    "上海",
    "展会",
    "春季",
    None,
    {
        **{"mobile": frozenset({"+8613800138000"}), "landline": frozenset({"+862162881234"}), "email": frozenset({"a@b.cn"})},
        **{"wechat_id": frozenset({"zw"}), "unionid": frozenset({"u1"}), "credit_code": frozenset({"X"})},
    },
    frozenset({("wechat", "o1")}),
)


@pytest.mark.sqlite_only("the plans are SQLite's")
async def test_no_statement_reads_a_whole_table(core: Core) -> None:
    lead = await make_lead(core, "张伟", mobile="13800138000", company="东风机械")
    await make_customer_account(core, lead)
    seen: list[tuple[str, list[object]]] = []

    def noting(program: Program[object]) -> Program[object]:
        answer = None
        try:
            while True:
                sql, values = program.send(answer)
                seen.append((sql, list(values)))
                answer = yield sql, values
        except StopIteration as stop:
            return stop.value

    rules = [*DEFAULT_RULES, Rule(("name",)), Rule(("name",), same_source=True, same_campaign=True)]
    await core.db.read(noting(candidates.gather(FULL, rules)))
    await core.db.read(noting(matching.facts_of("lead", lead.id)))
    pairs = [(kind, "x") for kind in ("mobile", "email", "wechat_id", "credit_code", "account", "unionid", "landline")]
    await core.db.read(noting(matching.hard_matches(pairs)))
    assert len(seen) > 10
    scans = []
    for sql, values in seen:
        plan = await core.db.read(_explained(sql, values))
        scans += [(step, sql) for step in plan if TABLE.match(step)]
    assert scans == []


def _explained(sql: str, values: list[object]) -> Program[list[str]]:
    rows = yield f"EXPLAIN QUERY PLAN {sql}", values
    return [str(row[-1]) for row in rows]


async def test_a_record_gathers_every_id_merged_into_it(core: Core) -> None:
    lead = await make_lead(core, mobile="13800138000")
    other = await make_lead(core, mobile="13900139000", email="A@b.cn")
    await other.change(core, merged_into_id=lead.id, status="merged")
    await make_customer_account(core, lead, external_id="o9")
    record = (await core.db.read(candidates.load("lead", [other.id])))[0]
    assert record.id == lead.id
    assert record.facts.of("mobile") == {"+8613800138000", "+8613900139000"}
    assert record.facts.of("email") == {"a@b.cn"}
    assert record.facts.accounts == {("wechat", "o9")}


async def test_nobody_to_look_for_finds_nobody(core: Core) -> None:
    await make_lead(core, "微信访客1")
    assert await core.db.read(candidates.gather(Facts(name="微信访客1", region="上海"))) == []
