"""Tags, segments and profiles in words: 打标签, 人群, 为什么, 画像, 标签规则."""

from crm_core import access, explaining, profiles, rule_tagging, searching, segments, tagging
from crm_core.access import Role
from crm_core.activities import Subject
from crm_core.customers import Contact
from crm_core.errors import NoneFound, NotFound
from crm_core.segments import Segment, selection_of
from handlers import replies
from handlers.replies import Reply, Undo
from handlers.router import EVERYBODY, MARKETING, ChatContext, command
from handlers.understanding.names import is_company

MOST = 20
TAGGING = frozenset({Role.SALES, Role.MANAGER, Role.MARKETER, Role.ADMIN})
SEGMENTING = frozenset(Role)


async def undo_tags(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Take back what was tagged last: put on becomes taken off, and the other way round."""
    person_id, on, *tag_ids = ids
    names = [tag.name for tag in await segments.Tag.filter(id__in=tag_ids).order_by("id")]
    if on:
        await segments.remove_tags(ctx.core, ctx.actor, person_id, names)
    else:
        await segments.add_tags(ctx.core, ctx.actor, person_id, names)
    return replies.text(f"已撤销：标签{'、'.join(names)}")


@command(intent="tag_contact", usage="给张伟打上VIP标签", roles=TAGGING, undo=("tags.changed", undo_tags))
async def tag_contact(ctx: ChatContext) -> Reply:
    """给客户打标签、去标签"""
    person_id, name = await _person(ctx)
    said = ctx.slots.get("tags")
    names = [str(tag) for tag in said] if isinstance(said, list) else [ctx.slot("tags")]
    before = set(await segments.tags_of(person_id))
    if ctx.slots.get("remove"):
        left = await tagging.take_off(ctx.core, ctx.actor, person_id, names)
        changed, verb = before - set(left), "已去掉"
    else:
        left = await segments.add_tags(ctx.core, ctx.actor, person_id, names)
        changed, verb = set(left) - before, "已打上"
    if not changed:
        return replies.text(f"{name}的标签没有变化：{'、'.join(left) or '没有标签'}")
    ids = [int(tag.id) for tag in await segments.Tag.filter(name__in=list(changed)).order_by("id")]
    undo = Undo("tags.changed", (person_id, int(not ctx.slots.get("remove")), *ids))
    return replies.text(f"{verb}{'、'.join(sorted(changed))}。{name}现在的标签：{'、'.join(left) or '没有标签'}", undo)


async def _person(ctx: ChatContext) -> tuple[int, str]:
    subject = await ctx.pick_subject()
    if subject is None:
        raise NoneFound(what=f"「{(ctx.slot('person') or ctx.slot('company'))[:16]}」")
    return await _person_of(ctx, subject), subject.name


async def _person_of(ctx: ChatContext, subject: Subject) -> int:
    if subject.person_id is not None:
        return subject.person_id
    contacts = await access.visible(Contact, ctx.actor).filter(customer_id=subject.id).order_by("id").limit(9)
    if not contacts:
        raise NotFound
    if len(contacts) > 1:
        options = [(f"{each.name}（{each.title or '联系人'}）", f"contact:{each.id}") for each in contacts]
        raise ctx.ask_choice("是哪位联系人？请回复序号：", options, slot="subject")
    return int(contacts[0].person_id)


@command(intent="show_profile", usage="画像 张伟", roles=EVERYBODY, phrases=("画像", "客户画像"))
async def show_profile(ctx: ChatContext) -> Reply:
    """看客户画像，每行注明出处"""
    name = ctx.slot("words")
    if not name and "subject" not in ctx.slots:
        return replies.text("请说是谁，例如：画像 张伟")
    ctx.slots.setdefault("company" if is_company(name) else "person", name)
    subject = await ctx.pick_subject()
    if subject is None:
        return replies.text(f"没有找到「{name}」。")
    number = await _person_of(ctx, subject)
    card = await profiles.profile(ctx.core, ctx.actor, number, others_read=ctx.message.in_group)
    return replies.record(f"【{card.name}】画像", [(line.label, f"{line.value} ［{line.source}］") for line in card.lines])


@command(intent="show_segments", usage="人群", roles=SEGMENTING, phrases=("人群", "分群"), reads=True)
async def show_segments(ctx: ChatContext) -> Reply:
    """看人群和里面的人"""
    access.require(ctx.actor, "segments:read")
    words = ctx.slot("words")
    if words:
        return await _members(ctx, await _segment(ctx, words))
    found = await access.visible(Segment, ctx.actor).order_by("-id").limit(MOST)
    if not found:
        return replies.text("还没有人群。先搜索，再说：存为人群 名称")
    lines = [f"#{each.id} {each.name}：{explaining.describe(explaining.conditions_of(each))}" for each in found]
    return replies.text("\n".join(["人群：", *lines, "发“人群 名称”看里面的人"]))


async def _segment(ctx: ChatContext, words: str) -> Segment:
    number = words.removeprefix("#")
    query = access.visible(Segment, ctx.actor)
    if number.isdecimal() and len(number) < 18:
        return await access.load(Segment, ctx.actor, int(number))
    found = await query.filter(name=words).order_by("-id").first()
    found = found or await query.filter(name__icontains=words).order_by("-id").first()
    if found is None:
        raise NotFound
    return found


async def _members(ctx: ChatContext, segment: Segment) -> Reply:
    selection = selection_of(segment, ctx.actor)
    count = await segments.count_people(ctx.core, selection)
    lines = []
    if access.may(ctx.actor, "leads:read"):
        found = await searching.search_selection(ctx.core, ctx.actor, selection, limit=10)
        lines = [f"{hit.name}{f'（{hit.company}）' if hit.company else ''}" for hit in found.hits]
    condition = explaining.describe(explaining.conditions_of(segment))
    return replies.numbered(
        f"人群「{segment.name}」现有{count}人（{condition}）：", lines, f"发“为什么 姓名 {segment.name}”看原因"
    )


@command(intent="explain_segment", usage="为什么 张伟 北京制造业", roles=SEGMENTING, phrases=("为什么",))
async def explain_segment(ctx: ChatContext) -> Reply:
    """看某人为什么在这个人群"""
    access.require(ctx.actor, "segments:read")
    name, _, which = ctx.slot("words").partition(" ")
    if "subject" not in ctx.slots and not (name and which.strip()):
        return replies.text("请说是谁、哪个人群，例如：为什么 张伟 北京制造业")
    ctx.slots.setdefault("segment_words", which.strip())
    ctx.slots.setdefault("company" if is_company(name) else "person", name)
    number, _ = await _person(ctx)
    told = await explaining.why(ctx.core, ctx.actor, await _segment(ctx, ctx.slot("segment_words")), number)
    head = f"{told.person}{'在' if told.selected else '不在'}人群「{told.segment}」："
    lines = [reason.line() for reason in told.reasons] or ["✓ 没有条件，人人都在"]
    return replies.text("\n".join([head, *lines]))


@command(intent="show_tag_rules", usage="标签规则", roles=EVERYBODY, phrases=("标签规则",), reads=True)
async def show_tag_rules(ctx: ChatContext) -> Reply:
    """看系统标签的规则"""
    access.require(ctx.actor, "tags:read")
    states = await rule_tagging.rule_states(ctx.core)
    if not states:
        return replies.text("还没有标签规则，可在 config.toml 的 [[tags.rules]] 里设置。")
    now = ctx.core.clock.now()
    lines = [
        f"{rule.name}：{explaining.describe(rule.condition)}，{count}人，"
        + (f"{replies.when(at, now)}全量运行" if at else "还没有运行")
        for rule, count, at in states
    ]
    return replies.text("\n".join(["标签规则：", *lines, "发“运行标签规则 名称”立即运行"]))


@command(intent="run_tag_rule", usage="运行标签规则 高意向", roles=MARKETING, phrases=("运行标签规则",))
async def run_tag_rule(ctx: ChatContext) -> Reply:
    """立即运行一条标签规则"""
    name = ctx.slot("words")
    if not name:
        return replies.text("请说规则名，例如：运行标签规则 高意向")
    done = await rule_tagging.run_rule(ctx.core, ctx.actor, name)
    return replies.text(f"标签「{done.name}」：新打上{done.set_count}人，取下{done.taken_count}人；手动打的不受影响。")
