"""Hotspots keep their identity, and the register loses nothing."""

import datetime as dt
from dataclasses import replace

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box

import gridmap as gm
from gridmap.errors import InputError, OutputError, ReadError
from gridmap.governance.register import _OWN

DEGREE_M = 111_320  # of latitude


def areas(**where):
    """Squares by west edge, width and count, in kilometres along the equator."""
    rows = {k: (*v, None)[:3] for k, v in where.items()}
    shapes = [box(x / 111.32, 0, (x + w) / 111.32, 0.01) for x, w, _ in rows.values()]
    frame = gpd.GeoDataFrame(geometry=shapes, index=list(rows), crs=4326)
    return frame.assign(count=[c for *_, c in rows.values()]) if next(iter(rows.values()))[2] is not None else frame


def status(found):
    return dict(zip(found["later"].where(found["later"].notna(), found["identity"]), found["status"], strict=True))


def test_each_thing_that_can_become_of_a_hotspot():
    then = areas(
        **{"stays": (0, 1, 50), "rises": (10, 1, 50), "falls": (20, 1, 50), "parts": (30, 2, 50)},
        **{"m1": (40, 1, 50), "m2": (41.2, 1, 50), "ends": (60, 1, 50)},
    )
    now = areas(
        **{"a": (0.2, 1, 52), "b": (10, 1, 95), "c": (20, 1, 15), "d1": (30, 0.8, 30), "d2": (31.2, 0.8, 25)},
        **{"e": (40, 2.2, 105), "f": (80, 1, 40), "g": (90, 1, 40)},
    )
    found = gm.match_hotspots(then, now, former=areas(struck=(90, 1, 60)))
    assert status(found) == {
        **{"a": "persistent", "b": "worsening", "c": "fading", "d1": "split", "d2": "split"},
        **{"e": "merged", "f": "new", "g": "back", "ends": "gone"},
    }
    identity = found.set_index("later")["identity"]
    assert identity[["a", "b", "c", "g"]].tolist() == ["stays", "rises", "falls", "struck"]
    assert identity["e"] in ("m1", "m2")
    assert sorted(identity[["d1", "d2"]]) == ["new 1", "parts"], "an identity is kept by one"
    assert identity.is_unique


def test_a_hotspot_that_moved_next_door_is_the_same_within_the_distance():
    then, now = areas(a=(0, 1, 30)), areas(x=(1.15, 1, 30))
    assert status(gm.match_hotspots(then, now)) == {"x": "persistent"}
    assert status(gm.match_hotspots(then, now, distance_m=100)) == {"x": "new", "a": "gone"}
    assert gm.match_hotspots(then, now)["distance_m"].iloc[0] == pytest.approx(150, rel=0.01)


def test_the_territory_s_rise_is_no_worsening():
    then, now = areas(a=(0, 1, 100)), areas(a=(0, 1, 150))
    assert status(gm.match_hotspots(then, now)) == {"a": "worsening"}
    assert status(gm.match_hotspots(then, now, exposure=(1000, 1500))) == {"a": "persistent"}


def test_none_then_or_none_now():
    some, none = areas(a=(0, 1, 30)), areas(a=(0, 1, 30)).iloc[:0]
    assert status(gm.match_hotspots(none, some)) == {"a": "new"}
    assert status(gm.match_hotspots(some, none)) == {"a": "gone"}
    assert len(gm.match_hotspots(none, none)) == 0


def test_hot_cells_that_touch_are_one_area():
    cells = gpd.GeoDataFrame(
        {"count": [5, 9, 1, 7], "label": ["hot 99", "hot 95", "none", "hot 90"]},
        geometry=[box(k, 0, k + 1, 1) for k in range(4)],
        crs=4326,
    )
    found = gm.hotspot_areas(gm.HotspotResult(cells, "getis_ord", {}))
    assert found["count"].tolist() == [14, 7]
    with pytest.raises(InputError, match="GeoDataFrame of polygons"):
        gm.hotspot_areas([1, 2])


# --------------------------------------------------------------------------------------------------


