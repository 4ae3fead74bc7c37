"""The set-up's own files say the same thing."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
CONDA_NAMES = {
    "duckdb": "python-duckdb",
    "h3": "h3-py",
    "matplotlib": "matplotlib-base",
    "osmium": "pyosmium",
    "playwright": "playwright-python",
    "typst": "typst-py",
}


def declared() -> dict[str, str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    groups = project["dependency-groups"]
    assert groups["test"].count({"include-group": "docs"}) == 1
    wanted = project["project"]["dependencies"] + [p for p in groups["test"] if isinstance(p, str)] + groups["docs"]
    wanted += [package for name, extra in extras.items() if name not in ("all", "spark", "ray") for package in extra]
    return {r.name.lower(): str(r.specifier) for r in map(Requirement, wanted)}


def test_environment_yml_offers_the_same_dependencies():
    conda = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    found = dict(re.fullmatch(r"([\w.-]+)(.*)", line).groups() for line in conda)
    assert found.pop("python") == ">=3.11"
    assert found == {CONDA_NAMES.get(name, name): version for name, version in declared().items()}


def test_the_lock_holds_every_dependency_with_hashes_and_no_address():
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = {name.lower() for name in re.findall(r"^([\w.-]+)==", text, flags=re.M)}
    assert set(declared()) <= locked
    blocks = re.split(r"\n(?=\w)", text.strip())
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in text
    assert "index-url" not in text


def test_each_dependency_has_a_line_of_reason():
    text = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
    explained = re.findall(r"^\| ([\w.-]+) \| .{10,} \|", text, flags=re.M)
    assert set(explained) - {"package"} == set(declared())


def committed() -> list[str]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_committed_file_names_a_registry_or_a_machine():
    hosts = re.compile(
        rb"py[p]i\.org|python[h]osted\.org|registry\.[n]pmjs|deb\.[d]ebian\.org|/[w]ork/main|/[r]oot/|file:///[a-z]"
    )
    named = [name for name in committed() if hosts.search((ROOT / name).read_bytes())]
    assert named == []


def test_bundled_data_stay_small():
    size = sum((ROOT / name).stat().st_size for name in committed() if name.startswith("data/"))
    assert size < 7_000_000


def test_every_make_target_is_described_and_make_help_lists_it():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.search(r"^\.PHONY: (.*)$", text, flags=re.M).group(1).split())
    described = set(re.findall(r"^([a-z-]+):.*##", text, flags=re.M))
    assert targets == described
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert all(f"make {target}" in shown for target in targets)
