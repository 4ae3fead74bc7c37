"""The command line speaks the language that was asked for, and a line that cannot be shown fails nothing."""

import io
import os
import subprocess
import sys

import pytest

from gridmap.cli import main

from .command import LONGEST


def ran(*arguments, cwd=None, code=None, **environment):
    command = [sys.executable, *(code or ["-m", "gridmap.cli"]), *map(str, arguments)]
    clean = {k: v for k, v in os.environ.items() if k not in ("GRIDMAP_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")}
    return subprocess.run(command, cwd=cwd, capture_output=True, env=clean | environment, check=False, timeout=LONGEST)


@pytest.mark.parametrize(
    "before, environment",
    [
        (["--language", "zh"], {}),
        (["--language=zh"], {"LANG": "en_GB.UTF-8"}),
        ([], {"GRIDMAP_LANGUAGE": "zh"}),
        ([], {"LANG": "zh_CN.UTF-8"}),
    ],
)
def test_help_and_errors_in_chinese(tmp_path, before, environment):
    utf8 = {"PYTHONIOENCODING": "utf-8", **environment}
    assert "运行一个流程文件" in ran(*before, "--help", **utf8).stdout.decode()
    done = ran(*before, "verify", "nowhere", cwd=tmp_path, **utf8)
    assert done.returncode == 1
    assert done.stderr.decode() == "gridmap: 没有可供核验的文件夹 nowhere。请指定某次运行写入的文件夹。\n"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (["run"], "缺少 'pipeline'。"),
        (["report", "x"], "缺少 '-o' / '--output'。"),
        (["due", "nowhere"], "'register' 的值无效：'nowhere' 不存在。"),
        (["serve", "--port", "abc"], "'--port' 的值无效：不是整数。"),
        (["schema", "x"], "参数过多：x。"),
        (["schema", "--nope"], "没有选项 --nope。"),
        (["nope"], "没有命令 'nope'。"),
    ],
)
def test_a_wrong_command_is_said_in_chinese_with_the_name_of_what_is_wrong(capsys, line, found):
    with pytest.raises(SystemExit):
        main(["--language", "zh", *line])
    assert capsys.readouterr().err == f"gridmap: {found}请看 gridmap --help。\n"


def test_a_language_that_there_is_not_is_one_line():
    done = ran("--language", "fr", "--help")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode().count("\n") == 1
    assert "'fr'" in done.stderr.decode()


@pytest.mark.parametrize("encoding", ["cp1252", "gbk", "ascii"])
def test_a_code_page_without_the_sign_fails_no_run(root, tmp_path, monkeypatch, encoding):
    """`→` and Chinese names are in no Western code page; what was written stays written."""
    (tmp_path / "网格").mkdir()
    zones = root / "data/west_yorkshire/lsoa_2011.geojson"
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict") for _ in range(2))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys.modules[main.__module__], "_announce_compiling", lambda: None)  # where nothing is kept yet
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    with pytest.raises(SystemExit) as ended:
        main(["tile", str(zones), "--system", "zones", "-o", "网格/ça.parquet"])
    err.flush()
    assert (ended.value.code, err.buffer.getvalue()) == (0, b"")
    assert b"1388" in out.buffer.getvalue().replace(b",", b"")
    assert (tmp_path / "网格" / "ça.parquet").exists()


def test_a_closed_terminal_fails_no_run(root, tmp_path):
    zones = root / "data/west_yorkshire/lsoa_2011.geojson"
    command = f"'{sys.executable}' -m gridmap.cli tile '{zones}' --system zones -o c.parquet >&-"
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, check=False, timeout=LONGEST)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "c.parquet").exists()


def test_compiled_code_lies_where_only_its_user_writes_and_a_missing_home_is_no_traceback(tmp_path):
    lines = ("import os, pathlib", "from gridmap.cli.app import _place_for_compiled_code as place")
    lines += ("place(pathlib.Path('/tmp'))", "print(os.environ['NUMBA_CACHE_DIR'])")  # as if anybody could write there
    say = ["-c", "; ".join(lines)]
    kept = ran(code=say, HOME=str(tmp_path), XDG_CACHE_HOME="").stdout.decode().strip()
    assert kept.startswith(f"{tmp_path}/.cache/gridmap/compiled-")
    assert os.stat(kept).st_mode & 0o077 == 0  # noqa: PTH116
    os.chmod(kept, 0o777)  # noqa: PTH101 - anybody may have put code there: it is not used
    other = ran(code=say, HOME=str(tmp_path), XDG_CACHE_HOME="").stdout.decode().strip()
    assert "gridmap-compiled-" in other
    assert not other.startswith(str(tmp_path))
    nowhere = ran(code=say, HOME="/proc/nowhere", XDG_CACHE_HOME="")
    assert (nowhere.returncode, nowhere.stderr) == (0, b"")
    assert "gridmap-compiled-" in nowhere.stdout.decode()