def a_register():
    register = gm.Register()
    register = register.add(
        "汽车站周边", named_by="县平安办", named_on="2026-01-10", category="扒窃", area=box(0, 0, 0.01, 0.01),
        measures=["增设探头"], target="降三成", review_on="2026-06-30", sunset_on="2026-12-31",
    )  # fmt: skip
    return register.add("老城区", named_by="城关街道综治中心", named_on="2026-02-01", area=box(0.1, 0, 0.11, 0.01))


def test_what_is_written_is_what_is_read(tmp_path):
    path = tmp_path / "register.yaml"
    written = a_register().write(path)
    assert gm.Register.read(path) == written
    assert "县平安办" in path.read_text(encoding="utf-8")
    assert written.revision == 1
    assert written.write(path).revision == 2


def test_nobody_writes_over_another_s_work_unseen(tmp_path):
    path = tmp_path / "register.yaml"
    a_register().write(path)
    mine, theirs = gm.Register.read(path), gm.Register.read(path)
    mine = mine.change(mine.ids[0], target="降四成").write(path)
    theirs = theirs.change(theirs.ids[1], review_on="2026-05-01")
    with pytest.raises(OutputError, match="Read it again and merge"):
        theirs.write(path)
    both, notes = gm.Register.read(path).merge(theirs, a_register())
    assert notes == []
    both.write(path)
    again = gm.Register.read(path)
    assert again[mine.ids[0]].target == "降四成"
    assert again[mine.ids[1]].review_on == dt.date(2026, 5, 1)


def test_where_both_changed_the_same_both_values_stay():
    base = a_register()
    key = base.ids[0]
    mine, theirs = base.change(key, target="降四成"), base.change(key, target="降五成")
    both, notes = mine.merge(theirs, base)
    assert {both[key].target, *both[key].alternatives["target"]} == {"降四成", "降五成"}
    assert "both copies changed target" in notes[0]
    assert both.change(key, target="降四成")[key].alternatives == {}


def test_reviews_and_sunsets_are_listed_before_they_pass():
    due = a_register().due("2026-06-10")
    assert due[["what", "days_left"]].values.tolist() == [["review", 20]]
    assert a_register().due("2026-07-10")["days_left"].tolist() == [-10]
    assert a_register().due("2026-12-20")["what"].tolist() == ["review", "sunset"]
    struck = a_register()
    struck = struck.strike_off(struck.ids[0], on="2026-06-15", by="县平安办", evidence="半年降五成")
    assert len(struck.due("2026-06-20")) == 0


def test_a_struck_off_area_that_comes_back_is_said():
    register = a_register()
    register = register.strike_off(register.ids[0], on="2026-06-15", by="县平安办", evidence="半年降五成")
    now = gpd.GeoDataFrame({"count": [40]}, geometry=[box(0.001, 0, 0.011, 0.01)], crs=4326)
    found, notes = register.compare(now, on="2026-09-01")
    assert sorted(found["status"]) == ["back", "gone"]
    assert "汽车站周边 was struck off on 2026-06-15" in notes[0]
    assert "现又成为热点" in notes[0].say("zh")


def test_the_state_at_a_day():
    frame = a_register().to_frame("2026-07-10")
    assert frame["status"].tolist() == ["overdue", "active"]
    assert frame["days"].tolist() == [181, 159]
    assert a_register().to_frame("2027-01-01")["status"].tolist() == ["ended", "active"]


HEAD = "gridmap_register: 1\nareas:\n- {id: a, name: n, named_by: 县平安办, named_on: 2026-01-10"


@pytest.mark.parametrize("unit", ["安委会", "平安办", "公安局", "城关街道综治中心", "Neighbourhood Policing Team"])
def test_units_are_no_persons(unit):
    assert len(gm.Register().add("x", named_by=unit, named_on="2026-01-01")) == 1


