"""What each phone suggests to say next, and how far the tour is: pure functions of what has happened."""

from dataclasses import dataclass
from typing import Literal

from bot.demo.stage import ON_PHONES

Action = Literal["say", "follow", "scan", "unfollow", "greet"]
BOOTH = "展会"
"""The scene of the QR code at the booth."""


@dataclass(frozen=True, slots=True)
class Chip:
    """One suggestion above a typing box. `main` is the one that leads on."""

    label: str
    action: Action = "say"
    text: str = ""
    main: bool = False


@dataclass(frozen=True, slots=True)
class Situation:
    """What the suggestions depend on."""

    follows: bool = False
    wrote: bool = False
    opted_out: bool = False
    lead: str = ""
    owner: str = ""
    followed_up: bool = False
    reminder_at: str = ""
    """When the next reminder rings, in words; empty without one."""
    reminder_soon: bool = False
    """Whether it rings soon enough to be waited for."""
    reminded: bool = False
    listed: bool = False
    """Whether the salesperson has the list of what is to be done before them."""
    greeted: bool = False
    asked: frozenset[str] = frozenset()
    """The phones on which the product waits for a yes or no."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the tour. `phone` is where it happens."""

    key: str
    title: str
    hint: str
    phone: str
    done: bool


def steps(now: Situation) -> list[Step]:
    """List the five steps of the tour with what to do for each."""
    lead = now.lead or "新线索"
    return [
        Step("follow", "客户关注", "在左边的微信里点「扫展会二维码关注」", "customer", bool(now.lead)),
        Step("claim", "领取线索", f"小王收到了新线索，点「领取 {lead}」", "hl-wang", bool(now.owner)),
        Step("follow_up", "一句话跟进", "让小王用一句话记下刚才的电话", "hl-wang", now.followed_up),
        Step("remind", "到点提醒", _remind_hint(now), "hl-wang", now.reminded),
        Step("greet", "节日祝福", "在主管的手机上点「发节日祝福」，先看名单再批准", "hl-lin", now.greeted),
    ]


def _remind_hint(now: Situation) -> str:
    ask = "点「一分钟后提醒我…」，看它准点响起"
    if not now.reminder_at:
        return ask
    if now.reminder_soon:
        return f"提醒已设好，{now.reminder_at}会响，也可以先做下一步"
    return f"已设的提醒{now.reminder_at}才响；{ask}"


def chips(now: Situation) -> dict[str, list[Chip]]:
    """Give the suggestions of every phone."""
    current = next((step.key for step in steps(now) if not step.done), "")
    sales, rival = ON_PHONES[0], ON_PHONES[1]
    found = {
        "customer": _of_customer(now),
        sales: _of_sales(now, current),
        rival: _of_rival(now),
        "hl-lin": _of_manager(now, current),
        "hl-zhou": [_greet(now, current), _say("中秋给所有VIP发祝福"), _say("生日当天早上9点给VIP发祝福"), _say("帮助")],
    }
    return found | dict.fromkeys(now.asked, _YES_NO)


def _greet(now: Situation, current: str) -> Chip:
    # While a reminder is on its way nobody has to wait for it.
    return Chip(
        "发节日祝福", "greet", main=current == "greet" or (current == "remind" and now.reminder_soon and not now.greeted)
    )


def _say(words: str, *, main: bool = False) -> Chip:
    return Chip(words, text=words, main=main)


_YES_NO = [_say("是"), _say("否"), _say("取消")]


def _of_customer(now: Situation) -> list[Chip]:
    if not now.follows:
        return [Chip("扫展会二维码关注", "follow", BOOTH, main=not now.lead), Chip("直接关注公众号", "follow")]
    if now.opted_out:
        return [_say("最近有新品吗？"), Chip("取消关注", "unfollow")]
    return [
        _say("你们的网关怎么卖？", main=not now.wrote),
        _say("能先寄样机吗？"),
        Chip("再扫一次", "scan", BOOTH),
        _say("退订"),
        Chip("取消关注", "unfollow"),
    ]


def _of_sales(now: Situation, current: str) -> list[Chip]:
    if not now.lead:
        return [_say("公海"), _say("今天要做什么"), _say("看下张伟的资料"), _say("帮助")]
    if not now.owner:
        return [_say(f"领取 {now.lead}", main=True), _say("公海"), _say("帮助")]
    told = f"刚和{now.lead}通了电话，想要20台网关，预算15万，下周三下午三点再联系"
    remind = f"一分钟后提醒我给{now.lead}发报价"
    found = [Chip("记一条跟进：刚通了电话…", text=told, main=current == "follow_up")] if not now.followed_up else []
    if now.followed_up and not now.reminder_soon and not now.reminded:
        found.append(Chip("一分钟后提醒我发报价", text=remind, main=current == "remind"))
    todo = _say("第1条完成了" if now.listed else "今天要做什么")
    return [*found, todo, _say(f"看下{now.lead}的资料"), _say("撤销")]


def _of_rival(now: Situation) -> list[Chip]:
    first = [_say(f"领取 {now.lead}")] if now.lead else []
    return [*first, _say("公海"), _say("今天要做什么"), _say("帮助")]


def _of_manager(now: Situation, current: str) -> list[Chip]:
    known = [_say(f"看下{now.lead}的资料")] if now.lead else [_say("看下张伟的资料")]
    return [_greet(now, current), *known, _say("元旦给所有VIP发祝福"), _say("帮助")]
