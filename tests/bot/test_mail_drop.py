"""The drop address over a real socket: what is taken, what is refused, and what a mail is read as."""

import asyncio
import smtplib
import time
from collections.abc import AsyncIterator
from email.message import EmailMessage

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from bot.mail_drop import MailDrop, read_mail
from bot.settings import MailSettings
from bot.settings_values import Size
from crm_core import customers, mails
from crm_core.activities import FollowUp
from crm_core.employees import actor_of
from crm_core.ports import Core
from tests.factories import make_employee

DROP = "crm@mail.example.cn"


@pytest_asyncio.fixture
async def drop(core: Core) -> AsyncIterator[MailDrop]:
    seller = await make_employee(core)
    actor = await actor_of(seller)
    customer = await customers.add_customer(core, actor, name="云帆科技")
    await customers.add_contact(core, actor, name="李娜", customer_id=customer.id, email="li@yunfan.cn")
    await mails.set_address(core, actor, seller.id, "wang@example.cn")
    made = MailDrop(core, MailSettings(address=DROP, port=0, max_size=Size(64 * 1024)))
    await made.start()
    yield made
    await made.stop()


def mail(sender: str = "小王 <Wang@Example.cn>", text: str = "李总您好，报价见附件", **headers: str) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Cc"] = sender, headers.get("to", "李娜 <li@yunfan.cn>"), DROP
    made["Subject"], made["Message-ID"] = "报价单", headers.get("id", "<1@example.cn>")
    made["Date"] = "Wed, 25 Nov 2026 09:30:00 +0800"
    made.set_content(text)
    return made


async def send(drop: MailDrop, message: EmailMessage | bytes, to: str = DROP) -> int:
    """Send as a mail server would; gives the code of the last answer."""

    def work() -> int:
        raw = message if isinstance(message, bytes) else message.as_bytes()
        with smtplib.SMTP("127.0.0.1", drop.port, timeout=10) as client:
            try:
                client.sendmail("wang@example.cn", [to], raw)
            except smtplib.SMTPRecipientsRefused as error:
                return next(iter(error.recipients.values()))[0]
            except smtplib.SMTPResponseException as error:
                return error.smtp_code
        return 250

    return await asyncio.to_thread(work)


async def test_a_copied_mail_lands_on_the_timeline_once(drop: MailDrop) -> None:
    message = mail()
    message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="报价.pdf")
    for _ in range(2):
        assert await send(drop, message) == 250
    made = await FollowUp.get()
    assert (made.person, made.method) == ("李娜", "email")
    assert made.summary == "报价单\n李总您好，报价见附件\n附件：报价.pdf"
    assert made.at.isoformat() == "2026-11-25T01:30:00+00:00"


async def test_strangers_other_addresses_and_too_much_are_refused(drop: MailDrop, core: Core) -> None:
    assert await send(drop, mail("spam@evil.example")) == 550
    assert await send(drop, mail(to="nobody@other.cn")) == 550
    assert await send(drop, mail(), to="boss@mail.example.cn") == 550
    assert await send(drop, mail(text="x" * 100_000)) == 552
    assert await send(drop, b"no mail at all") == 550
    elsewhere = MailDrop(core, MailSettings(address=DROP, port=0, peers=("10.0.0.0/8",)))
    await elsewhere.start()
    assert await send(elsewhere, mail()) == 550
    await elsewhere.stop()
    assert await FollowUp.all().count() == 0


async def test_a_customers_answer_is_read_without_what_it_quotes(drop: MailDrop) -> None:
    answer = mail(
        "li@yunfan.cn", "能便宜些吗\n\n在 2026年11月24日，小王写道：\n> 报价 100 万", to="wang@example.cn", id="<2@yunfan.cn>"
    )
    assert await send(drop, answer) == 250
    assert (await FollowUp.get()).summary == "客户来信：报价单\n能便宜些吗"


def test_a_page_is_read_as_words() -> None:
    made = mail()
    made.set_content(
        "<html><style>p{}</style><p>能便宜吗</p><script>x()</script><blockquote>旧信</blockquote></html>", subtype="html"
    )
    found = read_mail(made.as_bytes(), DROP)
    assert found is not None
    assert (found.text, found.others) == ("能便宜吗", ("li@yunfan.cn",))


@pytest.mark.parametrize("sender", ["", "a@x.cn, b@x.cn", "小王", "=?utf-8?b?!!!?="])
def test_a_mail_of_nobody_or_of_two_is_none(sender: str) -> None:
    assert read_mail(f"From: {sender}\r\nTo: li@yunfan.cn\r\n\r\nx".encode(), DROP) is None


@given(
    st.binary(max_size=400), st.sampled_from([b"", b"From: a@b.cn\r\n", b"From: a@b.cn\r\nContent-Type: multipart/mixed\r\n"])
)
def test_no_bytes_break_the_reader(raw: bytes, head: bytes) -> None:
    found = read_mail(head + raw, DROP)
    assert found is None or "@" in found.sender


async def test_what_a_stranger_wrote_is_not_looked_at(drop: MailDrop, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[bytes] = []
    monkeypatch.setattr("bot.mail_drop.read_mail", lambda raw, drop: looked.append(raw))
    assert await send(drop, mail("spam@evil.example")) == 550
    assert looked == []


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("To: " + "(" * 500, "x"),
        ("To: " + "=?utf-8?q?" * 500, "x"),
        ("Subject: " + "(" * 5000, "x"),
        ("Date: " + "(" * 5000, "x"),
        ("Content-Type: text/html", "<![<!"),
        ("Content-Type: text/html", "<p>" + "<a \r\n" * 5000),
        ("Content-Type: text/plain; charset=no-such", "x"),
        ("Content-Type: " + "a;" * 4000, "x"),
    ],
)
async def test_a_crooked_mail_of_somebody_known_is_answered(drop: MailDrop, head: str, body: str) -> None:
    folded = "\r\n ".join(head[at : at + 500] for at in range(0, len(head), 500))
    raw = f"From: wang@example.cn\r\nCc: li@yunfan.cn\r\n{folded}\r\n\r\n{body}".encode()
    assert await send(drop, raw) in (250, 550)
    assert await send(drop, mail()) == 250


@pytest.mark.parametrize("filler", ["\n", " \n", "\r\n", "\t", "> ", "--", "在", "On "])
def test_the_reading_of_quotes_does_not_grow_with_the_square_of_the_mail(filler: str) -> None:
    raw = b"From: wang@example.cn\r\nTo: li@yunfan.cn\r\n\r\n" + ("x" + filler * 60_000).encode()[:60_000]
    begun = time.process_time()
    assert read_mail(raw, DROP) is not None
    assert time.process_time() - begun < 5  # it was minutes