@pytest.mark.parametrize(
    "text, error, words",
    [
        (HEAD + ", wen: 3}", InputError, "unknown field 'wen'"),
        (HEAD + ", review_on: soon}", InputError, "must be a date"),
        (HEAD + ", review_on: 2025-01-01}", InputError, "before the area was named"),
        (HEAD + ", struck_off_on: 2026-03-01}", InputError, "without evidence"),
        (HEAD + ", area: POINT (1 2)}", InputError, "polygon as WKT"),
        (HEAD + "}\n- {id: a, name: m, named_by: 县平安办, named_on: 2026-01-10}", InputError, "'a' twice"),
        ("gridmap_register: 1\nareas:\n- {id: a, name: n, named_on: 2026-01-10}", InputError, "lacks named_by"),
        (HEAD.replace("县平安办", "王建国") + "}", InputError, "reads as a person"),
        ("gridmap_register: 9", ReadError, "of form 1"),
        ("- 1", ReadError, "of form 1"),
        ("a: [", ReadError, "cannot be read"),
    ],
)
def test_a_register_that_cannot_be_is_refused(tmp_path, text, error, words):
    path = tmp_path / "register.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(error, match=words):
        gm.Register.read(path)


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=6)
dates = st.dates(dt.date(2026, 1, 1), dt.date(2028, 1, 1))
changes = st.fixed_dictionaries(
    {},
    optional={
        "name": texts.filter(bool),
        "target": texts,
        "measures": st.lists(texts, max_size=2).map(tuple),
        "review_on": st.none() | dates,
        "category": texts,
    },
)
edits = st.lists(st.tuples(st.integers(0, 3), changes), max_size=4)
BASE = gm.Register(tuple(gm.NamedArea(f"a{k}", f"area {k}", "县平安办", dt.date(2026, 1, 1)) for k in range(3)))


def edited(edit):
    areas = {one.id: one for one in BASE.areas}
    for k, values in edit:
        one = areas.get(f"a{k}", gm.NamedArea(f"a{k}", "added", "县平安办", dt.date(2026, 1, 1)))
        areas[one.id] = replace(one, **values)
    return gm.Register(tuple(areas.values()))


def values_of(one, name):
    return {getattr(one, name), *one.alternatives.get(name, ())}


@settings(max_examples=150, deadline=None)
@given(edits, edits)
def test_no_value_that_anybody_wrote_is_lost_by_merging(first, second):
    mine, theirs = edited(first), edited(second)
    for base in (BASE, None):
        both, _ = mine.merge(theirs, base)
        assert both == theirs.merge(mine, base)[0], "whichever is merged into the other"
        assert both.merge(both)[0] == both
        for copy in (mine, theirs):
            for one in copy.areas:
                old = next((o for o in BASE.areas if o.id == one.id), None) if base is not None else None
                for name in _OWN:
                    written = getattr(one, name)
                    if written in ("", None, ()) or (old is not None and written == getattr(old, name)):
                        continue
                    assert written in values_of(both[one.id], name)


@settings(max_examples=60, deadline=None)
@given(edits)
def test_any_register_comes_back_from_its_file(tmp_path_factory, edit):
    path = tmp_path_factory.mktemp("register") / "r.yaml"
    register, _ = edited(edit).merge(edited(edit[:1]))
    assert gm.Register.read(path).areas == ()
    written = register.write(path)
    assert gm.Register.read(path) == written


def test_two_people_who_add_an_area_each_keep_both():
    one = gm.Register((gm.NamedArea("7", "车站", "县平安办", dt.date(2026, 1, 1)),))
    other = gm.Register((gm.NamedArea("7", "市场", "公安分局", dt.date(2026, 2, 1)),))
    both, notes = one.merge(other)
    assert {a.name for a in both.areas} == {"车站", "市场"}
    assert both == other.merge(one)[0]
    assert "both are kept" in notes[0]
    assert a_register().ids == a_register().ids, "the same area made twice has one id"
    assert pd.Index(a_register().ids).is_unique


def squares(*west, count=30):
    return gpd.GeoDataFrame(
        {"count": [count] * len(west)}, geometry=[box(x, 0, x + 0.01, 0.01) for x in west], crs=4326
    )


