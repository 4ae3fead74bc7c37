"""Two years of events in the simulated county, and what was planted in them.

The background follows the people: each kind has a rate per resident, more in town or more in the villages, with its
own seasons, weekdays and hours. On top of it are planted

- hotspots of several shapes (a circle, a street, an estate with its dormitories, a ring around a market), each with a
  strength (how many times the background) and, for some, a time;
- near-repeat burglaries: a share of them is followed by another within 200 m and 14 days;
- a silent community, which reports next to nothing of what happens;
- three measures: one that worked, one after which the events only moved to the places around, and one that did nothing,
  taken where the count of the year before was a peak by chance, so that it falls back;
- a community that handles its events late, and one that closes them on paper, minutes before the deadline;
- disputes that come before violence at the same place.

`Truth` names all of it.
"""

from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import scipy
import shapely

__all__ = ["Truth", "make_events"]

START, END = np.datetime64("2023-01-01"), np.datetime64("2025-01-01")
DAYS = int((END - START) / np.timedelta64(1, "D"))
SILENT_REPORTS = 0.05  # of its events the silent community reports this share

# name, group, share of all, pull of town against village, peak month (0 none), peak hour, share with an interval
KINDS = (
    ("入室盗窃", "案件", 0.085, 1.6, 2, 14, 0.75),
    ("电动车盗窃", "案件", 0.085, 3.0, 7, 20, 0.55),
    ("扒窃", "案件", 0.035, 5.0, 1, 11, 0.10),
    ("诈骗", "案件", 0.060, 1.5, 0, 15, 0.00),
    ("打架斗殴", "案件", 0.035, 2.0, 7, 22, 0.00),
    ("赌博", "案件", 0.020, 0.6, 2, 21, 0.00),
    ("牲畜盗窃", "案件", 0.010, 0.05, 12, 3, 0.90),
    ("邻里纠纷", "纠纷", 0.070, 1.0, 0, 18, 0.00),
    ("物业纠纷", "纠纷", 0.040, 9.0, 0, 19, 0.00),
    ("土地承包纠纷", "纠纷", 0.030, 0.05, 9, 10, 0.00),
    ("宅基地纠纷", "纠纷", 0.020, 0.05, 4, 10, 0.00),
    ("征地拆迁纠纷", "纠纷", 0.015, 1.2, 0, 10, 0.00),
    ("讨薪", "纠纷", 0.020, 2.5, 12, 9, 0.00),
    ("婚姻家庭纠纷", "纠纷", 0.045, 1.0, 0, 20, 0.00),
    ("交通赔偿纠纷", "纠纷", 0.030, 1.5, 0, 17, 0.00),
    ("乱倒垃圾", "事项", 0.130, 2.0, 7, 9, 0.00),
    ("井盖缺失", "事项", 0.050, 4.0, 0, 9, 0.00),
    ("路灯故障", "事项", 0.080, 2.0, 12, 19, 0.00),
    ("占道经营", "事项", 0.090, 5.0, 5, 17, 0.00),
    ("消防隐患", "事项", 0.050, 2.0, 1, 10, 0.00),
)
FOUND_BY_PATROL = {"事项": 0.55, "案件": 0.06, "纠纷": 0.12}
REGRESSED, MEASURED = "婚姻家庭纠纷", "2024-01-01"  # of the measure that did nothing
EXTRA = (1.5, 4.0)  # times the background, planted on top of it where a measure was taken
SLOWER = 3.0  # handling takes so many times as long in the late community
ON_PAPER, REOPENED = 0.8, (0.02, 0.3)  # share of late events closed on paper; reopened elsewhere, and of these
STEPS = ("filed_at", "dispatched_at", "handled_at", "checked_at", "closed_at")
STEP_HOURS = {"案件": (2, 6, 240, 48, 24), "纠纷": (3, 5, 96, 24, 12), "事项": (0.5, 1, 10, 5, 3)}


