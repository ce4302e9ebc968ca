"""All looks in order, one finding after the other; none of them can stop the rest."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta

import structlog

from bot.config import Settings
from bot.doctor import house
from bot.doctor.channels import EXAMINED, Examiner
from bot.doctor.findings import Finding, bad, doubtful, good, unseen
from bot.httpclient import HttpClient, NotSent, Unanswered
from bot.settings import has_callback
from crm_core.clock import Clock

log = structlog.get_logger(__name__)
SKEW_BAD = timedelta(minutes=5)
"""Signatures older than this are refused, by the platforms and by us."""
SKEW_DOUBTFUL = timedelta(seconds=30)
CALL_WITHIN = timedelta(seconds=6)
CONNECT_WITHIN = timedelta(seconds=3)


async def examine(settings: Settings, clock: Clock) -> AsyncIterator[Finding]:
    """Look at everything these settings need."""
    yield house.folders(settings)
    yield house.disk(settings)
    yield house.fonts()
    async for finding in _guarded("数据库", lambda: house.database(settings, clock)):
        yield finding
    found = await house.redis(settings)
    if found is not None:
        yield found
    async with HttpClient(connect_within=CONNECT_WITHIN, answer_within=CALL_WITHIN) as http:
        yield _address(settings)
        async for finding in _clocks(settings, http, clock):
            yield finding
        for name, (kind, own) in settings.channels.items():
            about = Examiner(name, own, http, clock, settings.server.public_url or _own_address(settings))
            looks = EXAMINED.get(kind)
            if looks is not None:
                async for finding in _guarded(name, lambda looks=looks, about=about: looks(about)):  # type: ignore[misc]
                    yield finding
    if not settings.channels:
        mend = "在 [channels.名称] 里写 enabled = true，没有这一节就按 docs/setup/ 添加"
        yield doubtful("渠道", "还没有启用任何渠道", mend)


async def _guarded(subject: str, looks: Callable[[], AsyncIterator[Finding]]) -> AsyncIterator[Finding]:
    try:
        async for finding in looks():
            yield finding
    except Exception as error:
        log.exception("doctor_failed", subject=subject)
        yield bad(subject, f"检查时出错（{type(error).__name__}）", "请把日志发给维护者")


def _own_address(settings: Settings) -> str:
    return f"http://{settings.server.host}:{settings.server.port}"


def _address(settings: Settings) -> Finding:
    """Look at the address the platforms are given."""
    url = settings.server.public_url
    if not url and not settings.channels:
        return unseen("公网地址", "没有设置，启用渠道后再看")
    if not url and not any(has_callback(own) for _, own in settings.channels.values()):
        return good("公网地址", "没有设置，启用的渠道都不需要")
    if not url:
        return bad("公网地址", "没有设置", "在 [server] public_url 写上平台能访问的 https 地址")
    if settings.server.is_public_on_loopback:
        return doubtful("公网地址", f"{url} 只在本机可达", "正式使用请换成公网的 https 地址")
    if not url.startswith("https://"):
        return doubtful("公网地址", f"{url} 不是 https", "平台要求或强烈建议 https，见 deploy/nginx.conf")
    return good("公网地址", url)


async def _clocks(settings: Settings, http: HttpClient, clock: Clock) -> AsyncIterator[Finding]:
    """Compare this machine's clock with that of the first platform that tells its own."""
    for _, own in settings.channels.values():
        base = getattr(own, "api_base", "")
        if not base:
            continue
        try:
            theirs = await http.clock_of(base)
        except (NotSent, Unanswered):
            continue  # the token's own line says so
        if theirs is not None:
            yield _skew(clock.now(), theirs)
            return


def _skew(mine: datetime, theirs: datetime) -> Finding:
    off = mine - theirs
    words = f"{'快' if off > timedelta() else '慢'}了 {abs(int(off.total_seconds()))} 秒"
    if abs(off) > SKEW_BAD:
        return bad("时钟", f"本机{words}，签名会被拒绝", "打开时间同步：timedatectl set-ntp true")
    if abs(off) > SKEW_DOUBTFUL:
        return doubtful("时钟", f"本机{words}", "打开时间同步：timedatectl set-ntp true")
    return good("时钟", f"与平台相差 {abs(off.total_seconds()):.0f} 秒")
