"""What an answer of the WeChat API means for the message it was about.

Source: error lists of the platform's pages, compiled in protocols.md sections 2.2 and 6 (2026-11).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.channel import SendReceipt, SendStatus
from bot.platform_result import TOKEN_REFUSED, Result
from crm_core.clock import day_bounds, local_day

ADMIN_NEEDED = frozenset({40013, 40125, 40164, 89501, 89503, 89506, 89507})
"""The account's own setting is wrong (id, secret, address not trusted): nothing goes out until an admin mends it."""
_KNOWN_KEY = 45065
_IGNORED = frozenset({0, _KNOWN_KEY, 45080, 45081})
"""Done, or done already: 45065 carries the id of the first send; 45080 and 45081 are about the typing sign."""
_MINUTE = timedelta(seconds=60)
_ADMIN_PAUSE = timedelta(minutes=10)

_PASSING = {-1: "busy", 45011: "minute_quota", 45066: "repeated_too_fast"}
_DAILY = {45009: "daily_quota", 45028: "mass_quota"}
_CLOSED = {45015: "window_closed", 45047: "window_used_up"}
_FINAL = {
    40003: "bad_recipient",
    40007: "media_gone",
    40037: "bad_template",
    40130: "bad_request",
    43004: "not_follower",
    43019: "blacklisted",
    43101: "no_consent",
    44004: "empty_text",
    45002: "text_too_long",
    45094: "blocked_as_penalty",
    45166: "content_refused",
    47003: "bad_argument",
    48001: "no_permission",
    48002: "user_blocked",
}
_MASS_FINAL = {
    40008: "kind_unsupported",
    40031: "bad_recipients",
    40032: "bad_recipients",
    40130: "too_few_recipients",
    45067: "key_too_long",
    45083: "bad_speed",
    45084: "bad_speed",
    48003: "mass_terms_not_accepted",
    48008: "kind_forbidden",
}
API_SENTENCES = {
    -1: "平台繁忙，请稍后再试",
    40003: "平台不认识这个用户",
    40004: "素材类型不对",
    40006: "素材大小不对",
    40007: "素材不存在或已过期",
    40013: "AppID 不对，请检查设置",
    40053: "二维码参数不对",
    40059: "没有这条群发消息",
    40125: "AppSecret 不对，请检查设置",
    40164: "服务器地址不在 IP 白名单里，请在公众平台加上",
    45001: "素材太大",
    45007: "语音太长",
    45009: "今天的调用次数已用完，明天再试",
    45011: "调用太快，请一分钟后再试",
    45028: "群发次数已用完",
    45029: "永久二维码已满十万个",
    45056: "标签已满100个",
    45057: "标签下超过10万人，不能删除",
    45058: "系统标签不能修改",
    45059: "有人身上的标签已满20个",
    45064: "菜单里的小程序没有关联",
    45157: "标签名称已存在",
    45158: "标签名称超过30个字节",
    45159: "没有这个标签",
    46003: "还没有菜单",
    48001: "公众号没有这个接口的权限",
    48003: "还没有在公众平台同意群发协议",
    48006: "本月清零次数已用完（每月10次）",
}
"""What an operator reads about a refused call. Source: protocols.md section 2.2."""


def sentence_of(errcode: int | None) -> str:
    """Say in Chinese why the platform refused a call."""
    if errcode is None:
        return "平台的回答读不懂，请稍后再试"
    if errcode in ADMIN_NEEDED and errcode not in API_SENTENCES:
        return f"服务器地址需要管理员在公众平台确认（{errcode}）"
    if 40015 <= errcode <= 40027 or errcode in (40054, 40055, 45010):
        return f"菜单内容不对（{errcode}）"
    return API_SENTENCES.get(errcode, f"平台拒绝了请求（{errcode}）")


def receipt_of(result: Result, now: datetime) -> SendReceipt:
    """Say what became of a send that was answered."""
    code = result.errcode
    if code in _IGNORED:
        return SendReceipt(SendStatus.SENT, external_id=_message_id(result.fields))
    if code in _CLOSED:
        return SendReceipt(SendStatus.WINDOW_CLOSED, _CLOSED[code])
    setting = _setting_wrong(code, now)
    if setting is not None:
        return setting
    if code in _DAILY:
        # Until midnight in Shanghai: assumed, the platform names no hour.
        return _again(_DAILY[code], day_bounds(local_day(now))[1], pause=True)
    if code in _PASSING:
        return _again(_PASSING[code], None if code == -1 else now + _MINUTE, pause=code == 45011)
    return SendReceipt(SendStatus.REFUSED, _FINAL.get(code, f"errcode_{code}"))


def mass_receipt_of(result: Result, now: datetime) -> SendReceipt:
    """Say what became of a mass call that was answered; its quotas are its own, so they rest nothing else."""
    code = result.errcode
    if code in (0, _KNOWN_KEY):
        return SendReceipt(SendStatus.HANDED_OVER, external_id=_message_id(result.fields))
    setting = _setting_wrong(code, now)
    if setting is not None:
        return setting
    if code in _DAILY:
        return _again(_DAILY[code], day_bounds(local_day(now))[1], pause=False)
    if code in _PASSING:
        return _again(_PASSING[code], None if code == -1 else now + _MINUTE, pause=False)
    return SendReceipt(SendStatus.REFUSED, _MASS_FINAL.get(code) or _FINAL.get(code, f"errcode_{code}"))


def _setting_wrong(code: int, now: datetime) -> SendReceipt | None:
    if code in TOKEN_REFUSED:
        return _again("token", now + _MINUTE, pause=True)
    if code in ADMIN_NEEDED:
        return _again(f"needs_admin_{code}", now + _ADMIN_PAUSE, pause=True)
    return None


def _again(reason: str, at: datetime | None, *, pause: bool) -> SendReceipt:
    return SendReceipt(SendStatus.RETRY, reason, retry_at=at, pause_until=at if pause else None)


def _message_id(fields: Mapping[str, Any]) -> str:
    found = fields.get("msgid") or fields.get("msg_id") or ""
    return str(found)
