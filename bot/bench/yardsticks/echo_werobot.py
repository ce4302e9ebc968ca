"""W, WeRoBot answering an echo in safe mode, on its own server (bottle's default), no database."""

import warnings
from wsgiref.simple_server import WSGIRequestHandler, make_server

import bottle

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # an old library; its own warnings are not ours
    from werobot import WeRoBot
    from werobot.contrib.bottle import make_view

from bot.bench.yardsticks.serving import tell_port
from bot.simulator import WeChatAccount


class Quiet(WSGIRequestHandler):
    """Logs nothing."""

    def log_message(self, format: str, *args: object) -> None:
        """Write nothing."""


if __name__ == "__main__":
    account = WeChatAccount()
    robot = WeRoBot(token=account.token, SESSION_STORAGE=False)
    robot.config["APP_ID"], robot.config["ENCODING_AES_KEY"] = account.app_id, account.aes_key
    robot.text(lambda message: message.content)
    app = bottle.Bottle()
    app.route("/<path:path>", ["GET", "POST"], make_view(robot))
    server = make_server("127.0.0.1", 0, app, handler_class=Quiet)
    tell_port(server.server_port)
    server.serve_forever()
