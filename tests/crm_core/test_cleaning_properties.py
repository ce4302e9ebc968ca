"""Whatever comes in whatever order: two different hard ids of one kind are never merged by themselves."""

from collections import defaultdict
from dataclasses import replace
from typing import Any

import hypothesis
from hypothesis import strategies as st

from crm_core import change_sets, cleaning
from crm_core.change_sets import ChangeSet
from crm_core.customers import Contact
from crm_core.identity import new_person
from crm_core.leads import Lead
from crm_core.ports import Core
from tests.factories import SYSTEM, make_lead
from tests.fingerprints import fingerprint

KINDS = ("mobile", "email", "wechat_id")
PEOPLE = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(["张伟", "李娜"]),
            "company": st.sampled_from(["", "东风机械"]),
            "mobile": st.sampled_from([None, "13800138001", "13800138002"]),
            "email": st.sampled_from([None, "a@dongfeng.cn", "b@dongfeng.cn"]),
            "wechat_id": st.sampled_from([None, "dongfeng_a", "dongfeng_b"]),
            "contact": st.booleans(),
        }
    ),
    min_size=2,
    max_size=6,
)


def drawn(count: int) -> list[list[dict[str, Any]]]:
    found: list[list[dict[str, Any]]] = []

    @hypothesis.settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(PEOPLE)
    def keep(people: list[dict[str, Any]]) -> None:
        found.append(people)

    keep()
    return found


async def enter(core: Core, said: dict[str, Any]) -> None:
    """Record somebody: as a contact that is there, or as a new lead that is examined."""
    ids = {kind: said[kind] for kind in KINDS if said[kind]}
    if said["contact"]:
        mobile = {"mobile": f"+86{ids['mobile']}"} if "mobile" in ids else {}
        await Contact.add(core, person_id=await new_person(core), name=said["name"], **{**ids, **mobile})
        return
    lead = await make_lead(core, said["name"], company=said["company"], **ids)
    await cleaning.examine(core, lead.id)


async def groups() -> dict[tuple[str, int], list[Lead | Contact]]:
    """Everybody who is one by now."""
    found: dict[tuple[str, int], list[Lead | Contact]] = defaultdict(list)
    for contact in await Contact.all():
        found["contact", contact.merged_into_id or contact.id].append(contact)
    heads = {lead.id: lead for lead in await Lead.all()}
    for lead in heads.values():
        head = heads[lead.merged_into_id or lead.id]
        found[("contact", head.contact_id) if head.contact_id else ("lead", head.id)].append(lead)
    return found


async def test_no_two_hard_ids_of_a_kind_become_one(core: Core) -> None:
    core = replace(core, settings=replace(core.settings, identity=replace(core.settings.identity, merge_alone=True)))
    merged = 0
    for people in drawn(60):
        empty = await fingerprint(core)
        for said in people:
            await enter(core, said)
        for group in (await groups()).values():
            merged += len(group) - 1
            # What a lead said itself stays in its own row, whatever stands in the surviving one.
            for kind in KINDS:
                values = {str(getattr(row, kind)).lower() for row in group if getattr(row, kind)}
                assert len(values) <= 1, (people, kind, values)
        for number in await ChangeSet.filter(undone_at=None).order_by("-id").values_list("id", flat=True):
            await change_sets.undo(core, SYSTEM, int(str(number)))
        assert all(len(group) == 1 for group in (await groups()).values())
        await core.db.empty()
        assert await fingerprint(core) == empty
    assert merged > 20
