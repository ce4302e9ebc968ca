"""The calls of an Official Account that are not messages: people, tags, media, menus, codes.

wechatpy 1.8.18 supplies the methods (paths and forms), our client the way out: `_request` of its client is replaced by
a coroutine, so that what its methods give back can be awaited. Methods that look at the result themselves are not
used. wechatpy takes long to import (requests), so only those who need these calls import this module.
"""

import io
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from wechatpy.client import WeChatClient

from bot.channels.wechat_oa.send import Sender
from bot.httpclient import Answer, Upload
from bot.platform_result import read_result

TAGGED_PAGE = 50
"""People in one call that puts a tag on or takes it off. Source: tag page, not re-read."""
USERS_PAGE = 100
"""People in one call for their details. Source: user-info page, not re-read."""
_IGNORED_TYPING = frozenset({45080, 45081})
_MAX_MEDIA_BYTES = 20 * 1024 * 1024


class ApiRefused(Exception):
    """The platform refused a call, or its answer could not be read (`errcode` None)."""

    def __init__(self, path: str, errcode: int | None) -> None:
        super().__init__(f"{path}: {errcode}")
        self.errcode = errcode


class _AwaitableClient(WeChatClient):  # type: ignore[misc]  # wechatpy has no types
    """wechatpy's methods over our transport; its own session, token and retry (unbounded on 40001) are not made."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def _request(self, method: str, url_or_endpoint: str, **options: Any) -> Any:
        path = f"/cgi-bin/{url_or_endpoint}"
        answer = await _call(self._sender, method, path, options)
        result = read_result(answer)
        if result is None or result.errcode:
            raise ApiRefused(path, result.errcode if result else None)
        process: Callable[[Any], Any] | None = options.get("result_processor")
        return process(dict(result.fields)) if process else dict(result.fields)


async def _call(sender: Sender, method: str, path: str, options: Mapping[str, Any]) -> Answer:
    params = {name: str(value) for name, value in (options.get("params") or {}).items()}
    files = options.get("files")
    upload = None
    if files:
        filename, content, content_type = files["media"]
        upload = Upload("media", filename, content.read(), content_type)
    return await sender.request(method, path, params=params, payload=options.get("data"), upload=upload)


class WechatApi:
    """The account's calls. Each raises ApiRefused, TokenError, NotSent or Unanswered."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._client = _AwaitableClient(sender)

    async def list_followers(self, after: str | None = None) -> AsyncIterator[list[str]]:
        """Give all followers behind one, page by page (up to 10,000 a page)."""
        while True:
            openids, _ = await self.load_followers(after)
            if not openids:
                return
            yield openids
            after = openids[-1]

    async def load_followers(self, after: str | None = None) -> tuple[list[str], int]:
        """Give one page of followers behind one, and how many there are in all."""
        page = await self._client.user.get_followers(after or None)
        openids = (page.get("data") or {}).get("openid") or []
        return [str(openid) for openid in openids], int(page.get("total") or 0)

    async def load_user(self, openid: str) -> dict[str, Any]:
        """Give what the platform tells of a follower."""
        return dict(await self._client.user.get(openid))

    async def load_users(self, openids: Sequence[str]) -> list[dict[str, Any]]:
        """Give what the platform tells of many followers, a page a call."""
        found: list[dict[str, Any]] = []
        for start in range(0, len(openids), USERS_PAGE):
            found += await self._client.user.get_batch(list(openids[start : start + USERS_PAGE]))
        return found

    async def set_remark(self, openid: str, remark: str) -> None:
        """Write the remark of a follower."""
        await self._client.user.update_remark(openid, remark)

    async def create_tag(self, name: str) -> int:
        """Make a tag and give its number."""
        return int((await self._client.tag.create(name))["id"])

    async def list_tags(self) -> list[dict[str, Any]]:
        """Give all tags."""
        return list(await self._client.tag.get())

    async def rename_tag(self, tag_id: int, name: str) -> None:
        """Give a tag another name."""
        await self._client.tag.update(tag_id, name)

    async def delete_tag(self, tag_id: int) -> None:
        """Delete a tag and take it off everybody."""
        await self._client.tag.delete(tag_id)

    async def list_tagged(self, tag_id: int) -> AsyncIterator[list[str]]:
        """Give all who carry a tag, page by page."""
        after: str | None = None
        while True:
            page = await self._client.tag.get_tag_users(tag_id, after)
            openids = (page.get("data") or {}).get("openid") or []
            if not openids:
                return
            yield [str(openid) for openid in openids]
            after = page.get("next_openid") or None
            if after is None:
                return

    async def load_tag_ids(self, openid: str) -> list[int]:
        """Give the tags of a person."""
        return [int(number) for number in await self._client.tag.get_user_tag(openid)]

    async def tag_users(self, tag_id: int, openids: Sequence[str]) -> None:
        """Put a tag on followers (at most 50 a call)."""
        await self._client.tag.tag_user(tag_id, list(openids))

    async def untag_users(self, tag_id: int, openids: Sequence[str]) -> None:
        """Take a tag off followers (at most 50 a call)."""
        await self._client.tag.untag_user(tag_id, list(openids))

    async def upload_media(self, media_type: str, filename: str, content: bytes, *, content_type: str) -> str:
        """Keep a picture, voice or video on the platform for 3 days; gives its media_id."""
        made = await self._client.media.upload(media_type, (filename, io.BytesIO(content), content_type))
        return str(made.get("thumb_media_id") or made["media_id"])

    async def upload_article_image(self, filename: str, content: bytes, *, content_type: str) -> str:
        """Keep a picture for articles; gives its address."""
        return str(await self._client.media.upload_image((filename, io.BytesIO(content), content_type)))

    async def download_media(self, media_id: str) -> Answer:
        """Fetch a file a person sent; an error comes as JSON with status 200 where the file should be."""
        path = "/cgi-bin/media/get"
        answer = await self._sender.request("get", path, params={"media_id": media_id}, max_bytes=_MAX_MEDIA_BYTES)
        result = read_result(answer) if "json" in answer.content_type or "text" in answer.content_type else None
        if result is not None or answer.status != 200:
            raise ApiRefused(path, result.errcode if result else None)
        return answer

    async def create_menu(self, menu: Mapping[str, Any]) -> None:
        """Put up the menu: at most 3 buttons with 5 below each."""
        await self._client.menu.create(dict(menu))

    async def load_menu(self) -> dict[str, Any]:
        """Give the menu that is up."""
        return dict(await self._client.get("menu/get"))

    async def delete_menu(self) -> None:
        """Take the menu down."""
        await self._client.menu.delete()

    async def create_code(self, scene: str, *, expire_seconds: int | None = None) -> dict[str, Any]:
        """Make a code with a scene (带参数二维码); without an end it counts against 100,000 an account."""
        code: dict[str, Any] = {"action_name": "QR_LIMIT_STR_SCENE", "action_info": {"scene": {"scene_str": scene}}}
        if expire_seconds is not None:
            code |= {"action_name": "QR_STR_SCENE", "expire_seconds": expire_seconds}
        return dict(await self._client.qrcode.create(code))

    async def show_typing(self, openid: str) -> None:
        """Show the person that somebody types; not being allowed to now does not matter."""
        path = "/cgi-bin/message/custom/typing"
        result = read_result(await self._sender.request("post", path, payload={"touser": openid, "command": "Typing"}))
        if result is None or (result.errcode and result.errcode not in _IGNORED_TYPING):
            raise ApiRefused(path, result.errcode if result else None)

    async def load_quota(self, path: str) -> dict[str, int]:
        """Give limit, use and rest of the day for a path; asking costs nothing."""
        fields = await self._ask("/cgi-bin/openapi/quota/get", {"cgi_path": path})
        quota = fields.get("quota") or {}
        return {name: int(quota.get(name) or 0) for name in ("daily_limit", "used", "remain")}

    async def clear_quota(self, app_id: str) -> None:
        """Begin all daily counts anew; ten times a month."""
        await self._ask("/cgi-bin/clear_quota", {"appid": app_id})

    async def _ask(self, path: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        result = read_result(await self._sender.request("post", path, payload=payload))
        if result is None or result.errcode:
            raise ApiRefused(path, result.errcode if result else None)
        return result.fields
