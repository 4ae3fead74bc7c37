"""Each promise of docs/trust.md names a test that is there."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_tests_that_the_trust_page_names_exist():
    text = (ROOT / "docs/trust.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)
    assert len(named) > 15
    for file, name in named:
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, f"{file}::{name}"


def test_each_promise_names_a_test():
    text = (ROOT / "docs/trust.md").read_text(encoding="utf-8")
    table = text.split("| promise | test |")[1].split("\n\n")[0].strip().splitlines()[1:]
    assert [row for row in table if "::test_" not in row] == []
