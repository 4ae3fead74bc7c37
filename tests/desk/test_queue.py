"""How the queue keeps the steps of a run."""

from gridmap.desk import queue
from gridmap.messages import step_name


def test_a_counted_step_goes_on_in_its_place():
    steps: list = []
    for at, name in enumerate(["count", "forecast", "forecast 1/26", "forecast 9/26 40s", "write map"]):
        queue._note_step(steps, name, at)
    assert steps == [["count", 0], ["forecast", 1], ["write map", 4]]
    queue._note_step(steps, "forecast 3/26", 9)  # of another forecast
    assert steps[-1] == ["forecast 3/26", 9]
    assert [step_name(steps[-1][0], language) for language in ("en", "zh")] == [
        "forecast, 3 of 26 past periods",
        "预测：过去 26 个时段已完成 3 个",
    ]
