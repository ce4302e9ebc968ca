"""A page of followers becomes accounts and leads once; leavers are noted; a listing goes on where it stopped."""

from datetime import timedelta

import pytest_asyncio

from crm_core import followers
from crm_core.accounts import Account, ensure_account
from crm_core.followers import Follower, Listing, PlatformSync, Taken, Told
from crm_core.leads import Lead
from crm_core.messages import Address
from crm_core.outbox import DatabaseOutbox
from tests.factories import make_employee, make_lead

HOLD = timedelta(seconds=25)
NAME = "followers:wechat"


@pytest_asyncio.fixture
async def listing(core, clock) -> Listing:
    found = await core.db.run(followers.hold_listing(NAME, clock.now(), HOLD))
    assert found is not None
    return found


async def take(core, listing, *people: Told, cursor: str = "c") -> Taken:
    return await core.db.run(followers.take_page(core, "wechat", people, listing, cursor=cursor, lasts=HOLD))


async def test_unknown_followers_get_an_account_a_lead_and_their_details_once(core, clock, listing):
    since = clock.now() - timedelta(days=100)
    told = Told("oA", "u1", since, "老客户", (2, 101), "ADD_SCENE_QR_CODE", "展会A", "zh_CN")
    assert await take(core, listing, told, Told("oB")) == Taken(2, 2, 0, 2)
    account = await Account.get(external_id="oA")
    lead = await Lead.get(person_id=account.person_id)
    assert (account.person_kind, account.followed_at, lead.source, lead.channel) == ("customer", since, "展会A", "wechat")
    kept = await Follower.get(account_id=account.id)
    assert (kept.unionid, kept.remark, kept.tag_ids, kept.qr_scene) == ("u1", "老客户", "[2,101]", "展会A")
    assert isinstance(core.outbox, DatabaseOutbox)
    before = (await Account.get(external_id="oA")).updated_at, kept.updated_at
    clock.advance(60)
    assert await take(core, listing, told, Told("oB")) == Taken()
    assert ((await Account.get(external_id="oA")).updated_at, (await Follower.get(id=kept.id)).updated_at) == before
    assert await take(core, listing, Told("oA", remark="新备注")) == Taken(changed=1)
    assert await Lead.all().count() == 2


async def test_a_stranger_who_follows_gets_a_lead_and_an_employee_none(core, listing):
    await core.db.run(ensure_account(core, Address("wechat", "oStranger")))
    await make_employee(core, "小王", staff_id="wang")
    await Account.filter(channel="dingtalk").update(channel="wechat", external_id="oWang")
    assert (await take(core, listing, Told("oStranger"), Told("oWang"))).new_leads == 1
    assert (await Account.get(external_id="oWang")).person_kind == "employee"


async def test_who_stood_not_in_the_whole_list_has_left_and_who_came_later_has_not(core, clock, listing):
    await take(core, listing, Told("oStays", subscribed_at=clock.now()), Told("oGoes", subscribed_at=clock.now()))
    await core.db.run(followers.finish_listing(NAME, clock.now()))
    clock.advance(86_400)
    second = await core.db.run(followers.hold_listing(NAME, clock.now(), HOLD))
    await take(core, second, Told("oStays"))
    clock.advance(5)
    new = await core.db.run(ensure_account(core, Address("wechat", "oNew")))
    await Account.filter(id=new.id).update(followed_at=clock.now())
    assert await core.db.run(followers.note_leavers("wechat", second.started_at, clock.now())) == 1
    assert await core.db.run(followers.note_leavers("wechat", second.started_at, clock.now())) == 0
    gone = await Account.get(external_id="oGoes")
    assert gone.unfollowed_at == second.started_at
    await core.db.run(followers.finish_listing(NAME, clock.now()))
    clock.advance(86_400)
    third = await core.db.run(followers.hold_listing(NAME, clock.now(), HOLD))
    assert (await take(core, third, Told("oGoes", subscribed_at=clock.now()))).returned == 1
    assert (await Account.get(external_id="oGoes")).unfollowed_at is None


async def test_an_unfollow_newer_than_the_list_holds(core, clock, listing):
    await take(core, listing, Told("oA"))
    clock.advance(5)
    await Account.filter(external_id="oA").update(unfollowed_at=clock.now())
    assert (await take(core, listing, Told("oA"))).returned == 0
    assert (await Account.get(external_id="oA")).unfollowed_at is not None


async def test_a_listing_is_held_by_one_and_goes_on_at_its_place(core, clock, listing):
    assert (listing.cursor, listing.seen_count) == ("", 0)
    assert await core.db.run(followers.hold_listing(NAME, clock.now(), HOLD)) is None
    await take(core, listing, Told("oA"), Told("oB"), cursor="oB")
    await core.db.run(followers.release_listing(NAME))
    again = await core.db.run(followers.hold_listing(NAME, clock.now(), HOLD))
    assert (again.cursor, again.seen_count, again.started_at) == ("oB", 2, listing.started_at)
    clock.advance(26)  # whoever held it is gone
    assert (await core.db.run(followers.hold_listing(NAME, clock.now(), HOLD))).cursor == "oB"
    await core.db.run(followers.finish_listing(NAME, clock.now()))
    row = await PlatformSync.get(name=NAME)
    assert (row.cursor, row.started_at, row.finished_at) == ("", None, clock.now())


async def test_a_lead_of_somebody_known_stays_theirs(core, listing):
    lead = await make_lead(core, "张三")
    account = await core.db.run(ensure_account(core, Address("wechat", "oA")))
    await Account.filter(id=account.id).update(person_id=lead.person_id, person_kind="customer")
    assert (await take(core, listing, Told("oA"))).new_leads == 0
    assert (await Account.get(external_id="oA")).followed_at is not None