def test_hotspots_keep_their_identity_over_three_times():
    found = gm.follow_hotspots(
        {"2016": squares(0, 0.1, 0.2), "2017": squares(0, 0.3), "2018": squares(0, 0.1, 0.3, count=90)}
    )
    now = found.now
    assert now["status"].to_dict() == {"1": "worsening", "2": "back", "3": "gone", "4": "worsening"}
    assert now["first"].to_dict() == {"1": "2016", "2": "2016", "3": "2016", "4": "2017"}
    assert now["times"].to_dict() == {"1": 3, "2": 2, "3": 1, "4": 2}
    assert now["periods"].to_dict() == {"1": 2, "2": 2, "3": 2, "4": 1}
    told = found.history[found.history["identity"] == "2"]
    assert list(zip(told["period"], told["status"], strict=True)) == [
        ("2016", "new"),
        ("2017", "gone"),
        ("2018", "back"),
    ]


def test_a_general_rise_makes_no_area_worse():
    two = {"a": squares(0, 0.1, count=100), "b": squares(0, 0.1, count=200)}
    assert set(gm.follow_hotspots(two).now["status"]) == {"worsening"}
    assert set(gm.follow_hotspots(two, totals={"a": 1000, "b": 2000}).now["status"]) == {"persistent"}
    with pytest.raises(InputError, match="two times"):
        gm.follow_hotspots({"a": squares(0)})


def watched():
    named = {"named_by": "县平安办", "named_on": "2026-01-10"}
    register = gm.Register().add("车站", area=box(0, 0, 0.01, 0.01), review_on="2026-06-30", **named)
    register = register.add("市场", area=box(0.1, 0, 0.11, 0.01), sunset_on="2026-07-10", **named)
    register = register.add("老城", area=box(0.2, 0, 0.21, 0.01), review_on="2026-05-01", **named)
    gone = next(one.id for one in register.areas if one.name == "市场")
    return register, gone


def test_what_is_due_is_listed_before_it_passes_and_a_struck_off_area_that_is_back_is_told():
    register, gone = watched()
    found = gm.watch_areas(register, on="2026-06-15")
    assert found.due[["name", "what", "days_left"]].values.tolist() == [
        ["老城", "review", -45], ["车站", "review", 15], ["市场", "sunset", 25]
    ]  # fmt: skip
    assert found.notes[0].say("zh") == "老城：应于 2026-05-01 复核，已逾期 45 天。"
    assert found.areas.set_index("name")["standing"].to_dict() == {
        "车站": "active",
        "市场": "active",
        "老城": "overdue",
    }
    register = register.strike_off(gone, on="2026-06-01", by="县平安办", evidence="半年下降五成")
    found = gm.watch_areas(register, squares(0, 0.1, 0.4), on="2026-06-15")
    by_name = found.areas.set_index("name")
    assert by_name["standing"].to_dict() == {"车站": "active", "市场": "back", "老城": "overdue"}
    assert by_name["became"].to_dict() == {"车站": "persistent", "市场": "back", "老城": "gone"}
    assert found.unnamed == 1
    assert "市场 was struck off on 2026-06-01 (半年下降五成) and is a hotspot again." in found.notes


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("review_on: 2024-13-01", "cannot be read as a register"),
        ("area: POLYGON ((500000 4000000, 500100 4000000, 500100 4000100, 500000 4000000))", "degrees"),
    ],
)
def test_a_day_that_is_none_and_an_area_in_metres_are_refused(tmp_path, line, words):
    path = tmp_path / "register.yaml"
    entry = f"- id: a\n  name: 甲\n  named_by: 县平安办\n  named_on: 2024-01-01\n  {line}\n"
    path.write_text(f"gridmap_register: 1\nrevision: 1\nareas:\n{entry}", encoding="utf-8")
    with pytest.raises((InputError, ReadError), match=words):
        gm.Register.read(path)


def test_an_area_is_struck_off_once_and_only_registers_are_merged():
    register, gone = watched()
    struck = register.strike_off(gone, on="2026-06-01", by="县平安办", evidence="半年下降五成")
    with pytest.raises(InputError, match="struck off on 2026-06-01 already"):
        struck.strike_off(gone, on="2026-07-01", by="县平安办", evidence="x")
    with pytest.raises(InputError, match="merged with a Register"):
        register.merge("register.yaml")
    with pytest.raises(InputError, match="coordinate system"):
        gm.match_hotspots(gpd.GeoDataFrame(geometry=[box(0, 0, 1, 1)]), squares(0))
