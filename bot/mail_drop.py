"""The drop address (邮件往来): a small SMTP receiver that puts a mail copied to it on the customer's timeline.

Off unless `[mail] address` is set. Mail is taken from the named networks alone, for this one address, from known senders,
up to a size; anything else is refused with a code of the protocol before its content is read, where the protocol allows.
The answer 250 is given once the record is durable: what is not, the company's mail server brings again.
"""

import asyncio
import hashlib
import ipaddress
import re
from datetime import UTC, datetime
from email import policy
from email.headerregistry import Address, AddressHeader
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from itertools import islice, takewhile
from typing import Any

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from bot.settings import MailSettings
from crm_core import mails
from crm_core.errors import CrmError, Unavailable
from crm_core.mails import Received
from crm_core.ports import Core

log = structlog.get_logger(__name__)

COMMAND_SECONDS = 60
"""How long a sender may be silent."""
TEXT_BYTES = 64 * 1024
"""Of the readable part of a mail that are looked at."""
MOST_PARTS = 50
READ_SECONDS = 20
HEAD_BYTES = 64 * 1024
"""Of a mail in which its sender is looked for."""
HEADER_BYTES = {"from": 1000}
MOST_HEADER_BYTES = 8 * 1024
"""Of a header that are read: the library takes its time over longer ones, and of who writes nothing is known yet."""
_QUOTED = re.compile(r">|-{2,}\s*(?:原始邮件|Original Message)|在.{4,60}写道[:：]|On .{4,80} wrote:", re.IGNORECASE)
"""How a line begins from which on others are quoted."""
_REFUSED = "550 5.7.1 refused"
_LATER = "451 4.3.0 try again later"


class MailDrop:
    """Listens for mail while the product runs."""

    def __init__(self, core: Core, settings: MailSettings) -> None:
        self._core = core
        self._settings = settings
        self._networks = [ipaddress.ip_network(each, strict=False) for each in settings.peers]
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """Tell the port that is listened on; 0 when nothing is."""
        return int(self._server.sockets[0].getsockname()[1]) if self._server else 0

    async def start(self) -> None:
        """Begin to listen. Raises: OSError for a busy port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, self._settings.host, self._settings.port)
        log.info("mail_listens", port=self.port)

    async def stop(self) -> None:
        """Stop listening; who is in the middle of a mail brings it again."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    def _protocol(self) -> SMTP:
        return SMTP(
            self,
            hostname="guanxi",
            ident="mail",
            data_size_limit=int(self._settings.max_size),
            timeout=COMMAND_SECONDS,
            enable_SMTPUTF8=True,
            loop=asyncio.get_running_loop(),
        )

    async def handle_MAIL(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        """Take mail from the named networks alone."""
        if not self._is_peer(session.peer):
            log.warning("mail_peer_refused")
            return _REFUSED
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        """Take mail for the one address alone."""
        if address.casefold() != self._settings.address.casefold():
            return "550 5.1.1 no such address"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Put the mail on the timeline; 250 once that is durable."""
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        try:
            async with asyncio.timeout(READ_SECONDS):
                mail = await self._read(raw)
                if mail is None:
                    log.warning("mail_refused", code="mail.unknown_sender")
                    return _REFUSED
                made = await mails.take(self._core, mail)
        except (Unavailable, TimeoutError):
            return _LATER
        except CrmError as error:
            log.warning("mail_refused", code=error.code)
            return _REFUSED
        log.info("mail_taken", follow_up_id=made.id if made else None, again=made is None)
        return "250 OK"

    async def _read(self, raw: bytes) -> Received | None:
        """Read a mail of a known sender; what a stranger wrote is not looked at."""
        sender = await asyncio.to_thread(read_sender, raw)
        if sender is None or not await mails.is_known(self._core, sender):
            return None
        return await asyncio.to_thread(read_mail, raw, self._settings.address)

    def _is_peer(self, peer: Any) -> bool:
        try:
            address = ipaddress.ip_address(str(peer[0]).split("%")[0])
        except (ValueError, IndexError, TypeError):
            return False
        plain = getattr(address, "ipv4_mapped", None) or address
        return any(plain in network for network in self._networks)


def read_sender(raw: bytes) -> str | None:
    """Tell from its head alone who sent a mail; None when nobody can be told. Runs in a thread."""
    message = _parsed(raw[:HEAD_BYTES], head=True)
    sender = _addresses(message, "from") if message is not None else []
    return sender[0] if len(sender) == 1 else None


def read_mail(raw: bytes, drop: str) -> Received | None:
    """Read a mail's addresses, date, subject and words; None when nobody can be told to have sent it. Runs in a thread."""
    message = _parsed(raw)
    sender = _addresses(message, "from") if message is not None else []
    if message is None or len(sender) != 1:
        return None
    others = [each for name in ("to", "cc") for each in _addresses(message, name)]
    known = str(_header(message, "message-id")).strip()
    # Without an id of its own a mail is known by its content.
    digest = hashlib.sha256(known.encode() if known else raw).hexdigest()
    mine = {sender[0], drop.casefold()}
    return Received(
        digest=digest,
        sender=sender[0],
        others=tuple(dict.fromkeys(each for each in others if each not in mine)),
        subject=str(_header(message, "subject"))[:500],
        text=_words(message),
        at=_date(message),
        size_bytes=len(raw),
        attachments=tuple(_attached(message)),
    )


def _parsed(raw: bytes, *, head: bool = False) -> EmailMessage | None:
    """Take a mail apart. Whatever the library stumbles over on what is no mail (recursion, assertions) makes it none."""
    try:
        message = BytesParser(policy=policy.default).parsebytes(raw, headersonly=head)
    except Exception:  # noqa: BLE001 - what comes over the wire is anybody's
        return None
    return message if isinstance(message, EmailMessage) else None


def _header(message: EmailMessage, name: str) -> Any:
    """Read a header; a broken one is none."""
    try:
        most = HEADER_BYTES.get(name, MOST_HEADER_BYTES)
        if any(key.lower() == name and len(value) > most for key, value in message.raw_items()):
            return ""
        return message[name] or ""
    except Exception:  # noqa: BLE001 - what comes over the wire is anybody's
        return ""


def _addresses(message: EmailMessage, name: str) -> list[str]:
    header = _header(message, name)
    try:
        found: tuple[Address, ...] = (
            header.addresses if isinstance(header, AddressHeader) or hasattr(header, "addresses") else ()
        )
        return [each.addr_spec.casefold()[:128] for each in found if each.addr_spec and "@" in each.addr_spec][:100]
    except Exception:  # noqa: BLE001 - what comes over the wire is anybody's
        return []


def _date(message: EmailMessage) -> datetime | None:
    try:
        at = parsedate_to_datetime(str(_header(message, "date")))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)


