"""The console script."""

import subprocess
import sys


def test_names_are_chinese_whatever_the_locale_says() -> None:
    """Under an ASCII locale a name must be written, and must not end the command."""
    locale = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    shown = subprocess.run([sys.executable, "-m", "bot", "--help"], capture_output=True, env=locale, check=True)
    assert "启动服务" in shown.stdout.decode("utf-8")
