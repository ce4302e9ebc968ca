"""The simulated customer service, and a caller with a good token."""

import json
from collections.abc import Awaitable, Callable

import pytest

Call = Callable[..., Awaitable[dict]]


@pytest.fixture
def kf(sim):
    return sim.kf


@pytest.fixture
def call(sim, api) -> Call:
    """Call an API of the account: `await call("sync_msg", cursor="")`."""

    async def post(path: str, /, *, secret: str = "", **fields: object) -> dict:
        corp = sim.wecom.corp
        token = sim.wecom.state.tokens.fetch(corp.corp_id, secret or corp.kf_secret)["access_token"]
        body = json.dumps(fields, ensure_ascii=False).encode()
        url = f"{sim.base_url}/wecom/cgi-bin/kf/{path}"
        async with api.session.post(url, data=body, params={"access_token": token}) as answer:
            return await answer.json()

    return post
