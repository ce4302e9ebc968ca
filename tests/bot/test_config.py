"""config.toml and the environment to settings."""

import tomllib
from datetime import time, timedelta
from pathlib import Path

import pytest

from bot.config import Settings, SettingsProblems, load, parse
from bot.secret import Secret

ROOT = Path(__file__).resolve().parents[2]
SECRETS = {
    "WX_SECRET": "s1",
    "WX_TOKEN": "t1",
    "WX_KEY": "a" * 43,
    "DING_SECRET": "s2",
    "ROBOT_URL": "https://x/?access_token=1",
}
WECHAT = """
[channels.wechat]
kind = "wechat_oa"
app_id = "wx1"
original_id = "gh_1"
app_secret_env = "WX_SECRET"
token_env = "WX_TOKEN"
aes_key_env = "WX_KEY"
"""
DINGTALK = """
[channels.ding-talk]
kind = "dingtalk"
client_id = "d1"
client_secret_env = "DING_SECRET"
custom_robots = [{name = "群", url_env = "ROBOT_URL"}]
"""


def read(text: str, **environ: str) -> Settings:
    return parse(tomllib.loads(text), {**SECRETS, **environ}, Path("/srv/guanxi"))


def problems(text: str, **environ: str) -> list[str]:
    with pytest.raises(SettingsProblems) as found:
        read(text, **environ)
    assert [str(problem) for problem in found.value.problems] == str(found.value).split("\n")
    return [str(problem) for problem in found.value.problems]


def test_nothing_said_is_the_embedded_default() -> None:
    settings = read("")
    assert settings.database.url == "sqlite:///srv/guanxi/data/guanxi.db"
    assert settings.core.data_dir == Path("/srv/guanxi/data")
    assert (settings.server.host, settings.server.port, settings.server.reply_within) == (
        "127.0.0.1",
        8080,
        timedelta(seconds=3.5),
    )
    assert settings.channels == {}


def test_values_carry_their_units() -> None:
    settings = read(
        '[server]\nmax_body = "2MiB"\nreply_within = "0s"\n[campaigns]\nquiet_from = "22:00"\n[pools]\nclaim_cap = 3\n'
        '[delivery]\nlease = "1500ms"\n' + '[answers]\nwelcome = "欢迎"\nkeywords = [{words = ["报价"], answer = "请稍候"}]\n'
    )
    assert (settings.server.max_body, settings.server.reply_within) == (2 * 1024**2, timedelta())
    assert (settings.core.campaigns.quiet_from, settings.core.pools.claim_cap) == (time(22), 3)
    assert settings.delivery.lease == timedelta(seconds=1.5)
    assert (settings.core.answers.welcome, settings.core.answers.keywords[0].words) == ("欢迎", ("报价",))


def test_channels_are_read_by_their_kind_with_secrets_from_the_environment() -> None:
    settings = read(WECHAT + DINGTALK)
    kind, wechat = settings.channels["wechat"]
    assert (kind, wechat.app_secret, wechat.mode) == ("wechat_oa", Secret("s1"), "safe")
    assert settings.channels["ding-talk"][1].custom_robots[0].url.reveal() == "https://x/?access_token=1"
    assert "s1" not in repr(settings)
    assert "access_token" not in repr(settings)


def test_the_environment_wins_over_the_file() -> None:
    settings = read(
        WECHAT + DINGTALK + "[server]\nport = 1\n",
        GUANXI_SERVER__PORT="9000",
        GUANXI_SERVER__METRICS_FROM="10.0.0.0/8,127.0.0.1",
        GUANXI_DATABASE__DURABILITY="process",
        GUANXI_CHANNELS__WECHAT__API_BASE="http://127.0.0.1:9",
        GUANXI_CHANNELS__DING_TALK__ENABLED="false",
        GUANXI_TOKEN="no section, not a setting",
    )
    assert (settings.server.port, settings.server.metrics_from) == (9000, ("10.0.0.0/8", "127.0.0.1"))
    assert settings.database.durability == "process"
    assert settings.channels["wechat"][1].api_base == "http://127.0.0.1:9"
    assert list(settings.channels) == ["wechat"]


def test_a_whole_channel_may_stand_in_the_environment() -> None:
    settings = read(
        "",
        GUANXI_CHANNELS__D__KIND="dingtalk",
        GUANXI_CHANNELS__D__CLIENT_ID="d1",
        GUANXI_CHANNELS__D__CLIENT_SECRET_ENV="DING_SECRET",
    )
    assert settings.channels["d"][1].client_id == "d1"


