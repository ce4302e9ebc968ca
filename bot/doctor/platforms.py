"""What the platforms say when they are asked for a token, each code with its mend."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bot.doctor.callbacks import failure_of
from bot.doctor.findings import Finding, bad, good
from bot.httpclient import Answer, NotSent, Unanswered

_WECHAT = {
    40013: ("AppID 不对", "核对 app_id：公众平台 → 设置与开发 → 基本配置"),
    40125: ("AppSecret 不对", "重置 AppSecret 后更新环境变量"),
    40001: ("AppSecret 不对", "重置 AppSecret 后更新环境变量"),
    40164: ("本机的公网 IP 不在白名单", "公众平台 → 基本配置 → IP 白名单，加入{ip}"),
    89501: ("调用 IP 正等待管理员确认", "请公众号管理员在微信里确认"),
    89503: ("调用 IP 需要管理员确认", "请公众号管理员在微信里确认"),
    89506: ("管理员拒绝了本机 IP，24 小时内不能再试", "与公众号管理员确认后再试"),
    89507: ("管理员拒绝了本机 IP，1 小时内不能再试", "与公众号管理员确认后再试"),
    45009: ("今天的调用次数用完了", "等到明天，或在公众平台清零"),
    45011: ("调用太频繁", "一分钟后再试"),
    50002: ("公众号被冻结", "登录公众平台查看通知"),
}
_WECOM = {
    40001: ("Secret 不对", "核对应用的 Secret：管理后台 → 应用管理"),
    40013: ("企业 ID 不对", "核对 corp_id：管理后台 → 我的企业"),
    40091: ("Secret 不对", "核对应用的 Secret：管理后台 → 应用管理"),
    60020: ("本机的公网 IP 不在可信 IP 里", "管理后台 → 应用 → 企业可信 IP，加入{ip}"),
    50001: ("回调域名没有设为可信", "管理后台 → 应用 → 网页授权及 JS-SDK，填写可信域名"),
    301002: ("没有权限使用这个应用", "核对 agent_id 与 Secret 是否同一个应用"),
    48002: ("应用没有这个接口的权限", "管理后台 → 客户联系或微信客服 → API，勾选这个应用"),
    45009: ("调用太频繁", "一小时后再试"),
    95000: ("open_kfid 不对", "核对 open_kfid：管理后台 → 微信客服"),
}
_DINGTALK = {
    "invalidClientIdOrSecret": ("ClientID 或 ClientSecret 不对", "核对：开放平台 → 应用 → 凭证与基础信息"),
    "InvalidAuthentication": ("ClientID 或 ClientSecret 不对", "核对：开放平台 → 应用 → 凭证与基础信息"),
    "40001": ("ClientSecret 不对", "核对：开放平台 → 应用 → 凭证与基础信息"),
    "40089": ("ClientID 或 ClientSecret 不对", "核对：开放平台 → 应用 → 凭证与基础信息"),
    "Forbidden.AccessDenied.IpNotInWhiteList": ("本机的公网 IP 不在白名单", "开放平台 → 应用 → 安全设置 → 服务器出口 IP"),
    "60020": ("本机的公网 IP 不在白名单", "开放平台 → 应用 → 安全设置 → 服务器出口 IP"),
    "Forbidden.AccessDenied.ApiCountLimitForOrg": ("本月的接口次数用完了", "升级钉钉版本或等到下月"),
    "90020": ("本月的接口次数用完了", "升级钉钉版本或等到下月"),
    "90018": ("调用太频繁", "稍后再试"),
}


@dataclass(frozen=True, slots=True)
class Sayings:
    """The codes of one platform, and who it is."""

    name: str
    codes: Mapping[object, tuple[str, str]]

    def judge(self, subject: str, code: object, message: str) -> Finding:
        """Say what a refusal means."""
        cause, mend = self.codes.get(code, (f"{self.name}拒绝了（{code}）", "按错误码查看平台文档"))
        return bad(subject, cause, mend.format(ip=_address_in(message)))

    def unreachable(self, subject: str, error: NotSent | Unanswered) -> Finding:
        """Say why the platform could not be asked."""
        cause, _ = failure_of(error)
        return bad(subject, f"连不上{self.name}：{cause}", "检查本机能否访问外网、api_base 的拼写和代理")


WECHAT = Sayings("微信", _WECHAT)  # type: ignore[arg-type]
WECOM = Sayings("企业微信", _WECOM)  # type: ignore[arg-type]
DINGTALK = Sayings("钉钉", _DINGTALK)  # type: ignore[arg-type]


def _address_in(message: str) -> str:
    """Find the address the platform saw in its message; it knows it better than this machine does."""
    found = re.search(r"\d{1,3}(?:\.\d{1,3}){3}", message)
    return f" {found[0]}" if found else "本机的公网 IP"


def told(subject: str, sayings: Sayings, answer: Answer) -> tuple[Finding, str]:
    """Judge the answer to a call for a token (old form: errcode; new: a status and a code); gives the token too."""
    fields = answer.json()
    if fields is None:
        return bad(subject, f"{sayings.name}的应答不是 JSON（{answer.status}）", "api_base 指向了别的地址，或中间有代理"), ""
    token = str(fields.get("access_token") or fields.get("accessToken") or "")
    if token:
        return good(subject), token
    code = fields.get("errcode", fields.get("code"))
    return sayings.judge(subject, code, str(fields.get("errmsg") or fields.get("message") or "")), ""
