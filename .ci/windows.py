"""gridmap for a Windows PC without internet and without administrator: one zip with all wheels, by hash.

    python .ci/windows.py lock      # requirements-windows.lock from pyproject.toml and requirements.lock (needs uv)
    python .ci/windows.py check     # every wheel of the lock is there for 64-bit Windows; nothing is installed
    python .ci/windows.py build     # dist/gridmap-windows.zip      (make windows)
    python .ci/windows.py build --python python-3.11.9-embed-amd64.zip --sha256 009d6bf7…

With `--python` an embeddable Python is put in, after its SHA-256 was compared; without it 安装.bat looks for a Python
3.11 that is installed. A folder `gridmap-windows` comes of it: 安装.bat installs into itself, 开始.bat starts the desk.
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements-windows.lock"
EXTRAS = ("papers", "patrol", "databases", "desk", "sign", "mcp")
VERSION = "3.11"
LONG_AGO = (1980, 1, 1, 0, 0, 0)
TARGET = ["--only-binary", ":all:", "--platform", "win_amd64", "--python-version", VERSION, "--implementation", "cp"]

INSTALL = r"""@echo off
chcp 65001 >nul
setlocal
cd /d "%~dp0"
set "FROM=--disable-pip-version-check --no-index --find-links wheels --require-hashes -r requirements.txt"
if exist python\python.exe goto embedded
py -3.11 -c "" 2>nul || goto nopython
py -3.11 -m venv app || goto failed
app\Scripts\python.exe -m pip install %FROM% || goto failed
goto done
:embedded
for %%f in (wheels\pip-*.whl) do set "PIP=%%f"
python\python.exe "%PIP%\pip" install --target app\site-packages %FROM% || goto failed
:done
echo.
echo OK. Now: 开始.bat
pause
exit /b 0
:nopython
echo Python 3.11 (64 bit) was not found. Ask for the package that brings it, or install Python 3.11 for this user.
echo 没有找到 Python 3.11（64 位）。请索取自带 Python 的安装包，或为当前用户安装 Python 3.11。
pause
exit /b 1
:failed
echo Not installed; see the lines above. Nothing outside this folder was changed.
echo 安装未完成，原因见上。本文件夹之外没有任何改动。
pause
exit /b 1
"""

START = r"""@echo off
chcp 65001 >nul
setlocal
cd /d "%~dp0"
set "PYTHONUTF8=1"
if exist app\Scripts\python.exe (set "PY=app\Scripts\python.exe") else (set "PY=python\python.exe")
if not exist "%PY%" goto first
"%PY%" -m gridmap serve "%USERPROFILE%\gridmap"
if errorlevel 1 pause
exit /b 0
:first
echo Run 安装.bat first.  请先运行 安装.bat。
pause
exit /b 1
"""

README = """gridmap {version}: hotspot maps on a Windows PC without internet

1. Unpack the whole folder, for example to the desktop. No administrator is needed.
2. Double-click 安装.bat and wait until it says OK (a few minutes). It writes into this folder only.
3. Double-click 开始.bat: the desk opens in the browser. Work is kept in the folder gridmap of your user.

To remove gridmap, delete this folder. SHA256SUMS lists every file; `certutil -hashfile FILE SHA256` compares one.
A briefing as .pdf, .docx, .pptx or .xlsx needs nothing more.


gridmap {version}：在不联网的 Windows 电脑上制作热点地图

1. 将整个文件夹解压，例如放到桌面。不需要管理员权限。
2. 双击“安装.bat”，等到显示 OK（约几分钟）。只写入本文件夹。
3. 双击“开始.bat”，浏览器中打开工作台。资料保存在用户文件夹下的 gridmap 中。

不再使用时删除本文件夹即可。SHA256SUMS 列出每个文件的校验值，可用 certutil -hashfile 文件 SHA256 核对。
简报可直接生成 .pdf、.docx、.pptx、.xlsx，无需另装软件。
"""


def locked(text: str) -> dict[str, set[str]]:
    """Name and version, as in `numpy-2.4.6`, → the hashes that the lock allows."""
    found: dict[str, set[str]] = {}
    name = ""
    for line in text.splitlines():
        if match := re.match(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)", line):
            name = f"{normal(match[1])}-{match[2]}"
            found[name] = set()
        found[name] |= set(re.findall(r"sha256:([0-9a-f]{64})", line)) if name else set()
    return found


def normal(name: str) -> str:
    """A package's name as every index spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def checked_wheels(wheels: list[Path], text: str) -> None:
    """Hold the wheels against the lock: each there once, for Windows, and of a hash that the lock allows."""
    allowed = locked(text)
    found = {}
    for path in wheels:
        name, version, *tags = path.stem.split("-")
        if tags[-1] not in ("any", "win_amd64"):
            raise SystemExit(f"{path.name} is not for 64-bit Windows.")
        found[f"{normal(name)}-{version}"] = path
    missing, more = sorted(set(allowed) - set(found)), sorted(set(found) - set(allowed))
    if missing or more:
        raise SystemExit(
            f"The wheels are not those of {LOCK.name}: missing {missing or 'none'}, too many {more or 'none'}."
        )
    for name, path in found.items():
        if hashlib.sha256(path.read_bytes()).hexdigest() not in allowed[name]:
            raise SystemExit(f"{path.name} is not the file that {LOCK.name} names: its SHA-256 is another.")


