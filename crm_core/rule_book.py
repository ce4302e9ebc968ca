"""The rules in force: those of the settings and those people of the house made (查重规则)."""

from collections.abc import Sequence

from tortoise import fields

from crm_core import access
from crm_core.access import Actor, Role
from crm_core.db import Entity, UtcDatetimeField
from crm_core.errors import Invalid, Refused
from crm_core.match_rules import FIELDS, HARD, PERSON, SAME, SOFT, Rule
from crm_core.ports import Core, Program

_WORDS: dict[str, str] = {
    **{HARD[name]: name for name in HARD},
    **{SOFT[name].removesuffix("相同"): name for name in SOFT},
    **{"公司近似": "company_near", "姓名近似": "name_near", "姓名拼音": "name_pinyin", "电话": "mobile", "手机": "mobile"},
    **{"信用代码": "credit_code", "微信": "wechat_id", "名称": "company", "单位": "company"},
}
_RULERS = frozenset({Role.MANAGER, Role.ADMIN})


class MatchRule(Entity):
    """A rule made by somebody of the house; `all_of` joined by commas. Ended, never deleted: it explains past merges."""

    owner_field = None

    name = fields.CharField(max_length=64)
    kind = fields.CharField(max_length=16)
    all_of = fields.CharField(max_length=200)
    same_source = fields.BooleanField(default=False)
    same_campaign = fields.BooleanField(default=False)
    within_days = fields.IntField(default=0)
    action = fields.CharField(max_length=16)
    weight = fields.IntField(default=0)
    author_id = fields.BigIntField(null=True)
    ended_at = UtcDatetimeField(null=True)

    class Meta:
        """Few rows."""

        table = "match_rules"

    @property
    def rule(self) -> Rule:
        """Give what it says."""
        return Rule(
            tuple(self.all_of.split(",")),
            self.kind,
            self.action,
            self.weight,
            self.same_source,
            self.same_campaign,
            self.within_days,
        )


async def add_rule(core: Core, actor: Actor, rule: Rule, *, name: str = "") -> MatchRule:
    """Make a rule; it holds for every check from now on. Raises: Refused for who is no manager; Invalid."""
    _require_ruler(actor)
    for field, sentence in rule.problems():
        raise Invalid(field=field, reason=sentence)
    async with core.db.transaction():
        made: MatchRule = await MatchRule.add(
            core,
            name=name.strip()[:64] or describe(rule),
            kind=rule.kind,
            all_of=",".join(rule.all_of),
            same_source=rule.same_source,
            same_campaign=rule.same_campaign,
            within_days=rule.within_days,
            action=rule.action,
            weight=rule.weight,
            author_id=actor.employee_id,
        )
        await access.record(core, actor, "match_rule.add", made, after={"name": made.name})
    return made


async def end_rule(core: Core, actor: Actor, rule_id: int) -> MatchRule:
    """Let a rule hold no more; what it merged stays merged. Raises: Refused; NotFound."""
    _require_ruler(actor)
    async with core.db.transaction():
        row = await access.load(MatchRule, actor, rule_id)
        if row.ended_at is None:
            await row.change(core, ended_at=core.clock.now())
            await access.record(core, actor, "match_rule.end", row)
    return row


async def list_rules(actor: Actor) -> list[MatchRule]:
    """List the rules made by people that hold."""
    access.require(actor, "duplicates:read")
    return await MatchRule.filter(ended_at=None).order_by("id")


def in_force(core: Core) -> Program[list[Rule]]:
    """Give every rule that holds now, those of the settings first."""
    rows = yield (
        "SELECT all_of, kind, action, weight, same_source, same_campaign, within_days FROM match_rules"
        " WHERE ended_at IS NULL ORDER BY id",
        (),
    )
    own = [
        Rule(tuple(all_of.split(",")), kind, action, weight, bool(source), bool(campaign), days)
        for all_of, kind, action, weight, source, campaign, days in rows
    ]
    return [*core.settings.identity.rules, *own]


def describe(rule: Rule) -> str:
    """Say a rule in Chinese: 姓名相同 + 公司相同，30天内 → 合并."""
    parts = [f"{HARD[name]}相同" if name in HARD else SOFT[name] for name in rule.all_of]
    narrowed = [*(["同来源"] if rule.same_source else []), *(["同活动"] if rule.same_campaign else [])]
    narrowed += [f"{rule.within_days}天内"] if rule.within_days else []
    return f"{'，'.join([' + '.join(parts), *narrowed])} → {'合并' if rule.action == SAME else '待清洗'}（{rule.weight}分）"


def read_rule(words: str) -> Rule:
    """Read a rule as people write it: 姓名+公司 同来源 30天内 合并 80. Raises: Invalid."""
    parts = words.replace("＋", "+").split()
    names = [_WORDS.get(word, word) for part in parts[:1] for word in part.split("+")]
    unknown = [name for name in names if name not in FIELDS]
    if not names or unknown:
        raise Invalid(field="规则", reason=f"先写比较哪几项，如 姓名+公司；可用：{'、'.join(dict.fromkeys(_WORDS))}")
    rest, values = parts[1:], dict[str, object]()
    for word in rest:
        if word in ("同来源", "同活动"):
            values["same_source" if word == "同来源" else "same_campaign"] = True
        elif word in ("合并", "待清洗", "清洗"):
            values["action"] = SAME if word == "合并" else "doubtful"
        elif word.removesuffix("天内").isdecimal() and word.endswith("天内"):
            values["within_days"] = int(word.removesuffix("天内")[:5])
        elif word.removesuffix("分").isdecimal():
            values["weight"] = int(word.removesuffix("分")[:5])
        else:
            raise Invalid(field="规则", reason=f"看不懂「{word[:16]}」，可写 同来源、同活动、30天内、合并、待清洗、80分")
    return _made(names, values)


def _made(names: Sequence[str], values: dict[str, object]) -> Rule:
    kind = "company" if not {"name", "name_pinyin", "name_near"} & set(names) and set(names) <= {"credit_code"} else PERSON
    made = {"all_of": tuple(names), "kind": kind, **values}
    return Rule(**made)  # type: ignore[arg-type]


def _require_ruler(actor: Actor) -> None:
    access.require(actor, "duplicates:write")
    if actor.role not in _RULERS:
        raise Refused
