"""W, a Flask-like echo in safe mode: werkzeug (Flask's own server, threads as Flask starts it) with wechatpy, no database."""

from collections.abc import Callable, Iterable
from typing import Any

from wechatpy import parse_message
from wechatpy.crypto import WeChatCrypto
from wechatpy.replies import create_reply
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from bot.bench.yardsticks.serving import tell_port
from bot.simulator import WeChatAccount

ACCOUNT = WeChatAccount()


class Quiet(WSGIRequestHandler):
    """Logs nothing."""

    protocol_version = "HTTP/1.1"

    def log(self, kind: str, message: str, *args: Any) -> None:
        """Write nothing."""


def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    """Answer one callback with an echo."""
    request = Request(environ)
    query, crypto = request.args, WeChatCrypto(ACCOUNT.token, ACCOUNT.aes_key, ACCOUNT.app_id)
    opened = crypto.decrypt_message(request.get_data(), query["msg_signature"], query["timestamp"], query["nonce"])
    message = parse_message(opened)
    reply = create_reply(message.content, message).render()
    sealed = crypto.encrypt_message(reply, query["nonce"], query["timestamp"])
    return Response(sealed, content_type="text/xml")(environ, start)


if __name__ == "__main__":
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)
    tell_port(server.server_port)
    server.serve_forever()
