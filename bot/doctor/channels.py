"""Each configured channel: its callback address by the platform's own handshake, its token, its quota."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from bot.crypto import Envelope, sign, sign_dingtalk
from bot.doctor.callbacks import Handshake, ask_callback
from bot.doctor.findings import Finding, bad, doubtful, good, unseen
from bot.doctor.platforms import DINGTALK, WECHAT, WECOM, Sayings, told
from bot.httpclient import Answer, HttpClient, NotSent, Unanswered
from crm_core.clock import Clock

NONCE = "guanxidoctor"
ECHO = "4123456789"
QUOTA_TIGHT = 0.1
"""Of the day's calls left, less than which is told."""


@dataclass(frozen=True, slots=True)
class Examiner:
    """What a look at a channel needs."""

    name: str
    settings: Any
    http: HttpClient
    clock: Clock
    public_url: str

    @property
    def callback(self) -> str:
        """The address the platform was given."""
        return f"{self.public_url.rstrip('/')}/hook/{self.name}"

    def subject(self, what: str) -> str:
        """Name what is looked at."""
        return f"{self.name} {what}"

    def stamp(self) -> str:
        """Give the time of now in seconds, as the platforms write it."""
        return str(int(self.clock.now().timestamp()))

    async def ask(self, handshake: Handshake) -> Finding:
        """Play a handshake against the own address."""
        return await ask_callback(self.http, self.callback, self.subject("回调"), handshake, self.clock.monotonic)

    async def token(self, sayings: Sayings, call: Awaitable[Answer], what: str = "凭证") -> tuple[Finding, str]:
        """Judge a call for a token."""
        try:
            return told(self.subject(what), sayings, await call)
        except (NotSent, Unanswered) as error:
            return sayings.unreachable(self.subject(what), error), ""


async def wechat_oa(about: Examiner) -> AsyncIterator[Finding]:
    """Look at an Official Account."""
    settings, stamp = about.settings, about.stamp()
    signature = sign(settings.token.reveal(), stamp, NONCE)
    asked = {"signature": signature, "timestamp": stamp, "nonce": NONCE, "echostr": ECHO}
    yield await about.ask(Handshake(asked, wanted=ECHO))
    payload = {
        "grant_type": "client_credential",
        "appid": settings.app_id,
        "secret": settings.app_secret.reveal(),
        "force_refresh": False,
    }
    found, token = await about.token(WECHAT, about.http.post(f"{settings.api_base}/cgi-bin/stable_token", payload))
    yield found
    yield await _wechat_quota(about, token)


async def _wechat_quota(about: Examiner, token: str) -> Finding:
    subject = about.subject("额度")
    if not token:
        return unseen(subject, "没有凭证，查不到")
    url = f"{about.settings.api_base}/cgi-bin/openapi/quota/get"
    try:
        answer = await about.http.post(url, {"cgi_path": "/cgi-bin/message/custom/send"}, params={"access_token": token})
    except (NotSent, Unanswered) as error:
        return WECHAT.unreachable(subject, error)
    quota = (answer.json() or {}).get("quota")
    if not isinstance(quota, dict):
        return unseen(subject, "平台没有给出客服消息的额度")
    limit, left = int(quota.get("daily_limit", 0)), int(quota.get("remain", 0))
    if limit and left < limit * QUOTA_TIGHT:
        return doubtful(subject, f"今天的客服消息只剩 {left}/{limit}", "把群发排到明天，或在公众平台清零")
    return good(subject, f"客服消息今天还剩 {left}/{limit}")


def _wecom_handshake(about: Examiner) -> Handshake:
    settings, stamp = about.settings, about.stamp()
    envelope = Envelope(settings.token, settings.aes_key, settings.corp_id)
    sealed = envelope.encrypt(ECHO)
    signature = envelope.sign(stamp, NONCE, sealed)
    return Handshake({"msg_signature": signature, "timestamp": stamp, "nonce": NONCE, "echostr": sealed}, wanted=ECHO)


async def _wecom_token(about: Examiner, secret: str, what: str = "凭证") -> tuple[Finding, str]:
    params = {"corpid": about.settings.corp_id, "corpsecret": secret}
    return await about.token(WECOM, about.http.get(f"{about.settings.api_base}/cgi-bin/gettoken", params=params), what)


