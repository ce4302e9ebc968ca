"""Our tags on the platform: a tag of ours becomes one of theirs with the same people, for mass sending by tag."""

from dataclasses import dataclass

from bot.channels.wechat_oa.api import TAGGED_PAGE, WechatApi
from crm_core.errors import Invalid, NotFound
from crm_core.ports import Core, Program
from crm_core.segments import Tag

NAME_BYTES = 30
TAGS = 100
SYSTEM_TAGS = frozenset({0, 1, 2})
"""Source: tag page of the platform, protocols.md section 2.2."""


class TagUnusable(Invalid):
    """The tag cannot be kept on the platform."""

    code = "tag.unusable_on_platform"


@dataclass(frozen=True, slots=True)
class Mirrored:
    """What bringing a tag in line took."""

    tag_id: int
    carriers: int
    added: int
    removed: int


def check_name(name: str) -> str:
    """Give a name the platform takes. Raises: TagUnusable."""
    word = name.strip()
    if not word:
        raise TagUnusable(field="tag", reason="请填写标签名称")
    if len(word.encode()) > NAME_BYTES:
        raise TagUnusable(field="tag", reason=f"「{word}」超过{NAME_BYTES}个字节（一个汉字3个字节）")
    return word


async def ensure_tag(api: WechatApi, name: str) -> int:
    """Give the platform's tag of a name, made if there is none.

    Raises: TagUnusable; ApiRefused, TokenError, NotSent, Unanswered.
    """
    word = check_name(name)
    known = {str(tag.get("name")): int(tag["id"]) for tag in await api.list_tags()}
    if word in known:
        return known[word]
    if len([number for number in known.values() if number not in SYSTEM_TAGS]) >= TAGS:
        raise TagUnusable(field="tag", reason=f"平台上的标签已满{TAGS}个")
    return await api.create_tag(word)


async def mirror(core: Core, channel: str, api: WechatApi, name: str) -> Mirrored:
    """Bring the platform's tag in line with ours: the same people carry it afterwards, as far as they follow.

    Raises: NotFound for a tag we do not have; TagUnusable; ApiRefused, TokenError, NotSent, Unanswered.
    """
    tag = await Tag.get_or_none(name=name.strip())
    if tag is None:
        raise NotFound
    number = await ensure_tag(api, tag.name)
    wanted = await core.db.read(_carriers(channel, tag.id))
    carried: set[str] = set()
    async for page in api.list_tagged(number):
        carried.update(page)
    missing, surplus = sorted(wanted - carried), sorted(carried - wanted)
    for first in range(0, len(missing), TAGGED_PAGE):
        await api.tag_users(number, missing[first : first + TAGGED_PAGE])
    for first in range(0, len(surplus), TAGGED_PAGE):
        await api.untag_users(number, surplus[first : first + TAGGED_PAGE])
    return Mirrored(number, len(wanted), len(missing), len(surplus))


def _carriers(channel: str, tag_id: int) -> Program[set[str]]:
    # Whoever opted out carries no tag there: a mass message by tag asks nobody else.
    rows = yield (
        "SELECT a.external_id FROM taggings t JOIN accounts a ON a.person_id = t.person_id WHERE t.tag_id = ?"
        " AND a.channel = ? AND a.person_kind = 'customer' AND a.followed_at IS NOT NULL AND a.unfollowed_at IS NULL"
        " AND a.opted_out_at IS NULL",
        (tag_id, channel),
    )
    return {str(openid) for (openid,) in rows}