def files(wheels: list[Path], own: Path, lock: str, python: bytes | None, version: str) -> dict[str, bytes]:
    """Every file of the folder by its name; SHA256SUMS last."""
    requirements = lock + f"./wheels/{own.name} --hash=sha256:{_sha(own.read_bytes())}\n"
    made = {
        "安装.bat": INSTALL.replace("\n", "\r\n").encode("utf-8"),
        "开始.bat": START.replace("\n", "\r\n").encode("utf-8"),
        "README 说明.txt": ("\ufeff" + README.format(version=version).replace("\n", "\r\n")).encode("utf-8"),
        "LICENSE.txt": (ROOT / "LICENSE").read_bytes(),
        "requirements.txt": requirements.encode("utf-8"),
    }
    made |= {f"wheels/{path.name}": path.read_bytes() for path in sorted([*wheels, own])}
    if python is not None:
        made |= _embedded(python)
    sums = "".join(f"{_sha(content)}  {name}\n" for name, content in sorted(made.items()))
    return made | {"SHA256SUMS": sums.encode("utf-8")}


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _embedded(packed: bytes) -> dict[str, bytes]:
    """The embeddable Python, told where its packages are."""
    import io

    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        made = {f"python/{name}": archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    paths = next((name for name in made if name.endswith("._pth")), None)
    if paths is None or "python/python.exe" not in made:
        raise SystemExit("This is not an embeddable Python: it has no python.exe or no ._pth file.")
    library = Path(paths).name.replace("._pth", ".zip")
    made[paths] = "\r\n".join([library, ".", r"..\app\site-packages", "import site", ""]).encode("ascii")
    return made


def write_zip(made: dict[str, bytes], path: Path) -> None:
    """All files in one folder of a zip; the same bytes whenever it is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in sorted(made.items()):
            entry = zipfile.ZipInfo(f"gridmap-windows/{name}", LONG_AGO)
            how = zipfile.ZIP_STORED if name.endswith(".whl") else zipfile.ZIP_DEFLATED
            archive.writestr(entry, content, how)


def lock() -> None:
    """Resolve for Windows, with the versions that requirements.lock has."""
    from packaging.requirements import Requirement

    windows = {"python_version": VERSION, "python_full_version": f"{VERSION}.9", "sys_platform": "win32"}
    windows |= {"platform_system": "Windows", "os_name": "nt", "platform_machine": "AMD64"}
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    wanted = [Requirement(line.rstrip("\\ ")) for line in lines if re.match(r"[a-z0-9._-]+==", line)]
    kept = [f"{r.name}{r.specifier}" for r in wanted if r.marker is None or r.marker.evaluate(windows)]
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("\n".join(kept), encoding="utf-8")
        extras = [word for extra in EXTRAS for word in ("--extra", extra)]
        how = [
            "--python-platform",
            "windows",
            "--python-version",
            VERSION,
            "--generate-hashes",
            "--only-binary",
            ":all:",
        ]
        quiet = ["--no-emit-index-url", "--no-annotate", "--no-header", "--quiet"]
        command = ["uv", "pip", "compile", "pyproject.toml", "-", *extras, *how, *quiet, "-c", constraints, "-o", LOCK]
        subprocess.run(command, cwd=ROOT, input="pip\n", text=True, check=True)


def check() -> None:
    """Ask for every wheel without fetching it."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        how = ["--dry-run", "--quiet", "--no-deps", "--report", report, "--require-hashes", "--target", folder]
        subprocess.run([sys.executable, "-m", "pip", "install", *how, *TARGET, "-r", LOCK], check=True)
        found = json.loads(report.read_text(encoding="utf-8"))["install"]
    names = {f"{normal(entry['metadata']['name'])}-{entry['metadata']['version']}" for entry in found}
    missing = sorted(set(locked(LOCK.read_text(encoding="utf-8"))) - names)
    if missing:
        raise SystemExit(f"No wheel for 64-bit Windows: {', '.join(missing)}")
    print(f"All {len(names)} wheels of {LOCK.name} are there for 64-bit Windows and Python {VERSION}.")


def build(out: Path, python: Path | None, sha256: str | None) -> None:
    """Fetch the wheels, hold them against the lock, and pack them."""
    packed = None
    if python is not None:
        packed = python.read_bytes()
        if sha256 is None or _sha(packed) != sha256.lower():
            raise SystemExit(f"{python.name} has another SHA-256 than the one given: {_sha(packed)}")
    text = LOCK.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip"]
        fetch = [*pip, "download", "--quiet", "--no-deps", "--require-hashes", "--dest", folder, *TARGET, "-r", LOCK]
        subprocess.run(fetch, check=True)
        wheels = sorted(Path(folder).glob("*.whl"))
        checked_wheels(wheels, text)
        own = Path(folder) / "own"
        subprocess.run([*pip, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", own, ROOT], check=True)
        (wheel,) = own.glob("gridmap-*.whl")
        made = files(wheels, wheel, text, packed, wheel.name.split("-")[1])
    write_zip(made, out)
    print(f"{out}: {out.stat().st_size / 1e6:,.0f} MB, {len(made)} files" + ("" if packed else ", without Python"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=("lock", "check", "build"))
    parser.add_argument("--out", type=Path, default=ROOT / "dist" / "gridmap-windows.zip")
    parser.add_argument("--python", type=Path)
    parser.add_argument("--sha256")
    given = parser.parse_args()
    if given.what == "build":
        build(given.out, given.python, given.sha256)
    else:
        {"lock": lock, "check": check}[given.what]()
