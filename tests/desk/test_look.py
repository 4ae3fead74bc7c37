"""Counts of a selection: the three ways to count agree with counting by hand, whatever is filtered."""

import random

import numpy as np
import pytest

from gridmap.desk.pages import look
from gridmap.desk.pages.look import Filter, Look, month_number
from gridmap.desk.workers import UNKNOWN_MONTH, write_look

pytest.importorskip("starlette", reason='pip install "gridmap[desk]"')

ROWS, CELLS = 5_000, 40


@pytest.fixture(scope="module")
def columns():
    rng = np.random.default_rng(22)
    months = np.append(np.arange(month_number("2023-11"), month_number("2024-03")), UNKNOWN_MONTH)
    return {
        "cell": rng.integers(-1, CELLS, ROWS).astype(np.int32),
        "kind": rng.integers(-1, 5, ROWS).astype(np.int16),
        "month": rng.choice(months, ROWS).astype(np.int16),
        "weekday": rng.integers(-1, 7, ROWS).astype(np.int8),
        "hour": rng.integers(-1, 24, ROWS).astype(np.int8),
        "found": rng.integers(-1, 2, ROWS).astype(np.int8),
    }


@pytest.fixture(scope="module")
def opened(columns, tmp_path_factory):
    table = tmp_path_factory.mktemp("look") / "look.parquet"
    write_look(table, columns)
    square = [[[[0, 0], [1, 0], [1, 1], [0, 0]]]]
    about = {"ids": [str(i) for i in range(CELLS + 1)], "rings": square * (CELLS + 1), "box": [0, 0, 1, 1]}
    found = Look.open(table, about)
    yield found
    found.close()


def by_hand(columns, chosen: Filter) -> np.ndarray:
    keep = columns["cell"] >= 0
    for name, wanted in (("kind", chosen.kinds), ("weekday", chosen.weekdays)):
        keep &= np.isin(columns[name], wanted) if wanted else True
    if chosen.first is not None:
        keep &= columns["month"] >= chosen.first
    if chosen.last is not None:
        keep &= (columns["month"] <= chosen.last) & (columns["month"] != UNKNOWN_MONTH)
    if (chosen.from_hour, chosen.to_hour) != (0, 23):
        hours = [(chosen.from_hour + i) % 24 for i in range((chosen.to_hour - chosen.from_hour) % 24 + 1)]
        keep &= np.isin(columns["hour"], hours)
    if chosen.found is not None:
        keep &= (columns["found"] == 1) == bool(chosen.found)
    return keep


def selections():
    rng = random.Random(22)
    for _ in range(25):
        yield Filter(
            kinds=tuple(rng.sample(range(5), rng.randint(0, 3))),
            first=rng.choice([None, month_number("2023-12")]),
            last=rng.choice([None, month_number("2024-01")]),
            weekdays=tuple(rng.sample(range(7), rng.choice([0, 2, 5]))),
            from_hour=(hours := rng.choice([(0, 23), (6, 11), (22, 5), (8, 8)]))[0],
            to_hour=hours[1],
            found=rng.choice([None, None, 0, 1]),
        )


@pytest.mark.parametrize("way", ["in the cache", "in one piece", "over the file"])
def test_every_way_to_count_counts_what_is_there(opened, columns, monkeypatch, way):
    if way == "in one piece":
        monkeypatch.setattr(look, "FEW_CELLS", 0)
    if way == "over the file":
        monkeypatch.setattr(opened, "_codes", None)
    for chosen in selections():
        keep = by_hand(columns, chosen)
        cells, others = opened.counts(chosen)
        assert cells.tolist() == np.bincount(columns["cell"][keep], minlength=CELLS + 1).tolist()
        for name in look.NAMES:
            values, n = np.unique(columns[name][keep], return_counts=True)
            assert others[name] == dict(zip(values.tolist(), n.tolist(), strict=True)), (name, chosen)
