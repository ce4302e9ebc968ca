"""A process that makes many calls with one token at once: `python token_caller.py DATABASE BASE WAY FIRST COUNT`.

It says `ready`, waits for a line, makes its calls and writes what became of them; then again, until its input ends.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bot.bench.load import openid_of
from bot.httpclient import Answer, HttpClient
from bot.logs import configure
from bot.models import MODEL_MODULES
from bot.simulator import DingTalkApp, WeChatAccount, WeComCorp
from bot.stored_tokens import StoredTokens
from bot.tokens import Token, TokenError, TokenKeeper
from crm_core.clock import SystemClock
from crm_core.db import Database, DatabaseSettings
from crm_core.outbox import DatabaseOutbox
from crm_core.ports import Core
from crm_core.state import DatabaseState


class Way:
    """One platform's calls for a token, and one call that needs it. The classic call ends the token before."""

    def __init__(self, name: str, base: str, http: HttpClient) -> None:
        self.base = base
        self.http = http
        self.fetch: Callable[[bool], Awaitable[Token]] = getattr(self, f"_fetch_{name}")
        self.send: Callable[[str, int], Awaitable[Answer]] = getattr(self, f"_send_{name.removesuffix('_classic')}")

    @staticmethod
    def is_refused(answer: Answer) -> bool:
        fields = answer.json() or {}
        return fields.get("errcode") in (40001, 40014, 42001) or fields.get("code") == "InvalidAuthentication"

    async def _fetch_wechat_classic(self, force: bool) -> Token:
        account = WeChatAccount()
        query = {"grant_type": "client_credential", "appid": account.app_id, "secret": account.app_secret}
        return _token(await self.http.get(f"{self.base}/cgi-bin/token", params=query), "access_token", "expires_in")

    async def _fetch_wechat(self, force: bool) -> Token:
        account = WeChatAccount()
        body = {
            "grant_type": "client_credential",
            "appid": account.app_id,
            "secret": account.app_secret,
            "force_refresh": force,
        }
        return _token(await self.http.post(f"{self.base}/cgi-bin/stable_token", body), "access_token", "expires_in")

    async def _send_wechat(self, token: str, number: int) -> Answer:
        body = {"touser": openid_of(number), "msgtype": "text", "text": {"content": "好"}}
        return await self.http.post(f"{self.base}/cgi-bin/message/custom/send", body, params={"access_token": token})

    async def _fetch_wecom(self, force: bool) -> Token:
        corp = WeComCorp()
        query = {"corpid": corp.corp_id, "corpsecret": corp.secret}
        return _token(await self.http.get(f"{self.base}/wecom/cgi-bin/gettoken", params=query), "access_token", "expires_in")

    async def _send_wecom(self, token: str, number: int) -> Answer:
        return await self.http.get(f"{self.base}/wecom/cgi-bin/department/list", params={"access_token": token})

    async def _fetch_dingtalk(self, force: bool) -> Token:
        app = DingTalkApp()
        body = {"appKey": app.client_id, "appSecret": app.client_secret}
        return _token(await self.http.post(f"{self.base}/v1.0/oauth2/accessToken", body), "accessToken", "expireIn")

    async def _send_dingtalk(self, token: str, number: int) -> Answer:
        body = {
            "robotCode": DingTalkApp().robot_code,
            "userIds": [f"staff{number}"],
            "msgKey": "sampleText",
            "msgParam": json.dumps({"content": "好"}),
        }
        headers = {"x-acs-dingtalk-access-token": token}
        return await self.http.post(f"{self.base}/v1.0/robot/oToMessages/batchSend", body, headers=headers)


def _token(answer: Answer, value: str, lasts: str) -> Token:
    fields: dict[str, Any] = answer.json() or {}
    if value not in fields:
        raise TokenError(str(fields.get("errcode") or fields.get("code")))
    return Token(fields[value], SystemClock().now() + timedelta(seconds=fields[lasts]))


async def main(database: str, base: str, name: str, first: int, count: int) -> None:
    clock, db, outbox = SystemClock(), Database(DatabaseSettings(database), MODEL_MODULES), DatabaseOutbox()
    await db.open()
    core = Core(clock=clock, db=db, outbox=outbox, state=DatabaseState(db, clock))
    async with HttpClient() as http:
        way = Way(name, base, http)
        keeper = TokenKeeper(f"{name}:a", way.fetch, clock, store=StoredTokens(core))

        async def one(number: int) -> str:
            try:
                answer = await keeper.call(lambda token: way.send(token, number), way.is_refused)
            except TokenError as error:
                return f"token {error.code}"
            fields = answer.json() or {}
            return str(fields.get("errcode") or fields.get("code") or "ok")

        print("ready", flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            ended = Counter(await asyncio.gather(*(one(number) for number in range(first, first + count))))
            print(json.dumps(ended), flush=True)
            first += count
    await db.close()


if __name__ == "__main__":
    configure()
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])))