@dataclass(frozen=True)
class Truth:
    """What was planted in the simulated county.

    Attributes
    ----------
    hotspots : GeoDataFrame, EPSG:4326
        `name, category, shape, strength` (times the background), `since, until, events` (planted), geometry.
    measures : GeoDataFrame, EPSG:4326
        `name, category, start, effect` (share of the events gone), `displaced` (share of those that went to the places
        around), `worked`, `extra` (events planted there on top of the background), geometry (the target), `moved_to`
        (the area they went to, None where they did not). The third has no effect: its community was chosen because it
        had a peak in the year before.
    silent_community : str
        The `zone_id` that reports next to nothing.
    silent_reports : float
        The share of its events that it reports.
    near_repeat : dict
        `category, share, distance_m, days`.
    precursors : dict
        `before, after, share, days`: disputes that turned into violence at the same place.
    kinds : DataFrame
        `category, group, share, town_pull, peak_month, peak_hour`.
    late_community : str
        The `zone_id` where handling takes three times as long.
    paper_community : str
        The `zone_id` that closes most of what would be late in the minutes before the deadline, and reopens much of it.
    """

    hotspots: gpd.GeoDataFrame
    measures: gpd.GeoDataFrame
    silent_community: str
    silent_reports: float
    near_repeat: dict
    precursors: dict
    kinds: pd.DataFrame
    late_community: str = ""
    paper_community: str = ""

    def located(self, to_degrees) -> "Truth":
        """The same with its metres taken to lon, lat."""
        found = {}
        for name in ("hotspots", "measures"):
            frame = getattr(self, name).copy()
            for column in {"geometry", "moved_to"} & set(frame):
                shapes = [None if s is None else shapely.transform(s, to_degrees) for s in frame[column]]
                frame[column] = gpd.GeoSeries(shapes, crs=4326)
            found[name] = gpd.GeoDataFrame(frame, geometry="geometry", crs=4326)
        return replace(self, **found)


def make_events(zones, buildings, roads, seats, events: int, rng) -> tuple[pd.DataFrame, Truth]:
    """The events as a table in metres (`x, y, zone`), and the truth about them."""
    town = zones["urban"].to_numpy()[buildings["zone"]] > 0
    persons = buildings["persons"].to_numpy(float)
    at = buildings[["x", "y"]].to_numpy()
    hotspots, measures = _planted(zones, roads, seats)
    for frame in (hotspots, measures):
        held = [np.flatnonzero(shapely.contains_xy(shape, *at.T)) for shape in frame["geometry"]]
        frame["held"] = pd.Series(held, index=frame.index, dtype=object)
    parts = []
    planted = np.zeros(len(hotspots), np.int64)
    for name, _, share, pull, month, hour, interval in KINDS:
        weight = persons * np.where(town, pull, 1.0)
        weight /= weight.sum()
        mean = events * share * 0.98
        places = [rng.choice(len(at), rng.poisson(mean), p=weight)]
        days = [_days(len(places[0]), month, rng)]
        for h in np.flatnonzero(hotspots["category"] == name):
            held = hotspots["held"][h]
            since, until = (_day(hotspots[end][h]) for end in ("since", "until"))
            base = mean * weight[held].sum() * (until - since) / DAYS
            extra = rng.poisson(base * (hotspots["strength"][h] - 1))
            planted[h] += extra
            if extra:
                places.append(rng.choice(held, extra, p=weight[held] / weight[held].sum()))
                days.append(rng.integers(since, until, extra))
        place, day = np.concatenate(places), np.concatenate(days)
        for m in np.flatnonzero(measures["category"] == name):
            place, day = _measure(measures.loc[m], place, day, at, rng)
        parts.append(_timed(name, place, day, hour, interval, rng))
    table = pd.concat(parts, ignore_index=True)
    hotspots["events"] = planted
    table = pd.concat([table, _repeats(table, at, rng), _after_disputes(table, rng)], ignore_index=True)
    table["zone"] = buildings["zone"].to_numpy()[table["place"]]
    jitter = rng.normal(0, 6, (len(table), 2))
    table["x"], table["y"] = (at[table["place"]] + jitter).T
    silent = _quiet(zones)
    gone = (table["zone"].to_numpy() == silent) & (rng.random(len(table)) >= SILENT_REPORTS)
    table = table[~gone].reset_index(drop=True)
    late, paper = _slow_and_paper(zones)
    table = _life(table, rng, late, paper)
    ids = [f"E{k + 1:06d}" for k in rng.permutation(len(table))]
    where = (at, buildings["zone"].to_numpy())
    more = _where_measures_were_taken(measures, where, events, persons, town, rng.spawn(1)[0])
    measures["extra"] = more["measure"].value_counts().reindex(measures.index, fill_value=0)
    more = more[more["zone"] != silent].drop(columns="measure").reset_index(drop=True)
    table = pd.concat([table, _life(more, rng.spawn(1)[0], late, paper)], ignore_index=True)
    measures = pd.concat([measures, _fallen_back(table, zones)], ignore_index=True)
    zone_ids = zones["zone_id"].to_numpy()
    table["zone_id"] = zone_ids[table["zone"]]
    ids += [f"E{k + 1:06d}" for k in range(len(ids), len(table))]
    table.insert(0, "incident_id", ids)
    kinds = pd.DataFrame(
        [k[:6] for k in KINDS], columns=["category", "group", "share", "town_pull", "peak_month", "peak_hour"]
    )
    truth = Truth(
        hotspots=hotspots.drop(columns="held"),
        measures=measures.drop(columns="held"),
        late_community=str(zone_ids[late]),
        paper_community=str(zone_ids[paper]),
        silent_community=str(zone_ids[silent]),
        silent_reports=SILENT_REPORTS,
        near_repeat={"category": "入室盗窃", "share": 0.15, "distance_m": 200, "days": 14},
        precursors={"before": "邻里纠纷", "after": "打架斗殴", "share": 0.06, "days": 30},
        kinds=kinds,
    )
    return table.drop(columns="place"), truth