def test_every_problem_is_reported_at_once_with_section_and_key() -> None:
    text = (
        '[server]\nport = 99999\nhost = 5\ncolour = "red"\nmetrics_from = ["moon"]\n[core]\ntimezone = "Europe/Berlin"\n'
        '[database]\nurl = "mysql://x"\ndurability = "maybe"\n[redis]\nurl = "memcache://x"\n[delivery]\nconcurrency = 0\n'
        '[kitchen]\nsink = 1\n[channels.a]\nkind = "pigeon"\n[channels.b]\nkind = "wechat_oa"\ntoken_env = "NOT_THERE"\n'
    )
    found = problems(text)
    for start in (
        "[core] timezone：",
        "[server] port：",
        "[server] host：",
        "[server] colour：没有这个设置",
        "[server] metrics_from：",
        "[database] durability：",
        "[database] url：",
        "[redis] url：",
        "[delivery] concurrency：",
        "[kitchen]：没有这一节设置",
        "[channels.a] kind：只能是 dingtalk、wechat_oa",
        "[channels.b] app_id：缺少这个设置",
        "[channels.b] token_env：环境变量 NOT_THERE 没有设置",
    ):
        assert any(problem.startswith(start) for problem in found), (start, found)


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("[server]\nport = 99999\n", "[server] port："),
        ('[server]\nmetrics_from = ["moon"]\n', "[server] metrics_from："),
        ('[server]\nmax_body = "1B"\n', "[server] max_body："),
        ('[server]\npublic_url = "crm.example.cn"\n', "[server] public_url："),
        ('[delivery]\nlease = "1ms"\n', "[delivery] lease："),
        ('[delivery]\ndrain_timeout = "9s"\n', "[delivery] drain_timeout："),
        ('[database]\nurl = "mysql://u:p@h/x"\n', "[database] url：需要以 sqlite:// 或 postgres:// 开头的地址"),
        ('[database]\nurl = "postgres://u:p@h"\n', "[database] url：需要写成 postgres://"),
        ('[database]\nurl = "postgres://u:p@h:x/y"\n', "[database] url：需要写成 postgres://"),
        ('[database]\nurl = "postgres://u:p@h/x"\npool_size = 1\n', "[database] pool_size："),
        ('[database]\nurl = "sqlite://"\n', "[database] url："),
        ('server = "x"\n', "[server]：需要是一节设置"),
        ('channels = "x"\n', "[channels]："),
        ('[channels."Große"]\nkind = "dingtalk"\n', "[channels.Große]："),
        (WECHAT + 'mode = "open"\n', "[channels.wechat] mode："),
        (WECHAT.replace('"WX_KEY"', '"WX_TOKEN"'), "[channels.wechat] aes_key_env："),
        (DINGTALK + "session_hosts = 5\n", "[channels.ding-talk] session_hosts："),
        (DINGTALK.replace("[{", "{").replace("}]", "}"), "[channels.ding-talk] custom_robots："),
        (DINGTALK.replace("url_env", "url"), "[channels.ding-talk.custom_robots.1] url："),
    ],
)
def test_one_problem(text: str, start: str) -> None:
    assert any(problem.startswith(start) for problem in problems(text))


def test_an_origin_for_session_answers_needs_a_public_address_on_this_machine() -> None:
    text = DINGTALK + 'session_hosts = ["http://127.0.0.1:9090"]\n'
    assert problems(text)[0].startswith("[channels.ding-talk] session_hosts：")
    assert problems(text, GUANXI_SERVER__PUBLIC_URL="https://crm.example.cn")
    assert read(text, GUANXI_SERVER__PUBLIC_URL="http://127.0.0.1:8080").channels


def test_an_origin_is_reported_beside_other_problems_of_the_channel() -> None:
    text = DINGTALK.replace("DING_SECRET", "NOT_THERE") + 'session_hosts = ["http://127.0.0.1:9090"]\n'
    assert len(problems(text)) == 2


def test_files_that_cannot_be_read_say_so(tmp_path: Path) -> None:
    broken = tmp_path / "config.toml"
    for content in (b"[server\n", b"\xff\xfe"):
        broken.write_bytes(content)
        with pytest.raises(SettingsProblems, match="不是正确的 TOML"):
            load(broken, {})
    for missing in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(SettingsProblems, match="打不开设置文件"):
            load(missing, {})


def test_the_settings_file_of_the_project_is_right() -> None:
    settings = load(ROOT / "config.toml", {})
    assert settings.channels == {}
    enabled = {
        "GUANXI_CHANNELS__WECHAT__ENABLED": "true",
        "GUANXI_CHANNELS__DINGTALK__ENABLED": "true",
        "WECHAT_APP_SECRET": "s",
        "WECHAT_TOKEN": "t",
        "WECHAT_AES_KEY": "a" * 43,
        "DINGTALK_CLIENT_SECRET": "s",
    }
    assert set(load(ROOT / "config.toml", enabled).channels) == {"wechat", "dingtalk"}


def test_rules_of_identity_are_tables_and_the_words_for_fields_one_of_their_own() -> None:
    settings = read(
        """
[[identity.rules]]
all_of = ["name", "company"]
same_source = true
within_days = 30
action = "same"
weight = 90
[identity.overwrite]
need = "keep"
""",
        GUANXI_IDENTITY__OVERWRITE__TITLE="ask",
    ).core.identity
    assert [(rule.all_of, rule.same_source, rule.within_days, rule.action) for rule in settings.rules] == [
        (("name", "company"), True, 30, "same")
    ]
    assert (settings.overwrite.need, settings.overwrite.title, settings.overwrite.mobile) == ("keep", "ask", "ask")
    assert read("").core.identity.rules
    wrong = problems('[[identity.rules]]\nall_of = ["shoe"]\n[identity.overwrite]\nneed = "never"\nshoe = "keep"')
    assert [line.partition("：")[0] for line in wrong] == [
        "[identity.rules.1] all_of",
        "[identity.overwrite] shoe",
        "[identity.overwrite] need",
    ]
