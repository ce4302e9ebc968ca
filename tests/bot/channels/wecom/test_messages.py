"""From a document to a message, what the given cases leave open."""

import pytest

from bot.channel import BadRequest
from bot.channels.wecom.messages import read_message


@pytest.mark.parametrize("sender", ["sys", "@all", "zhangsan|lisi", "zhangsan|@all"])
def test_nobody_writes_under_an_address_of_several(sender: str) -> None:
    tree = {"ToUserName": "wwCorp", "FromUserName": sender, "CreateTime": "1795161600", "AgentID": "1000002"}
    with pytest.raises(BadRequest):
        read_message("wecom", "wwCorp", {**tree, "MsgType": "text", "Content": "好", "MsgId": "7"})
    with_name = {**tree, "FromUserName": "zhangsan", "MsgType": "text", "Content": "好", "MsgId": "7"}
    assert read_message("wecom", "wwCorp", with_name).address.external_id == "zhangsan"