def _words(message: EmailMessage) -> str:
    """Give what the writer wrote, without what they quoted; no words when it cannot be read."""
    try:
        body = message.get_body(preferencelist=("plain", "html"))
        text = body.get_content() if body is not None else ""
        text = text[:TEXT_BYTES] if isinstance(text, str) else ""
        if body is not None and body.get_content_type() == "text/html":
            text = _Plain.of(text)
    except Exception:  # noqa: BLE001 - what comes over the wire is anybody's
        return ""
    return _unquoted(text.replace("\r\n", "\n"))


def _unquoted(text: str) -> str:
    """Give the lines above the first that quotes."""
    own = takewhile(lambda line: not _QUOTED.match(line.lstrip()[:200]), text.split("\n"))
    return "\n".join(own).strip()


def _attached(message: EmailMessage) -> list[str]:
    names = [_file_name(part) for part in islice(message.walk(), MOST_PARTS)]
    return [name for name in names if name]


def _file_name(part: Message) -> str:
    try:
        return str(part.get_filename() or "")[:200]
    except Exception:  # noqa: BLE001 - what comes over the wire is anybody's
        return ""


class _Plain(HTMLParser):
    """Takes the words out of a page."""

    _HIDDEN = ("script", "style", "head", "blockquote")

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._hidden = 0

    @classmethod
    def of(cls, page: str) -> str:
        """Give the words of a page."""
        reader = cls()
        reader.feed(page)
        return re.sub(r"\n{2,}", "\n", "".join(reader.pieces)).strip()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a line, or something that is not shown."""
        self._hidden += tag in self._HIDDEN
        self.pieces += ["\n"] if tag in ("p", "br", "div", "tr", "li") else []

    def handle_endtag(self, tag: str) -> None:
        """End what is not shown."""
        self._hidden -= tag in self._HIDDEN and self._hidden > 0

    def handle_data(self, data: str) -> None:
        """Keep words."""
        self.pieces += [] if self._hidden else [data]
