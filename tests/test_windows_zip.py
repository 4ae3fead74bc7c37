"""The zip for a Windows PC without internet: complete by hash, and made of what pip and cmd.exe can read."""

import hashlib
import io
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from .scripts import script

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def windows():
    return script("windows")


def wheel(folder: Path, name: str, version: str = "1.0", tag: str = "py3-none-any") -> Path:
    """A small wheel that pip installs."""
    path = folder / f"{name}-{version}-{tag}.whl"
    about = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", f"version = {version!r}\n")
        archive.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{about}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
        archive.writestr(f"{about}/RECORD", "")
    return path


def lock_of(*wheels: Path) -> str:
    lines = []
    for path in wheels:
        name, version, *_ = path.stem.split("-")
        lines.append(f"{name}=={version} \\\n    --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n")
    return "".join(lines)


def test_the_lock_for_windows_has_every_dependency_with_hashes(windows):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    assert set(windows.EXTRAS) == set(extras) - {"all", "spark", "ray"}
    wanted = [*project["dependencies"], *(package for extra in windows.EXTRAS for package in extras[extra])]
    text = (ROOT / "requirements-windows.lock").read_text(encoding="utf-8")
    locked = windows.locked(text)
    names = {entry.rsplit("-", 1)[0] for entry in locked}
    assert {windows.normal(Requirement(package).name) for package in wanted} | {"pip", "colorama"} <= names
    assert all(locked.values())
    assert "://" not in text
    both = windows.locked((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    assert set(locked) - set(both) <= {entry for entry in locked if entry.startswith("pip-")}  # the same versions


def test_the_folder_is_whole_and_what_cmd_and_pip_read(windows, tmp_path):
    parts = [wheel(tmp_path, "first"), wheel(tmp_path, "second", "2.1")]
    own = wheel(tmp_path, "gridmap", "0.1.0")
    made = windows.files(parts, own, lock_of(*parts), None, "0.1.0")
    assert set(made) == {
        *("安装.bat", "开始.bat", "README 说明.txt", "LICENSE.txt", "requirements.txt", "SHA256SUMS"),
        *(f"wheels/{path.name}" for path in [*parts, own]),
    }
    for name in ("安装.bat", "开始.bat"):
        text = made[name].decode("utf-8")
        assert text.count("\n") == text.count("\r\n")
        assert text.startswith("@echo off\r\nchcp 65001 >nul")
        labels = {line[1:] for line in text.split("\r\n") if line.startswith(":")}
        jumps = {word for line in text.split("\r\n") if "goto " in line for word in [line.split("goto ")[1].split()[0]]}
        assert jumps <= labels
    sums = dict(reversed(line.split("  ", 1)) for line in made["SHA256SUMS"].decode("utf-8").splitlines())
    assert sums == {name: hashlib.sha256(content).hexdigest() for name, content in made.items() if name != "SHA256SUMS"}
    for number in range(2):
        windows.write_zip(made, tmp_path / f"{number}.zip")
    assert (tmp_path / "0.zip").read_bytes() == (tmp_path / "1.zip").read_bytes()


def test_pip_installs_what_the_folder_names_and_nothing_else(windows, tmp_path):
    part, own = wheel(tmp_path, "firstpart"), wheel(tmp_path, "gridmap", "0.1.0")
    windows.write_zip(windows.files([part], own, lock_of(part), None, "0.1.0"), tmp_path / "whole.zip")
    with zipfile.ZipFile(tmp_path / "whole.zip") as archive:
        archive.extractall(tmp_path)
    command = ["install", "--quiet", "--disable-pip-version-check", "--no-index", "--find-links", "wheels"]
    command += ["--require-hashes", "--target"]
    subprocess.run(
        [sys.executable, "-m", "pip", *command, str(tmp_path / "app"), "-r", "requirements.txt"],
        cwd=tmp_path / "gridmap-windows",
        check=True,
    )
    assert {path.name for path in (tmp_path / "app").glob("*.py")} == {"firstpart.py", "gridmap.py"}


def test_wheels_that_are_not_those_of_the_lock_are_refused(windows, tmp_path):
    first, second = wheel(tmp_path, "first"), wheel(tmp_path, "second")
    windows.checked_wheels([first, second], lock_of(first, second))
    with pytest.raises(SystemExit, match=r"missing \['second-1\.0'\]"):
        windows.checked_wheels([first], lock_of(first, second))
    with pytest.raises(SystemExit, match=r"too many \['second-1\.0'\]"):
        windows.checked_wheels([first, second], lock_of(first))
    with pytest.raises(SystemExit, match="not for 64-bit Windows"):
        windows.checked_wheels([wheel(tmp_path, "third", tag="cp311-cp311-manylinux_2_28_x86_64")], "")
    text = lock_of(first)
    first.write_bytes(first.read_bytes() + b" ")
    with pytest.raises(SystemExit, match="its SHA-256 is another"):
        windows.checked_wheels([first], text)


def test_an_embeddable_python_is_told_where_the_packages_are(windows, tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("python.exe", "MZ")
        archive.writestr("python311._pth", "python311.zip\n.\n#import site\n")
    made = windows.files([], wheel(tmp_path, "gridmap"), "", packed.getvalue(), "1.0")
    lines = made["python/python311._pth"].decode("ascii").split("\r\n")
    assert lines == ["python311.zip", ".", r"..\app\site-packages", "import site", ""]
    with pytest.raises(SystemExit, match="not an embeddable Python"):
        windows.files([], tmp_path / "gridmap-1.0-py3-none-any.whl", "", _empty_zip(), "1.0")
    (tmp_path / "python.zip").write_bytes(packed.getvalue())
    with pytest.raises(SystemExit, match="another SHA-256"):
        windows.build(tmp_path / "out.zip", tmp_path / "python.zip", "00")
    assert not (tmp_path / "out.zip").exists()


def _empty_zip() -> bytes:
    packed = io.BytesIO()
    zipfile.ZipFile(packed, "w").close()
    return packed.getvalue()
