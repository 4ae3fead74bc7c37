"""What docs/management-grids.md tells a newcomer to type draws the grids and shows them on a map."""

import re

import gridmap as gm


def test_the_page_s_python_draws_grids_and_shows_them(root, tmp_path, monkeypatch):
    text = (root / "docs/management-grids.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.S)
    assert len(blocks) == 2
    monkeypatch.chdir(tmp_path)
    small = gm.samples.simulated_county(random_state=0, households=20_000, events=3_000)
    monkeypatch.setattr(gm.samples, "simulated_county", lambda **_: small)
    names: dict = {}
    for block in blocks:
        exec(compile(block, "docs/management-grids.md", "exec"), names)
    assert names["grid"].report["contiguous"].all()
    assert names["codes"].str.fullmatch(r"\d{15}").all()
    assert names["totals"].loc["990101", "count"] == len(small.incidents)
    assert (tmp_path / "grids.html").stat().st_size > 100_000
