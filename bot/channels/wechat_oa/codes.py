"""Makes the tracking codes (带参数二维码) that were asked for; what was asked stands in `crm_core/tracking_codes.py`."""

from datetime import timedelta

import structlog

from bot.channels.wechat_oa.api import ApiRefused, WechatApi
from bot.channels.wechat_oa.outcomes import sentence_of
from bot.httpclient import HttpError
from bot.tokens import TokenError
from crm_core import tracking_codes
from crm_core.ports import Core
from crm_core.tracking_codes import LONGEST, TrackingCode

log = structlog.get_logger(__name__)

_PASSING = frozenset({-1, 45009, 45011})


async def make_wanted(core: Core, channel: str, api: WechatApi) -> list[TrackingCode]:
    """Make every code that is wanted now; one that cannot be made is tried again or told to whoever asked."""
    made = []
    for number, scene, permanent in await core.db.read(tracking_codes.wanted(channel, core.clock.now())):
        code = await _make(core, api, number, scene, permanent=permanent)
        made += [code] if code else []
    return made


async def _make(core: Core, api: WechatApi, number: int, scene: str, *, permanent: bool) -> TrackingCode | None:
    try:
        told = await api.create_code(scene, expire_seconds=None if permanent else int(LONGEST.total_seconds()))
        ticket, url = str(told["ticket"]), str(told.get("url") or "")
    except (ApiRefused, TokenError, HttpError, KeyError) as error:
        errcode = error.errcode if isinstance(error, ApiRefused) else None
        final = errcode is not None and errcode not in _PASSING
        log.warning("code_not_made", code_id=number, errcode=errcode)
        sentence = sentence_of(errcode) if errcode is not None else "暂时连不上平台，请稍后再试"
        reason = f"errcode_{errcode}" if errcode is not None else "no_answer"
        await tracking_codes.failed(core, number, reason, sentence=sentence, final=final)
        return None
    seconds = told.get("expire_seconds")
    lasts = timedelta(seconds=seconds) if isinstance(seconds, int) and not permanent else None
    return await tracking_codes.ready(
        core, number, ticket=ticket, url=url, expires_at=core.clock.now() + lasts if lasts else None
    )
