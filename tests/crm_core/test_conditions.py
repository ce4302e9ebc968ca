"""The language of conditions: what is no condition is refused by its path; what is one selects as plain reading says."""

import random
from datetime import date, timedelta
from decimal import Decimal

import pytest

from crm_core import conversion, segments
from crm_core.accounts import Account
from crm_core.activities import FollowUp
from crm_core.condition_fields import FIELDS, HIDDEN, OPERATIONS, Form
from crm_core.conditions import check_conditions, leaves_of, uses
from crm_core.conversations import Message
from crm_core.custom_fields import OwnFieldValue
from crm_core.customers import Contact, Customer
from crm_core.errors import Invalid
from crm_core.leads import Lead
from crm_core.segments import Tag, Tagging, count_people
from crm_core.selection import Selection, people_sql
from tests.factories import SYSTEM, make_lead

DEEP = {"field": "name", "is": "=", "value": "张"}
for _ in range(7):
    DEEP = {"not": DEEP}


@pytest.mark.parametrize(
    ("conditions", "path"),
    [
        ({"all": []}, "conditions.all"),
        ({"all": [{"field": "score", "is": ">=", "value": 1}], "any": [{"tag": "VIP"}]}, "conditions.any"),
        ({"all": [{"region": "上海"}, {"city": "上海"}]}, "conditions.all[1].city"),
        ({"any": [{"region": "上海"}, "上海"]}, "conditions.any[1]"),
        ({"not": {}}, "conditions.not"),
        ({"not": []}, "conditions.not"),
        ({"field": "secret", "is": "=", "value": 1}, "conditions.field"),
        ({"field": "score", "is": "contains", "value": "1"}, "conditions.is"),
        ({"field": "score", "is": ">="}, "conditions.value"),
        ({"field": "score", "is": ">=", "value": "60"}, "conditions.value"),
        ({"field": "score", "is": ">=", "value": True}, "conditions.value"),
        ({"field": "score", "is": ">=", "value": float("nan")}, "conditions.value"),
        ({"field": "name", "is": "present", "value": "x"}, "conditions.value"),
        ({"field": "name", "is": "in", "value": "x"}, "conditions.value"),
        ({"field": "mobile", "is": "=", "value": "13800138000"}, "conditions.is"),
        ({"field": "created", "is": "within_days", "value": 0}, "conditions.value"),
        ({"field": "name", "is": "=", "value": "x", "sql": "1"}, "conditions.sql"),
        ({"custom": "兴趣", "is": ">", "value": "高尔夫"}, "conditions.is"),
        ({"tag": "VIP", "set_by": "me"}, "conditions.set_by"),
        ({"did": "flew"}, "conditions.did"),
        ({"did": "followed", "times": 2}, "conditions.times"),
        ({"did": "clicked", "word": "x"}, "conditions.word"),
        ({"did": "event"}, "conditions.name"),
        ({"did": "wrote", "within_days": 0}, "conditions.within_days"),
        ({"reachable": "wechat", "within_hours": 0}, "conditions.within_hours"),
        ({"any": [{"tag": "x"}] * 51}, "conditions.any"),
        ({"all": [{"any": [{"tag": "x"}] * 30}] * 2}, "conditions"),
        (DEEP, "conditions.not.not.not.not.not.not"),
    ],
)
def test_what_is_no_condition_is_refused_by_its_path(conditions, path):
    with pytest.raises(Invalid) as error:
        check_conditions(conditions)
    assert error.value.fields["field"] == path


def test_a_sentence_is_data():
    evil = "'; DROP TABLE leads; --"
    assert check_conditions({"field": "name", "is": "=", "value": evil})


def test_the_parts_of_a_condition_are_found_however_deep():
    condition = {"kind": "lead", "any": [{"not": {"owner": "me"}}, {"tag": "VIP"}]}
    assert list(leaves_of(condition)) == [("kind", "lead"), ("owner", "me"), ("leaf", {"tag": "VIP"})]
    assert uses(condition, "owner")
    assert not uses(condition, "region")


