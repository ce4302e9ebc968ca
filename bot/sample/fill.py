"""Filling an empty database with the sample, in one transaction."""

from random import Random

from bot.sample import history, people, trade
from bot.sample.company import COMPANY, STAFF, hire
from bot.sample.people import HISTORY_DAYS, Draw
from bot.sample.rows import insert
from campaigns.templates import Template, TemplateKind
from crm_core.access import Role
from crm_core.employees import Employee
from crm_core.ports import Core, Program
from crm_core.segments import Segment

SEED = 20
TEMPLATES = {
    "节日祝福": f"{{称呼}}好！值此佳节，{COMPANY}祝您节日快乐、工作顺利。——{{负责人}}",
    "生日祝福": f"{{称呼}}，生日快乐！{COMPANY}祝您身体健康、事事顺心，感谢一路同行。——{{负责人}}",
    "新品通知": f"{{称呼}}好，{COMPANY}新一代 E5 边缘网关已上市，支持 OPC UA 和远程升级。需要样机请直接回复。",
    "展会回访": f"{{称呼}}好，感谢莅临{COMPANY}展台！选型手册和报价可以直接回复索取，{{负责人}}随时为您服务。",
}
SEGMENTS = {
    "展会来的线索": '{"kind":"lead","query":"展会"}',
    "VIP 客户": '{"level":"vip"}',  # as the chat reads it, leads included
    "全部客户": '{"kind":"customer"}',
    "全部线索": '{"kind":"lead"}',
}


async def is_empty() -> bool:
    """Tell whether nobody works here yet."""
    return not await Employee.all().exists()


async def fill(core: Core, *, channel: str = "wechat", seed: int = SEED) -> None:
    """Put the whole sample company in; one commit."""
    await core.db.run(_fill(core, channel, seed))


def _fill(core: Core, channel: str, seed: int) -> Program[None]:
    draw = Draw(Random(seed), core.clock.now())  # noqa: S311 - the same company every time, no secret
    staff = yield from hire(core, draw.past(least_days=HISTORY_DAYS - 1))
    sellers = [staff[one.staff_id] for one in STAFF if one.role is Role.SALES]
    known = yield from people.meet(core, draw, sellers)
    yield from people.celebrate(draw, known)
    yield from history.tag(draw, known)
    yield from history.follow_up(draw, known)
    yield from history.chat(draw, known, channel)
    yield from history.remind(draw, known)
    # Drawn apart, so that what is bought changes nothing of who is met.
    yield from trade.deal(Random(seed + 1), draw, known)  # noqa: S311 - as above
    yield from trade.aim(draw, sellers)
    yield from trade.say(draw, staff["hl-lin"])
    author = staff["hl-zhou"]
    for name, body in TEMPLATES.items():
        yield from insert(Template, draw.now, name=name, kind=TemplateKind.TEXT.value, body=body, author_id=author)
    for name, conditions in SEGMENTS.items():
        yield from insert(Segment, draw.now, name=name, conditions=conditions, author_id=author)
