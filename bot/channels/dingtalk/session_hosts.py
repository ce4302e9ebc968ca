"""Which reply addresses from a message may be called: the body is not signed, so an address in it proves nothing."""

from yarl import URL

_HTTPS_PORT = 443


def find_session_url(address: object, hosts: tuple[str, ...]) -> URL | None:
    """Give the address as the client will call it, or None if it is not on the list.

    The same parser judges and calls, so no odd spelling can mean one host here and another there.
    """
    if not isinstance(address, str) or not address:
        return None
    try:
        url = URL(address)
        port = url.port
    except (ValueError, IndexError):  # the second: yarl on brackets after an empty host
        return None
    if url.user is not None or url.password is not None or not url.host:
        return None
    return url if any(_is_allowed(url, port, entry) for entry in hosts) else None


def _is_allowed(url: URL, port: int | None, entry: str) -> bool:
    if "://" in entry:
        return url.origin() == URL(entry).origin()
    return url.scheme == "https" and port == _HTTPS_PORT and url.host == entry.lower()