def _planted(zones, roads, seats) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Where the hotspots and the measures are, in metres."""
    x, y = seats["x"].to_numpy(), seats["y"].to_numpy()
    seat = shapely.points(0, 0)
    street = roads["geometry"][(roads["level"] == 2) & (shapely.length(roads["geometry"].to_numpy()) > 2_000)].iloc[-1]
    plant = shapely.box(x[3] - 380, y[3] - 250, x[3] + 380, y[3] + 250)
    dormitories = shapely.box(x[3] - 300, y[3] + 380, x[3] + 250, y[3] + 640)
    market = shapely.difference(
        shapely.buffer(shapely.points(x[4], y[4]), 650), shapely.buffer(shapely.points(x[4], y[4]), 200)
    )
    rows = [
        (
            "老城入室盗窃",
            "入室盗窃",
            "circle",
            6.0,
            "2023-01-01",
            "2025-01-01",
            shapely.buffer(shapely.points(x[0], y[0]), 450),
        ),
        ("夜市街电动车盗窃", "电动车盗窃", "street", 4.0, "2023-01-01", "2025-01-01", shapely.buffer(street, 110)),
        (
            "厂区及宿舍打架",
            "打架斗殴",
            "estate",
            8.0,
            "2023-01-01",
            "2025-01-01",
            shapely.union_all([plant, dormitories]),
        ),
        ("厂区讨薪", "讨薪", "estate", 10.0, "2023-10-01", "2024-03-01", shapely.union_all([plant, dormitories])),
        ("集镇环市诈骗", "诈骗", "ring", 5.0, "2023-01-01", "2025-01-01", market),
        (
            "新发入室盗窃",
            "入室盗窃",
            "circle",
            8.0,
            "2024-07-01",
            "2025-01-01",
            shapely.buffer(shapely.points(x[5], y[5]), 600),
        ),
        (
            "征地片区",
            "征地拆迁纠纷",
            "circle",
            12.0,
            "2023-06-01",
            "2024-06-01",
            shapely.buffer(shapely.points(x[2] + 900, y[2]), 700),
        ),
        ("微弱扒窃", "扒窃", "circle", 2.0, "2023-01-01", "2025-01-01", shapely.buffer(seat, 500)),
    ]
    columns = ["name", "category", "shape", "strength", "since", "until", "geometry"]
    hotspots = pd.DataFrame(rows, columns=columns)
    one = shapely.buffer(shapely.points(x[1], y[1]), 550)
    two = shapely.buffer(shapely.points(x[2], y[2]), 500)
    ring = shapely.difference(shapely.buffer(two, 400), two)
    measures = pd.DataFrame(
        [
            ("亮灯与巡防", "电动车盗窃", "2024-01-01", 0.6, 0.0, True, one, None),
            ("占道经营整治", "占道经营", "2024-01-01", 0.6, 1.0, False, two, ring),
        ],
        columns=["name", "category", "start", "effect", "displaced", "worked", "geometry", "moved_to"],
    )
    return hotspots, measures


def _where_measures_were_taken(measures, where, events: int, persons, town, rng) -> pd.DataFrame:
    """More of its kind at the target of each measure, which is why it was taken there; the measure acts on them too.

    From a stream of its own, so that every other event of a seed stays as it was before there were these.
    """
    at, zone = where
    kinds = {k[0]: k for k in KINDS}
    parts = []
    for m, measure in measures.iterrows():
        name, _, share, pull, month, hour, interval = kinds[measure["category"]]
        weight = persons * np.where(town, pull, 1.0)
        held, weight = measure["held"], weight / weight.sum()
        n = rng.poisson(EXTRA[m] * events * share * weight[held].sum()) if len(held) else 0
        place = rng.choice(held, n, p=weight[held] / weight[held].sum()) if n else np.zeros(0, int)
        place, day = _measure(measure, place, _days(n, month, rng), at, rng)
        parts.append(_timed(name, place, day, hour, interval, rng).assign(measure=m))
    table = pd.concat(parts, ignore_index=True)
    table["zone"] = zone[table["place"]]
    table["x"], table["y"] = (at[table["place"]] + rng.normal(0, 6, (len(table), 2))).T
    return table


def _day(date: Any) -> int:
    """The day of the simulation that a date is."""
    return int((np.datetime64(date, "D") - START) // np.timedelta64(1, "D"))


def _measure(measure, place, day, at, rng) -> tuple[np.ndarray, np.ndarray]:
    """After the start a share of the target's events is gone, or has moved to the ring around it."""
    start = _day(measure["start"])
    hit = np.isin(place, measure["held"]) & (day >= start) & (rng.random(len(place)) < measure["effect"])
    moves = hit & (rng.random(len(place)) < measure["displaced"])
    if moves.any():
        near = np.flatnonzero(shapely.contains_xy(measure["moved_to"], *at.T))
        if len(near):
            place = place.copy()
            place[moves] = rng.choice(near, int(moves.sum()))
            hit = hit & ~moves
    return place[~hit], day[~hit]


