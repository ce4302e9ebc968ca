"""Rows as the API writes them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from bot.api.activities import FOLLOW_UPS
from bot.api.app import all_routes
from bot.api.leads import LEADS
from bot.api.resources import is_unmasked, schema_of, show
from crm_core.access import Actor, Role

ROW = {
    "id": 1,
    "owner_id": 7,
    "name": "张伟",
    "mobile": "+8613800138000",
    "landline": "+862162881234",
    "email": "z@example.cn",
    "created_at": datetime(2026, 11, 25, 2, tzinfo=UTC),
}


@pytest.mark.parametrize(
    ("actor", "in_full"),
    [
        (Actor(Role.SALES, "负责人", employee_id=7, team=frozenset({7})), True),
        (Actor(Role.MANAGER, "主管", employee_id=8, team=frozenset({7, 8})), True),
        (Actor(Role.ADMIN, "管理员"), True),
        (Actor(Role.MANAGER, "别的主管", employee_id=9, team=frozenset({9})), False),
        (Actor(Role.MARKETER, "市场", employee_id=3, team=frozenset({3})), False),
        (Actor(Role.VIEWER, "只读", employee_id=7, team=frozenset({7})), False),
    ],
)
def test_who_sees_numbers_in_full(actor: Actor, in_full: bool) -> None:
    record = show(LEADS, ROW, actor, record=True)
    wanted = ("13800138000", "021-62881234", "z@example.cn") if in_full else ("138****8000", "021****1234", "z***")
    assert (record["mobile"], record["landline"], record["email"]) == wanted
    listed = show(LEADS, ROW, actor, record=False)
    assert (listed["mobile"], listed["landline"], listed["email"]) == ("138****8000", "021****1234", "z***")
    assert is_unmasked(LEADS, ROW, actor) == (in_full and actor.employee_id != 7)


def test_money_is_a_text_and_times_carry_their_offset() -> None:
    row = {"id": 1, "author_id": 1, "amount": Decimal("35000.00"), "at": datetime(2026, 11, 25, 2, tzinfo=UTC)}
    shown = show(FOLLOW_UPS, row, Actor.of_system("test"), record=True)
    assert (shown["amount"], shown["at"]) == ("35000.00", "2026-11-25T02:00:00+00:00")


def test_every_resource_has_its_number_and_its_times() -> None:
    for route in all_routes():
        if route.shows:
            assert {"id", "created_at", "updated_at"} <= set(schema_of(route.shows)["properties"]), route.path


def test_the_fields_of_the_contract_are_there() -> None:
    contract = {
        "employees": "person_id name role department manager_id mobile departed_at",
        "accounts": "channel external_id person_kind person_id followed_at unfollowed_at last_inbound_at opted_out_at",
        "messages": "channel account_id direction kind text at external_id status",
        "leads": "person_id name company mobile landline wechat_id email source channel region need score grade status owner_id"
        " pool intent_count last_follow_up_at customer_id",
        "customers": "name kind parent_id industry region grade status owner_id value_grade",
        "contacts": "person_id customer_id name title mobile landline wechat_id email birthday decision_maker reports_to_id",
        "follow-ups": "subject_kind subject_id person method at summary next_follow_up_at next_action amount"
        " stage author_id comments",
        "reminders": "owner_id about at text status repeat",
        "tags": "name group manual",
        "segments": "name conditions count",
        "templates": "name kind body placeholders",
        "broadcasts": "name segment_id template_id channel scheduled_at status counts",
        "recipients": "person_id status reason sent_at text",
        "greetings": "festival birthday segment_id template_id time channel",
        "audit": "actor action object before after at",
    }
    shown = {route.shows.name: route.shows for route in all_routes() if route.shows}
    for name, fields in contract.items():
        assert set(fields.split()) <= {field.name for field in shown[name].fields}, name
