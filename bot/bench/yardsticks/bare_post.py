"""Y1, bare aiohttp: POST JSON in, JSON out."""

from aiohttp import web

from bot.bench.yardsticks.serving import serve


async def handle(request: web.Request) -> web.Response:
    """Give back what came."""
    return web.json_response(await request.json())


serve(handle)
