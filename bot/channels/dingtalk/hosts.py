"""Which addresses the platform may send us to: where a Stream connects, where a file is fetched."""

from yarl import URL

from bot.channels.dingtalk.settings import Settings

_SECURE_PORT = 443
_LONGEST = 4096
_PLAIN_FORMS = {"ws": "http", "wss": "https"}


def find_stream_url(address: object, settings: Settings) -> URL | None:
    """Give the address of a connection, or None when it leads where it must not.

    On a real server that is wss to a known host. An exact origin of `session_hosts`, or the one of `api_base` which was
    asked, may be plain: settings allow such an origin on loopback only.
    """
    return _find(address, settings.stream_hosts, _origins(settings), schemes=("wss", "ws"))


def find_media_url(address: object, settings: Settings) -> URL | None:
    """Give the address of a file, or None when it leads where it must not."""
    return _find(address, settings.media_hosts, _origins(settings), schemes=("https", "http"))


def _origins(settings: Settings) -> set[URL]:
    named = [entry for entry in settings.session_hosts if "://" in entry]
    return {_plain_form(URL(entry)).origin() for entry in (*named, settings.api_base)}


def _find(address: object, hosts: tuple[str, ...], origins: set[URL], *, schemes: tuple[str, str]) -> URL | None:
    if not isinstance(address, str) or not 0 < len(address) <= _LONGEST:
        return None
    try:
        url = URL(address)
        if url.user is not None or url.password is not None or not url.host or url.scheme not in schemes:
            return None
        if _plain_form(url).origin() in origins:
            return url
        port = url.port
    except (ValueError, IndexError):  # the second: yarl on brackets after an empty host
        return None
    if url.scheme != schemes[0] or port != _SECURE_PORT:
        return None
    host = url.host.lower()
    return url if any(host.endswith(entry) if entry.startswith(".") else host == entry for entry in hosts) else None


def _plain_form(url: URL) -> URL:
    return url.with_scheme(_PLAIN_FORMS.get(url.scheme, url.scheme))
