"""The REST API; read app.py, then routes.py and endpoint.py."""

from bot.api.app import make_api

__all__ = ["make_api"]
