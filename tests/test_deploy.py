"""What stands in deploy/: units, nginx, container; each agrees with the product's command line and defaults."""

import configparser
import os
import re
import shutil
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bot.app import DRAIN_SECONDS, STOP_SECONDS
from bot.cli.session import prepare_folders
from bot.config import Settings, parse
from bot.gateway import COMMIT_GRACE_SECONDS, STORED_WITHIN_SECONDS
from tests.pages import ROOT, arguments, wrong_in

FOLDER = ROOT / "deploy"
PROGRAM = "/opt/guanxi/.venv/bin/guanxi"
SERVICES = sorted(FOLDER.glob("*.service"))
NGINX = (FOLDER / "nginx.conf").read_text(encoding="utf-8")
CONTAINER = (FOLDER / "Containerfile").read_text(encoding="utf-8")
DEFAULTS: Settings = parse({}, {}, Path("/etc/guanxi"))
HARDENED = {
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "CapabilityBoundingSet": "",
    "User": "guanxi",
    "UMask": "0077",
    "EnvironmentFile": "/etc/guanxi/secrets.env",
}


def unit(path: Path) -> configparser.ConfigParser:
    read = configparser.ConfigParser(interpolation=None, strict=True, delimiters=("=",), comment_prefixes=("#", ";"))
    read.optionxform = str  # type: ignore[assignment,method-assign]
    read.read_string(path.read_text(encoding="utf-8"))
    return read


def call_of(path: Path) -> list[str]:
    words = arguments(unit(path)["Service"]["ExecStart"])
    assert words[0] == PROGRAM
    return words[1:]


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_a_unit_calls_what_the_command_line_knows_and_may_do_little(path: Path) -> None:
    read = unit(path)
    assert wrong_in(call_of(path)) == ""
    assert call_of(path)[:2] == ["--config", "/etc/guanxi/config.toml"]
    service = read["Service"]
    assert {key: service.get(key) for key in HARDENED} == HARDENED
    assert not any(key.startswith("ReadWritePaths") for key in service), "its state directory is all it writes to"


@pytest.mark.parametrize("path", [path for path in SERVICES if "backup" not in path.name], ids=lambda path: path.name)
def test_a_served_unit_is_restarted_and_has_time_to_stop(path: Path) -> None:
    service = unit(path)["Service"]
    assert service["Restart"] == "on-failure"
    assert service["RestartPreventExitStatus"] == "2"
    assert int(service["TimeoutStopSec"]) > STOP_SECONDS + DRAIN_SECONDS
    assert int(service["LimitNOFILE"]) >= 65536
    assert service["KillSignal"] == "SIGTERM"


@pytest.mark.parametrize("role", ["gateway", "worker"])
def test_a_process_of_several_has_a_role_and_a_port_of_its_own(role: str) -> None:
    path = FOLDER / f"guanxi-{role}@.service"
    assert call_of(path)[2:] == ["serve", "--role", role]
    assert unit(path)["Service"]["Environment"] == "GUANXI_SERVER__PORT=%i"
    assert unit(path)["Unit"]["Conflicts"] == "guanxi.service"


def test_a_backup_is_taken_each_night_into_a_folder_of_its_own() -> None:
    path = FOLDER / "guanxi-backup.service"
    folder = call_of(path)[-1]
    assert call_of(path)[2:] == ["backup", folder]
    # A folder that is not there would be taken for the name of a file, and nothing be removed after its time.
    assert folder.removeprefix("/var/lib/") in unit(path)["Service"]["StateDirectory"].split()
    timer = unit(FOLDER / "guanxi-backup.timer")["Timer"]
    assert timer["OnCalendar"].endswith("Asia/Shanghai")
    assert timer["Persistent"] == "yes" or timer["Persistent"] == "true"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    program = Path(sys.executable).parent / "guanxi"
    for path in [*SERVICES, *FOLDER.glob("*.timer")]:
        name = path.name.replace("gateway@.", "gateway@8081.").replace("worker@.", "worker@8091.")
        (tmp_path / name).write_text(path.read_text(encoding="utf-8").replace(PROGRAM, str(program)), encoding="utf-8")
    found = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    ours = [line for line in found.stderr.splitlines() if str(tmp_path) in line or "guanxi" in line]
    assert ours == []


def test_the_wrapper_runs_the_command_as_the_service_does() -> None:
    text = (FOLDER / "guanxi.sh").read_text(encoding="utf-8")
    assert os.access(FOLDER / "guanxi.sh", os.X_OK)
    subprocess.run(["sh", "-n", str(FOLDER / "guanxi.sh")], timeout=10, check=True)
    assert f'{PROGRAM} --config /etc/guanxi/config.toml "$@"' in text
    for key in ("EnvironmentFile", "WorkingDirectory", "UMask"):
        assert f"--property={key}={unit(FOLDER / 'guanxi.service')['Service'][key]}" in text


def directives() -> list[str]:
    return [line.partition("#")[0].strip() for line in NGINX.splitlines() if line.partition("#")[0].strip()]


def locations(port: int) -> dict[str, list[str]]:
    """The locations of the server that listens on a port, each with its lines."""
    text = "\n".join(directives())
    server = next(part for part in re.split(r"^server \{$", text, flags=re.MULTILINE) if f"listen {port}" in part)
    found: dict[str, list[str]] = {}
    name = None
    for line in server.splitlines():
        opened = re.match(r"location (?:[=^~]+ )?(\S+) \{", line)
        if opened:
            name = opened[1]
            found[name] = []
        elif name is not None:
            found[name].append(line)
    return found