def _days(n: int, peak_month: int, rng) -> np.ndarray:
    """Days since the start; a kind with a peak month has twice as many then as half a year later."""
    day = np.arange(DAYS)
    weight = np.ones(DAYS)
    if peak_month:
        weight += np.cos(2 * np.pi * (day % 365 / 365.0 - (peak_month - 0.5) / 12)) / 3
    return rng.choice(DAYS, n, p=weight / weight.sum())


def _timed(name, place, day, hour, interval, rng) -> pd.DataFrame:
    """Times of day around the kind's hour; some known only as an interval that holds the true time."""
    n = len(place)
    minute = np.round((hour + rng.normal(0, 3.2, n)) * 60).astype(np.int64) % 1440
    true = START.astype("datetime64[m]") + day * 1440 + minute
    before = np.where(rng.random(n) < interval, rng.exponential(5 * 60, n), 0).round().astype(np.int64)
    after = np.where(before > 0, rng.exponential(5 * 60, n), 0).round().astype(np.int64)
    return pd.DataFrame({"category": name, "place": place, "occurred_from": true - before, "occurred_to": true + after})


def _repeats(table: pd.DataFrame, at: np.ndarray, rng) -> pd.DataFrame:
    """Burglaries that follow another, near in place and time."""
    first = table[table["category"] == "入室盗窃"]
    first = first[rng.random(len(first)) < 0.15].reset_index(drop=True)
    near = scipy.spatial.cKDTree(at).query_ball_point(at[first["place"]], 200)
    later = (rng.exponential(4, len(first)).clip(0.1, 14) * 1440).astype("timedelta64[m]")
    follow = first.assign(
        place=[int(rng.choice(n)) for n in near],
        occurred_from=first["occurred_from"].to_numpy() + later,
        occurred_to=first["occurred_to"].to_numpy() + later,
    )
    return follow[follow["occurred_to"] < END]


def _after_disputes(table: pd.DataFrame, rng) -> pd.DataFrame:
    """Fights at the place of a dispute, within a month of it."""
    before = table[table["category"] == "邻里纠纷"]
    before = before[rng.random(len(before)) < 0.06]
    at = before["occurred_to"].to_numpy() + (rng.uniform(1, 30, len(before)) * 1440).astype("timedelta64[m]")
    after = before.assign(category="打架斗殴", occurred_from=at, occurred_to=at)
    return after[after["occurred_to"] < END]


def _quiet(zones: pd.DataFrame) -> int:
    """A village with many people, whose silence should be noticed."""
    village = np.flatnonzero(zones["urban"].to_numpy() == 0)
    return int(village[np.argsort(zones["persons"].to_numpy()[village], kind="stable")[-3]])


def _slow_and_paper(zones: pd.DataFrame) -> tuple[int, int]:
    """Two communities with many people, not the silent one: of a village and of the seat."""
    village, seat = (np.flatnonzero(zones["urban"].to_numpy() == kind) for kind in (0, 2))
    persons = zones["persons"].to_numpy()
    second, other = (int(own[np.argsort(persons[own], kind="stable")[-2]]) for own in (village, seat))
    return second, other