# --- the same conditions read by Python ------------------------------------------------------------------------------

REGIONS = ("上海", "北京市", "", "shanghai")
WORDS = ("张伟", "李娜", "abc", "ABC机械", "100%", "")


class World:
    """Random people, kept beside as plain facts."""

    def __init__(self, core, chance):
        self.core, self.chance, self.now = core, chance, core.clock.now()
        self.people = []

    async def make(self, count):
        for name in ("VIP", "重点", "展会"):
            await Tag.add(self.core, name=name)
        for number in range(count):
            await self._one(number)

    async def _one(self, number):
        pick, now = self.chance.choice, self.now
        facts = {
            "name": pick([*WORDS[:-1]]),
            "company": pick(WORDS),
            "title": pick(("采购", "")),
            "region": pick(REGIONS),
            "source": pick(("展会", "官网", "")),
            "campaign": "",
            "need": pick(("数控机床", "")),
            "score": pick((0, 40, 60, 90)),
            "grade": pick(("A", "B", "C", "")),
            "amount": pick(("500000.00", "80000", "", "50万", "1.2.3", ".")),
            "created_at": now - timedelta(days=pick((1, 20, 40, 400))),
            "last_follow_up_at": pick((None, now - timedelta(days=5), now - timedelta(days=35))),
            "mobile": pick((None, f"+86138{number:08d}")),
            "owner_id": pick((None, 1, 2)),
        }
        lead = await Lead.add(self.core, person_id=1000 + number, status=pick(("new", "following", "discarded")), **facts)
        facts |= {"person_id": lead.person_id, "kind": "lead", "open": lead.status != "discarded", "industry": ""}
        if self.chance.random() < 0.5:
            facts |= await self._contact(lead, facts)
        await self._tags(facts)
        await self._behaviour(facts, number)
        self.people.append(facts)

    async def _contact(self, lead, facts):
        customer = None
        more = {"industry": "", "customer_grade": "", "region": "", "company": ""}
        score = self.chance.choice((0, 40, 60, 90))
        if self.chance.random() < 0.8:
            more = {
                "industry": self.chance.choice(("制造业", "")),
                "customer_grade": self.chance.choice(("A", "B", "")),
                "region": self.chance.choice(REGIONS),
                "company": self.chance.choice(WORDS[:-1]),
            }
            customer = await Customer.add(
                self.core,
                name=more["company"],
                region=more["region"],
                grade=more["customer_grade"],
                industry=more["industry"],
            )
        merged = self.chance.choice((None, None, 7))
        contact = await Contact.add(
            self.core,
            person_id=lead.person_id,
            customer_id=customer.id if customer else None,
            owner_id=facts["owner_id"],
            name=facts["name"],
            title=facts["title"],
            mobile=facts["mobile"],
            last_follow_up_at=facts["last_follow_up_at"],
            score=score,
            created_at=facts["created_at"],
            merged_into_id=merged,
        )
        await Lead.filter(id=lead.id).update(status="converted", contact_id=contact.id)
        return more | {"kind": "customer", "open": merged is None, "grade": more["customer_grade"], "score": score}

    async def _tags(self, facts):
        facts["tags"] = {}
        facts["own"] = await self._own_field(facts, number=facts["person_id"])
        for number, name in enumerate(("VIP", "重点", "展会"), 0):
            if self.chance.random() < 0.4:
                tag = (await Tag.get(name=name)).id
                by_hand = self.chance.random() < 0.5
                await Tagging.add(self.core, tag_id=tag, person_id=facts["person_id"], manual=by_hand)
                facts["tags"][name] = by_hand
            assert number < 3

    async def _own_field(self, facts, number):
        """An own field of each form, of the lead or of the contact's customer."""
        kind, model = ("lead", Lead) if facts["kind"] == "lead" else ("contact", Contact)
        subject = await model.get(person_id=number)
        pick = self.chance.choice
        own = {
            "兴趣": pick(("高尔夫", "钓鱼", "")),
            "台数": pick((None, 3, 40)),
            "到期": pick((None, "2026-12-31", "2027-06-30")),
        }
        if kind == "contact" and subject.customer_id and self.chance.random() < 0.5:
            kind, subject = "customer", await Customer.get(id=subject.customer_id)
        stored = {"subject_kind": kind, "subject_id": subject.id}
        if own["兴趣"]:
            await OwnFieldValue.add(self.core, name="兴趣", text=own["兴趣"], **stored)
        if own["台数"]:
            await OwnFieldValue.add(self.core, name="台数", number=Decimal(own["台数"]), **stored)
        if own["到期"]:
            await OwnFieldValue.add(self.core, name="到期", on_date=date.fromisoformat(own["到期"]), **stored)
        return own

    async def _behaviour(self, facts, number):
        pick, now = self.chance.choice, self.now
        facts["account"], facts["events"], facts["words"] = None, [], []
        if self.chance.random() < 0.3:
            return
        facts["account"] = {
            "channel": pick(("wechat", "wecom")),
            "followed_at": pick((None, now - timedelta(days=3), now - timedelta(days=50))),
            "unfollowed_at": pick((None, None, now - timedelta(days=2))),
            "opted_out_at": pick((None, None, now)),
            "last_inbound_at": pick((None, now - timedelta(hours=5), now - timedelta(days=9))),
            "last_broadcast_at": pick((None, now - timedelta(days=4))),
        }
        account = await Account.add(
            self.core, external_id=f"o{number}", person_kind="customer", person_id=facts["person_id"], **facts["account"]
        )
        for each in range(self.chance.randrange(4)):
            event = pick(("", "", "click", "scan", "subscribe"))
            at = now - timedelta(days=pick((1, 8, 60)))
            text = pick(("多少钱", "网关ABC有货吗", "")) if not event else ""
            await Message.add(
                self.core,
                channel="wechat",
                external_account=f"o{number}",
                account_id=account.id,
                direction="in",
                kind="event" if event else "text",
                text=text,
                payload=f'{{"event":"{event}","data":{{"scene":"booth"}}}}' if event else "",
                at=at,
                status="done",
                key=f"k{number}-{each}",
            )
            (facts["events"] if event else facts["words"]).append((event or text, at))


