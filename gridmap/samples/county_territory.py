"""The land of the simulated county: its streets and towns, communities and villages, and a river.

How does one make borders that no method has an easy time with? Cells of a fine random mosaic (Voronoi) are gathered
into communities of like size around the seats (Lloyd's rounds of assigning and recentring), so borders are as ragged
as those of real villages; cells cut off from the rest of their community then join the one around them.
Everything here is in metres around the county seat.
"""

import numpy as np
import pandas as pd
import scipy
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

__all__ = ["COUNTY", "COUNTY_NAME", "ESTATES", "SEAT_M", "make_territory"]

COUNTY, COUNTY_NAME = "990101", "望川县"
RADIUS_M = 16_000
SEAT_M = 3_200  # the built-up seat
STREETS = (("001", "城关街道"), ("002", "东湖街道"), ("003", "新华街道"), ("004", "工业园街道"))
TOWNS = (
    ("100", "柳林镇"),
    ("101", "石桥镇"),
    ("102", "双河镇"),
    ("103", "马营镇"),
    ("104", "白塔镇"),
    ("200", "青山乡"),
)
ESTATES = [
    "朝阳",
    "和平",
    "建设",
    "光明",
    "胜利",
    "解放",
    "文化",
    "人民",
    "幸福",
    "红旗",
    "迎宾",
    "滨河",
    "学府",
    "书香",
    "金桂",
    "翠湖",
    "锦绣",
    "康乐",
    "长安",
    "民主",
]
SURNAMES = [
    "张",
    "王",
    "李",
    "赵",
    "刘",
    "陈",
    "杨",
    "黄",
    "周",
    "吴",
    "徐",
    "孙",
    "马",
    "朱",
    "胡",
    "郭",
    "何",
    "林",
    "高",
    "罗",
    "郑",
    "梁",
    "谢",
    "宋",
    "唐",
    "许",
    "韩",
    "冯",
    "邓",
    "曹",
    "彭",
    "曾",
]
VILLAGES = ("家庄", "家湾", "家沟", "楼", "庙", "寨", "营", "家岗")


def make_territory(rng) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Communities in metres around the seat, the seats of streets and towns, and a river."""
    turn = np.linspace(0, 2 * np.pi, 240, endpoint=False)
    wave = sum(rng.normal(0, 0.09 / k) * np.cos(k * turn + rng.uniform(0, 6.28)) for k in range(2, 9))
    outline = shapely.polygons(np.column_stack([np.cos(turn), np.sin(turn)]) * (RADIUS_M * (1 + wave))[:, None])
    # Borders run along the cells of a fine mosaic, so they are as ragged as those of real villages.
    grain = np.vstack([rng.normal(0, 3_500, (2_600, 2)), rng.uniform(-1.4, 1.4, (4_200, 2)) * RADIUS_M])
    grain = grain[shapely.contains_xy(outline, *grain.T)]
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(grain), extend_to=outline, ordered=True))
    cells = shapely.intersection(cells, outline)
    middle = shapely.get_coordinates(shapely.centroid(cells))

    angle = np.arange(4) * np.pi / 2 + rng.uniform(0, 1.5)
    near = [np.array([1_500 * np.cos(a), 1_500 * np.sin(a)]) for a in angle]
    far = [
        np.array([np.cos(a), np.sin(a)]) * rng.uniform(8_500, 10_500)
        for a in np.arange(6) * np.pi / 3 + rng.uniform(0, 1.0)
    ]
    seats = np.array([*near, *far])
    urban = np.arange(10) < 4
    from_centre = np.hypot(*middle.T)
    away = scipy.spatial.distance_matrix(middle, seats)
    away[:, ~urban] += np.where(from_centre < SEAT_M, 1e6, 0)[:, None]
    away[:, urban] += np.where(from_centre >= SEAT_M, 1e6, 0)[:, None]
    street = away.argmin(axis=1)
    names = list(STREETS + TOWNS)
    estates, villages = list(rng.permutation(ESTATES)), [s + v for s in SURNAMES for v in VILLAGES]
    villages = list(rng.permutation(villages))
    rows = []
    for s, (code, title) in enumerate(names):
        own = np.flatnonzero(street == s)
        many = int(rng.integers(7, 10))
        start = middle[rng.choice(own, many - 1, replace=False)]
        start = np.vstack([seats[s], start])
        for _ in range(12):  # Lloyd: communities of like size, the first at the seat
            at = scipy.spatial.cKDTree(start).query(middle[own])[1]
            start[1:] = [middle[own[at == k]].mean(0) if (at == k).any() else start[k] for k in range(1, many)]
        at = _one_piece(cells[own], at, many)
        for k in range(many):
            shape = shapely.union_all(cells[own[at == k]], grid_size=0.001)
            town = urban[s] or k == 0
            name = (estates.pop() if len(estates) else villages.pop()) + "社区" if urban[s] else ""
            name = name or (f"{title[:-1]}街社区" if k == 0 else villages.pop() + "村")
            rows.append(
                {
                    "zone_id": f"{COUNTY}{code}{k + 1 if town else 200 + k:03d}",
                    "name": name,
                    "level": "community",
                    "parent_id": COUNTY + code,
                    "street": code,
                    "street_name": title,
                    "county": COUNTY,
                    "county_name": COUNTY_NAME,
                    "urban_rural": "111" if urban[s] else "121" if k == 0 else "220",
                    "urban": 2 if urban[s] else int(k == 0),
                    "x": start[k, 0],
                    "y": start[k, 1],
                    "geometry": shape,
                }
            )
    zones = pd.DataFrame(rows)
    bend = np.linspace(-1.3, 1.3, 200)
    course = np.column_stack([bend * RADIUS_M, -2_300 + 900 * np.sin(bend * 5) + 350 * np.sin(bend * 13)])
    river = pd.DataFrame(
        {"name": ["望川河"], "kind": ["河流"], "geometry": [shapely.intersection(shapely.linestrings(course), outline)]}
    )
    return (
        zones,
        pd.DataFrame({"x": seats[:, 0], "y": seats[:, 1], "urban": urban, "name": [n for _, n in names]}),
        river,
    )


def _one_piece(cells: np.ndarray, near: np.ndarray, many: int) -> np.ndarray:
    """Cells that are cut off from the rest of their community go to the community around them."""
    i, j = shapely.STRtree(cells).query(cells, predicate="touches")
    line = shapely.length(shapely.intersection(cells[i], cells[j])) > 1
    i, j = i[line], j[line]
    for _ in range(20):
        same = near[i] == near[j]
        part = connected_components(coo_array((np.ones(same.sum()), (i[same], j[same])), shape=(len(cells),) * 2))[1]
        size = np.bincount(part)
        main = {k: max(np.unique(part[near == k]), key=lambda p: size[p]) for k in range(many) if (near == k).any()}
        loose = np.array([part[c] != main[near[c]] for c in range(len(cells))])
        if not loose.any():
            break
        for c in np.flatnonzero(loose):
            around = near[j[(i == c) & ~loose[j]]]
            if len(around):
                near[c] = np.bincount(around).argmax()
    return near