def seconds(lines: list[str], directive: str) -> float:
    (value,) = [line.split()[1].rstrip(";") for line in lines if line.startswith(f"{directive} ")]
    return float(value.removesuffix("s"))


def test_the_lines_of_nginx_end_and_its_braces_close() -> None:
    depth = 0
    for line in directives():
        assert line.endswith(("{", "}", ";")) or line.startswith("log_format"), line
        depth += line.count("{") - line.count("}")
        assert depth >= 0
    assert depth == 0


@pytest.mark.parametrize("port", [80, 443])
def test_a_callback_is_served_without_a_redirect_and_nginx_waits_longest(port: int) -> None:
    lines = locations(port)["/hook/"]
    assert "proxy_pass http://guanxi;" in lines
    assert not [line for line in lines if "301" in line or "302" in line or "rewrite" in line]
    slowest = DEFAULTS.server.reply_within.total_seconds() + COMMIT_GRACE_SECONDS + STORED_WITHIN_SECONDS
    assert seconds(lines, "proxy_read_timeout") > slowest


def test_everything_else_is_https_and_only_what_is_needed() -> None:
    assert "return 301 https://$host$request_uri;" in locations(80)["/"]
    assert set(locations(80)) == {"/", "/hook/", "/.well-known/acme-challenge/"}
    secure = locations(443)
    assert set(secure) == {"/", "/hook/", "/api/", "/health/live", "/metrics"}
    assert "deny all;" in secure["/metrics"]
    assert "return 404;" in secure["/"]


def test_nginx_agrees_with_the_defaults_of_the_server() -> None:
    assert f"server {DEFAULTS.server.host}:{DEFAULTS.server.port};" in directives()
    assert DEFAULTS.server.max_body == 1024 * 1024
    assert directives().count("client_max_body_size 1m;") == 2
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in directives()
    formats = NGINX.partition("log_format")[2].partition(";")[0]
    assert "$request " not in formats
    assert "args" not in formats


@pytest.mark.skipif(shutil.which("nginx") is None, reason="there is no nginx here")
def test_nginx_understands_its_file(tmp_path: Path) -> None:
    certificate(tmp_path)
    text = re.sub(r"^\s*listen \[::\].*$", "", NGINX, flags=re.MULTILINE)
    text = re.sub(r"ssl_certificate(_key)? \S+/", lambda found: f"ssl_certificate{found[1] or ''} {tmp_path}/", text)
    text = text.replace("/var/log/nginx/", f"{tmp_path}/").replace("listen 80;", f"listen {free_port()};")
    text = text.replace("listen 443 ssl;", f"listen {free_port()} ssl;")
    (tmp_path / "site.conf").write_text(text, encoding="utf-8")
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{\n"
        + "".join(f"{kind}_temp_path {tmp_path}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        + f"include {tmp_path}/site.conf;\n}}\n",
        encoding="utf-8",
    )
    command = ["nginx", "-t", "-q", "-e", f"{tmp_path}/error.log", "-p", str(tmp_path), "-c", f"{tmp_path}/nginx.conf"]
    found = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert found.returncode == 0, found.stderr
    assert found.stderr == ""


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


def certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "crm.example.cn")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1)).sign(key, hashes.SHA256())
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    (folder / "fullchain.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "privkey.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))


def instructions() -> list[str]:
    lines = "\n".join(line for line in CONTAINER.splitlines() if not line.startswith("#"))
    return [line for line in lines.replace("\\\n", " ").splitlines() if line]


def test_what_the_container_copies_is_there_and_not_left_out() -> None:
    copied = [line.split()[1:-1] for line in instructions() if line.startswith("COPY") and "--from" not in line]
    names = {name for line in copied for name in line}
    assert names >= {"bot", "handlers", "campaigns", "scheduler", "crm_core", "requirements.lock", "pyproject.toml"}
    ignore = (FOLDER / ".containerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in ignore
    for name in names:
        assert (ROOT / name).exists(), name
        assert f"!{name}" in ignore, name
    assert not {"config.toml", "tests", ".venv", "data"} & names


def test_the_container_runs_as_nobody_in_particular_and_says_how_it_is() -> None:
    lines = instructions()
    assert "USER guanxi" in lines
    assert "VOLUME /data" in lines
    assert f"EXPOSE {DEFAULTS.server.port}" in lines
    assert any("fonts-wqy-microhei" in line for line in lines)
    assert any("--require-hashes -r requirements.lock" in line for line in lines)
    (health,) = [line for line in lines if line.startswith("HEALTHCHECK")]
    assert "/health/live" in health
    assert f"'{DEFAULTS.server.port}'" in health
    assert 'ENTRYPOINT ["guanxi", "--config", "/etc/guanxi/config.toml"]' in lines
    assert 'CMD ["serve"]' in lines
    assert wrong_in(["--config", "/etc/guanxi/config.toml", "serve"]) == ""


def test_the_containers_settings_lead_to_its_volume() -> None:
    (line,) = [line for line in instructions() if line.startswith("ENV PATH")]
    environ = dict(word.split("=", 1) for word in line.split()[1:])
    read = parse({"core": {"data_dir": "data"}}, environ, Path("/etc/guanxi"))
    assert read.core.data_dir == Path("/data")
    assert read.database.path == Path("/data/guanxi.db")
    assert read.server.host == "0.0.0.0"


def test_the_address_of_a_server_becomes_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    url = "postgres://guanxi:password@127.0.0.1:5432/guanxi"
    prepare_folders(parse({"core": {"data_dir": "data"}}, {"GUANXI_DATABASE__URL": url}, tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