def holds(condition, person, now):
    """Read a condition as a person would."""
    found = [plain(key, value, person, now) for key, value in condition.items() if key in _PLAIN]
    found += [all(holds(part, person, now) for part in condition.get("all", []))]
    if "any" in condition:
        found.append(any(holds(part, person, now) for part in condition["any"]))
    if "not" in condition:
        found.append(not holds(condition["not"], person, now))
    if "field" in condition:
        found.append(compare(condition, person, now))
    if "tag" in condition:
        by = person["tags"].get(condition["tag"])
        found.append(by is not None and condition.get("set_by", "") in ("", "hand" if by else "rule"))
    if "reachable" in condition:
        found.append(reachable(condition, person, now))
    if "custom" in condition:
        found.append(custom(condition, person["own"].get(condition["custom"])))
    if "did" in condition:
        found.append(did(condition, person, now))
    return all(found)


_PLAIN = ("tags", "region", "level", "kind", "owner", "inactive_days", "query")


def plain(key, value, person, now):
    if key == "tags":
        return all(name in person["tags"] for name in value)
    if key == "region":
        return value.lower() in person["region"].lower()
    if key == "kind":
        return person["kind"] == value
    if key == "owner":
        return person["owner_id"] == 1
    if key == "inactive_days":
        return (person["last_follow_up_at"] or person["created_at"]) <= now - timedelta(days=value)
    if key == "query":
        names = ["name", "company", "title"] + (["need", "source"] if person["kind"] == "lead" else ["industry"])
        return any(value.strip().lower() in person[name].lower() for name in names)
    vip = bool({"VIP"} & set(person["tags"])) or person["grade"] == "A"
    important = bool({"重点"} & set(person["tags"])) or person["grade"] == "B"
    return {"vip": vip, "key": important, "normal": not vip and not important}[value]