async def _wecom_call(about: Examiner, path: str, token: str, what: str, params: dict[str, str]) -> Finding:
    """Make a harmless call: the trusted address and the rights of an application show only there."""
    subject = about.subject(what)
    if not token:
        return unseen(subject, "没有凭证，查不到")
    try:
        answer = await about.http.get(f"{about.settings.api_base}{path}", params={"access_token": token, **params})
    except (NotSent, Unanswered) as error:
        return WECOM.unreachable(subject, error)
    fields = answer.json() or {}
    code = fields.get("errcode", 0)
    return good(subject) if not code else WECOM.judge(subject, code, str(fields.get("errmsg", "")))


async def wecom(about: Examiner) -> AsyncIterator[Finding]:
    """Look at a WeCom application and at customer contact."""
    settings = about.settings
    yield await about.ask(_wecom_handshake(about))
    found, token = await _wecom_token(about, settings.secret.reveal())
    yield found
    yield await _wecom_call(about, "/cgi-bin/agent/get", token, "应用", {"agentid": str(settings.agent_id)})
    contact = token
    if settings.has_own_contact_secret:
        found, contact = await _wecom_token(about, settings.contact_secret.reveal(), "客户联系凭证")
        yield found
    yield await _wecom_call(about, "/cgi-bin/externalcontact/get_follow_user_list", contact, "客户联系", {})


async def wecom_kf(about: Examiner) -> AsyncIterator[Finding]:
    """Look at a customer-service account."""
    settings = about.settings
    yield await about.ask(_wecom_handshake(about))
    found, token = await _wecom_token(about, settings.secret.reveal())
    yield found
    subject = about.subject("客服账号")
    if not token:
        yield unseen(subject, "没有凭证，查不到")
        return
    url = f"{settings.api_base}/cgi-bin/kf/account/list"
    try:
        answer = await about.http.post(url, {"offset": 0, "limit": 100}, params={"access_token": token})
    except (NotSent, Unanswered) as error:
        yield WECOM.unreachable(subject, error)
        return
    fields = answer.json() or {}
    if fields.get("errcode"):
        yield WECOM.judge(subject, fields["errcode"], str(fields.get("errmsg", "")))
    elif settings.open_kfid not in {each.get("open_kfid") for each in fields.get("account_list", [])}:
        yield bad(subject, f"企业里没有客服账号 {settings.open_kfid}", "核对 open_kfid：管理后台 → 微信客服")
    else:
        yield good(subject)


async def dingtalk(about: Examiner) -> AsyncIterator[Finding]:
    """Look at a DingTalk robot: over HTTP its callback, over Stream the way to the platform."""
    settings = about.settings
    if settings.receive == "stream":
        yield await _stream(about)
    else:
        stamp = str(int(about.clock.now().timestamp() * 1000))
        headers = {"timestamp": stamp, "sign": sign_dingtalk(stamp, settings.client_secret)}
        # Signed and empty: believed, then refused as unreadable, and nothing is stored.
        yield await about.ask(Handshake({}, headers=headers, body={}))
    payload = {"appKey": settings.client_id, "appSecret": settings.client_secret.reveal()}
    found, _ = await about.token(DINGTALK, about.http.post(f"{settings.api_base}/v1.0/oauth2/accessToken", payload))
    yield found


async def _stream(about: Examiner) -> Finding:
    """Ask for a connection and do not use it."""
    settings, subject = about.settings, about.subject("Stream")
    payload = {
        "clientId": settings.client_id,
        "clientSecret": settings.client_secret.reveal(),
        "subscriptions": [{"type": "CALLBACK", "topic": "/v1.0/im/bot/messages/get"}],
        "ua": "guanxi-doctor",
    }
    try:
        answer = await about.http.post(f"{settings.api_base}/v1.0/gateway/connections/open", payload)
    except (NotSent, Unanswered) as error:
        return DINGTALK.unreachable(subject, error)
    fields = answer.json() or {}
    if fields.get("endpoint") and fields.get("ticket"):
        return good(subject, "可以建立连接")
    return DINGTALK.judge(subject, fields.get("code", answer.status), json.dumps(fields, ensure_ascii=False))


EXAMINED: dict[str, Callable[[Examiner], AsyncIterator[Finding]]] = {
    "wechat_oa": wechat_oa,
    "wecom": wecom,
    "wecom_kf": wecom_kf,
    "dingtalk": dingtalk,
}
