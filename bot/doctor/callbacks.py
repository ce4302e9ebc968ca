"""The own callback address, asked as the platform would: from outside, by its public name."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.doctor.findings import Finding, bad, doubtful, good
from bot.httpclient import Answer, HttpClient, NotSent, Unanswered

SLOW_SECONDS = 1.0
"""WeCom hangs up on a verification after 1 s."""
_KINDS_OF_FAILURE = (
    ("Certificate", "HTTPS 证书无效或过期", "更换证书（证书须含中间证书）"),
    ("SSL", "HTTPS 握手失败", "检查证书和 nginx 的 ssl 设置，端口 443 需要 HTTPS"),
    ("DNS", "域名解析不到", "检查域名解析，或 [server] public_url 的拼写"),
    ("Timeout", "连接超时", "开放防火墙和安全组的 80/443 端口"),
    ("", "连接被拒绝", "确认 guanxi serve 和 nginx 都在运行，端口与 [server] port 一致"),
)


@dataclass(frozen=True, slots=True)
class Handshake:
    """What the platform would send to the callback, and what it would want to hear."""

    params: Mapping[str, str]
    wanted: str | None = None
    """The whole answer; None: any answer of status 200 or 400 shows that the signature was believed."""
    headers: Mapping[str, str] | None = None
    body: object = None


def failure_of(error: NotSent | Unanswered) -> tuple[str, str]:
    """Say why a call did not come back: cause and mend."""
    word = str(error).rpartition(": ")[2]
    if isinstance(error, Unanswered):
        return "连上了但没有完整应答", "检查 nginx 的转发设置和 guanxi 的日志"
    return next((cause, mend) for part, cause, mend in _KINDS_OF_FAILURE if part in word)


async def ask_callback(
    http: HttpClient, url: str, subject: str, handshake: Handshake, monotonic: Callable[[], float]
) -> Finding:
    """Play a handshake against the public callback address and judge the answer."""
    begun = monotonic()
    try:
        if handshake.body is None:
            answer = await http.get(url, params=handshake.params, headers=handshake.headers)
        else:
            answer = await http.post(url, handshake.body, params=handshake.params, headers=handshake.headers)
    except (NotSent, Unanswered) as error:
        cause, mend = failure_of(error)
        return bad(subject, f"{url} {cause}", mend)
    found = _judge(url, subject, handshake, answer)
    if found is None:
        took = monotonic() - begun
        if took > SLOW_SECONDS:
            return doubtful(subject, f"应答用了 {took:.1f} 秒", "企业微信校验须在 1 秒内；检查网络和机器负载")
        return good(subject, url)
    return found


def _judge(url: str, subject: str, handshake: Handshake, answer: Answer) -> Finding | None:
    text = answer.body.decode("utf-8", "replace")
    if handshake.wanted is None:
        if answer.status in (200, 400):
            return None
    elif answer.status == 200 and text == handshake.wanted:
        return None
    if answer.status == 403:
        return bad(subject, "签名不被接受", "正在运行的 serve 用的是另一套密钥：核对环境变量后重启")
    if answer.status == 404:
        return bad(subject, f"{url} 没有这个地址", "核对 [channels.名称] 的名称和 nginx 的转发路径 /hook/")
    if answer.status in (301, 302, 307, 308):
        return bad(subject, "地址会跳转，平台不会跟随", "让 [server] public_url 直接写最终的 https 地址")
    if answer.status in (502, 503, 504):
        return bad(subject, f"网关返回 {answer.status}", "guanxi serve 没有运行，或 nginx 的转发端口不对")
    if answer.status == 200 and re.search(r"<html", text, re.IGNORECASE):
        return bad(subject, "得到的是一个网页，不是 guanxi 的应答", "public_url 指向了别的网站，检查 nginx 的 server_name")
    return bad(subject, f"应答不对（{answer.status}）", "检查 nginx 是否改动了请求参数或内容")