def known(name, person):
    if name == "budget":
        said = person["amount"] if person["kind"] == "lead" else ""
        return float(said) if said in ("500000.00", "80000") else None
    if name in ("created", "last_follow_up"):
        return person[f"{name}_at"]
    return person[name]


def compare(leaf, person, now):
    value, operation, form = known(leaf["field"], person), leaf["is"], FIELDS[leaf["field"]].form
    there = value not in (None, "")
    if operation in ("present", "missing"):
        return there == (operation == "present")
    wanted = leaf["value"]
    if form is Form.INSTANT:
        edge = now - timedelta(days=wanted)
        return value is not None and (value >= edge if operation == "within_days" else value <= edge)
    if form is Form.TEXT:
        value = value or ""
        return {
            "=": lambda: value == wanted,
            "!=": lambda: value != wanted,
            "in": lambda: value in wanted,
            "contains": lambda: wanted.strip().lower() in value.lower(),
        }[operation]()
    sides = {"=": "__eq__", "!=": "__ne__", ">": "__gt__", ">=": "__ge__", "<": "__lt__", "<=": "__le__"}
    return value is not None and getattr(float(value), sides[operation])(float(wanted))


def custom(leaf, value):
    if leaf["is"] in ("present", "missing"):
        return bool(value) == (leaf["is"] == "present")
    wanted = leaf["value"]
    if isinstance(wanted, str) and leaf["custom"] == "兴趣":
        value = value or ""
        return {"=": value == wanted, "!=": value != wanted, "contains": wanted in value}[leaf["is"]]
    if value is None:
        return False
    return {"=": value == wanted, "!=": value != wanted, ">=": value >= wanted, "<": value < wanted}[leaf["is"]]


def reachable(leaf, person, now):
    account = person["account"]
    if not account or account["channel"] != leaf["reachable"] or account["opted_out_at"] or account["unfollowed_at"]:
        return False
    hours = leaf.get("within_hours")
    wrote = account["last_inbound_at"]
    return hours is None or (wrote is not None and wrote >= now - timedelta(hours=hours))


def did(leaf, person, now):
    since = now - timedelta(days=leaf["within_days"]) if "within_days" in leaf else None
    account, times, kind = person["account"], leaf.get("times", 1), leaf["did"]
    columns = {"followed": "followed_at", "unfollowed": "unfollowed_at", "got_broadcast": "last_broadcast_at"}
    if kind in columns or (kind == "wrote" and times == 1 and "word" not in leaf):
        at = account[columns.get(kind, "last_inbound_at")] if account else None
        return at is not None and (since is None or at >= since)
    wanted = {"clicked": ("click",), "scanned": ("scan", "subscribe"), "event": (leaf.get("name"),)}.get(kind)
    rows = person["words"] if kind == "wrote" else [row for row in person["events"] if row[0] in wanted]
    word = leaf.get("word", "").strip().lower()
    return sum(1 for said, at in rows if word in said.lower() and (since is None or at >= since)) >= times


TEXTS = ("name", "company", "title", "region", "source", "need", "grade", "industry", "mobile", "campaign")
NUMBERS = ("score", "budget", "owner_id")
INSTANTS = ("created", "last_follow_up")


