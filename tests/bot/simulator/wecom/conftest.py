"""The product's part towards the simulated WeCom: a client with good tokens, and people to begin with."""

import json

import pytest

from bot.simulator.wecom.platform import WeComPlatform


class WeComApi:
    """Calls the platform with the token of the secret that fits the path."""

    def __init__(self, sim, session) -> None:
        self.sim = sim
        self.session = session

    def token(self, secret: str | None = None) -> str:
        corp = self.sim.wecom.corp
        return self.sim.wecom.state.tokens.fetch(corp.corp_id, secret or corp.secret)["access_token"]

    async def call(self, path: str, body: object = None, *, token: str | None = None, data: object = None, **query: str):
        """POST with a body, GET without; gives JSON, or bytes where the answer is none."""
        if token is None:
            contact = path.startswith("externalcontact")
            token = self.token(self.sim.wecom.corp.contact_secret if contact else None)
        query = {**query, "access_token": token} if token else query
        sent = data if body is None else body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        method = "GET" if sent is None else "POST"
        url = f"{self.sim.wecom_api_base}/cgi-bin/{path}"
        async with self.session.request(method, url, params=query, data=sent) as answer:
            assert answer.status == 200
            raw = await answer.read()
            return json.loads(raw) if answer.content_type == "application/json" else raw

    async def contact(self, path: str, body: object = None, **query: str) -> dict:
        return await self.call(f"externalcontact/{path}", body, **query)


@pytest.fixture
def qy(sim, api) -> WeComApi:
    """A client of the simulated WeCom."""
    return WeComApi(sim, api.session)


@pytest.fixture
def wecom(sim) -> WeComPlatform:
    """The corporation, with two members."""
    sim.wecom.add_member("WangWu", "王五", "13800000001")
    sim.wecom.add_member("lisi", "李四", "13800000002")
    return sim.wecom


@pytest.fixture
def hook(sim, wecom, program):
    """A program behind the callback address; it answers nothing until told otherwise."""
    sim.wecom.callback_url = program.url
    program.say(b"")
    return program