def _fallen_back(table: pd.DataFrame, zones: pd.DataFrame) -> pd.DataFrame:
    """A measure without effect, taken in the community with the highest chance peak of the year before.

    Quarrels in families have the same rate per resident everywhere, so a community that had many in one year is no
    different from the others in the next.
    """
    own = table[(table["category"] == REGRESSED) & (table["occurred_to"] < np.datetime64(MEASURED))]
    count = np.bincount(own["zone"], minlength=len(zones))
    persons = zones["persons"].to_numpy()
    mean = len(own) * persons / persons.sum()
    peak = int(np.argmax((count - mean) / np.sqrt(np.maximum(mean, 1))))
    row = ("婚姻家庭纠纷集中排查", REGRESSED, MEASURED, 0.0, 0.0, False, zones["geometry"].iloc[peak], None, 0)
    columns = ["name", "category", "start", "effect", "displaced", "worked", "geometry", "moved_to", "extra"]
    return pd.DataFrame([row], columns=columns)


def _life(table: pd.DataFrame, rng, slow: int, paper: int) -> pd.DataFrame:
    """Group, who found it, and the six steps of an event's life; what is not yet closed has no later steps."""
    group = table["category"].map({k[0]: k[1] for k in KINDS})
    n = len(table)
    table = table.assign(group=group)
    by_patrol = rng.random(n) < group.map(FOUND_BY_PATROL).to_numpy()
    known = rng.random(n) < 0.97
    table["officer_initiated"] = np.where(known, by_patrol, np.array(None, object))
    hours = np.array([STEP_HOURS[g] for g in group])
    found = table["occurred_to"].to_numpy() + (rng.exponential(1.5, n) * 60).astype("timedelta64[m]")
    table["found_at"] = found
    now, solved = found, rng.random(n) < np.where(group == "案件", 0.45, np.where(group == "纠纷", 0.975, 0.985))
    for step, name in enumerate(STEPS):
        wait = hours[:, step] * rng.lognormal(-0.3, 0.8, n)
        if name == "handled_at":
            wait = np.where(table["zone"] == slow, wait * SLOWER, wait)
        now = now + (wait * 60).astype("timedelta64[m]")
        late = (step >= 2) & ~solved
        table[name] = np.where(late | (now >= END), np.datetime64("NaT"), now)
    table["deadline_at"] = found + (hours.sum(axis=1) * 1.6 * 60).astype("timedelta64[m]")
    times = ("occurred_from", "occurred_to", "found_at", *STEPS, "deadline_at")
    for name in times:
        table[name] = table[name].astype("datetime64[us]")
    return _ends(table, solved, paper, rng.spawn(1)[0])  # a stream of its own: what was drawn before stays as it was


def _ends(table: pd.DataFrame, solved: np.ndarray, paper: int, rng) -> pd.DataFrame:
    """Closures on paper, what was withdrawn or reopened, and how it ended."""
    n, group = len(table), table["group"].to_numpy()
    deadline = table["deadline_at"]
    late = ((table["closed_at"] > deadline) | table["closed_at"].isna()) & (deadline < END)
    on_paper = (table["zone"] == paper) & late & (rng.random(n) < ON_PAPER) & (group != "案件")
    last = deadline - pd.to_timedelta(rng.uniform(1, 8, n).round(1), unit="min")
    for name in STEPS:
        table[name] = table[name].where(~on_paper, table[name].fillna(last).clip(upper=last))
    table[list(STEPS)] = table[list(STEPS)].astype("datetime64[us]")
    closed = table["closed_at"].notna()
    gone = ~solved & ~closed & (group != "案件") & (rng.random(n) < 0.5)
    withdrawn = table["found_at"] + pd.to_timedelta(rng.exponential(48, n).round(1), unit="h")
    table["withdrawn_at"] = withdrawn.where(gone & (withdrawn < END)).astype("datetime64[us]")
    again = closed & (rng.random(n) < np.where(on_paper, REOPENED[1], REOPENED[0]))
    reopened = table["closed_at"] + pd.to_timedelta(rng.exponential(72, n).round(1), unit="h")
    table["reopened_at"] = reopened.where(again & (reopened < END)).astype("datetime64[us]")
    ended = np.select([group == "案件", group == "纠纷"], ["破获", "调解"], "办结").astype(object)
    unsettled = closed.to_numpy() & (group == "纠纷") & (rng.random(n) < 0.02)
    ended = np.where(unsettled, "调解失败", ended)
    past = (group == "案件") & ~closed.to_numpy() & (deadline < END).to_numpy()
    gone = table["withdrawn_at"].notna().to_numpy()
    table["outcome"] = np.select([closed.to_numpy(), gone, past], [ended, "撤回", "未破"], np.array(None, object))
    return table