def random_leaf(chance):
    pick = chance.choice
    what = pick(("field", "field", "field", "custom", "tag", "did", "did", "reachable", "plain"))
    if what == "custom":
        name, values, words = pick(
            (
                ("兴趣", ("高尔夫", "钓"), ("=", "!=", "contains")),
                ("台数", (3, 10), ("=", "!=", ">=", "<")),
                ("到期", ("2026-12-31",), ("=", "!=", ">=", "<")),
            )
        )
        operation = pick((*words, "present", "missing"))
        asked = {"custom": name, "is": operation}
        return asked if operation in ("present", "missing") else asked | {"value": pick(values)}
    if what == "tag":
        return {"tag": pick(("VIP", "重点", "没有"))} | pick(({}, {"set_by": "hand"}, {"set_by": "rule"}))
    if what == "reachable":
        return {"reachable": pick(("wechat", "wecom", "dingtalk"))} | pick(({}, {"within_hours": 48}))
    if what == "did":
        leaf = pick(
            (
                {"did": "wrote"},
                {"did": "wrote", "word": pick(("网关", "abc", "%"))},
                {"did": "wrote", "times": 2},
                {"did": "clicked"},
                {"did": "scanned"},
                {"did": "event", "name": "click"},
                {"did": "clicked", "times": 2},
                {"did": "followed"},
                {"did": "unfollowed"},
                {"did": "got_broadcast"},
            )
        )
        return dict(leaf) | pick(({}, {"within_days": 7}))
    if what == "plain":
        return pick(
            (
                {"tags": ["VIP"]},
                {"region": "shang"},
                {"level": "vip"},
                {"level": "normal"},
                {"kind": "lead"},
                {"owner": "me"},
                {"inactive_days": 30},
                {"query": "abc"},
                {"region": "上海", "query": "机"},
            )
        )
    name = pick(TEXTS + NUMBERS + INSTANTS)
    form = FIELDS[name].form
    operation = pick(("present", "missing") if name in HIDDEN else OPERATIONS[form])
    if operation in ("present", "missing"):
        return {"field": name, "is": operation}
    value = {
        Form.TEXT: lambda: pick(("上海", "abc", "A", "采购", "%", "展会")),
        Form.NUMBER: lambda: pick((0, 1, 60, 80000, 0.5)),
        Form.INSTANT: lambda: pick((3, 30)),
    }[form]()
    return {"field": name, "is": operation, "value": [value, "B"] if operation == "in" else value}


def random_condition(chance, depth=0):
    what = chance.random()
    if depth < 4 and what < 0.45:
        word = chance.choice(("all", "any", "not"))
        if word == "not":
            return {"not": random_condition(chance, depth + 1)}
        made = {word: [random_condition(chance, depth + 1) for _ in range(chance.randrange(1, 4))]}
        return made | chance.choice(({}, {"region": "上海"}))
    return random_leaf(chance)


@pytest.mark.parametrize("seed", range(3))
async def test_any_condition_selects_whom_plain_reading_selects(core, seed):
    chance = random.Random(seed)
    world = World(core, chance)
    await world.make(40)
    for _ in range(120):
        condition = check_conditions(random_condition(chance))
        expected = sorted(one["person_id"] for one in world.people if one["open"] and holds(condition, one, world.now))
        selection = Selection(conditions=condition, me=1)

        def program(selection=selection):
            rows = yield people_sql(selection, core.clock.now(), limit=1000)
            return [number for (number,) in rows]

        assert await core.db.read(program()) == expected, condition
        assert await count_people(core, selection) == len(expected), condition


async def test_what_was_bought_and_followed_up_counts(core, clock):
    lead = await make_lead(core, "线索甲")
    other = await make_lead(core, "转化乙")
    customer, contact = await conversion.convert(core, SYSTEM, other.id)
    now = clock.now()

    async def follow_up(kind, number, days, undone=None):
        values = {"subject_kind": kind, "subject_id": number, "person": "x", "undone_at": undone}
        await FollowUp.add(core, at=now - timedelta(days=days), **values)

    await follow_up("lead", lead.id, 3)
    await follow_up("lead", lead.id, 40)
    await follow_up("contact", contact.id, 3, undone=now)
    await follow_up("customer", customer.id, 10)

    async def people(condition):
        segment = await segments.create_segment(core, SYSTEM, name="x", conditions=condition)
        return await segments.count_segment(core, SYSTEM, segment)

    assert await people({"did": "followed_up", "within_days": 7}) == 1
    assert await people({"did": "followed_up", "times": 2}) == 1
    assert await people({"did": "followed_up"}) == 2
    assert await people({"did": "bought"}) == 0
