"""A real Spark cluster of two workers on this machine: one is killed in the middle of a count, and nothing changes.

Master and workers are Spark's own classes, started from the pyspark package on loopback, each in a process group of its
own, which is all that is ended here. The incidents come slowly (a frame that waits in each partition), so that a task
of the worker that is killed is surely under way.
"""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from gridmap.counts.query import count_by_cell
from gridmap.grids.systems import make_grid

from ..needs import require

PARTS = 12
PATIENCE_S = 120


class Cluster:
    """A master and two workers."""

    def __init__(self, folder: Path):
        import pyspark

        self.home, self.folder = Path(pyspark.__file__).parent, folder
        self.processes: list[subprocess.Popen] = []
        self.environment = {
            **os.environ,
            "SPARK_HOME": str(self.home),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "PYSPARK_PYTHON": sys.executable,
            "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
            "SPARK_WORKER_DIR": str(folder / "work"),
        }
        log = self._start("master.Master", "--host", "127.0.0.1", "--port", "0", "--webui-port", "0")
        self.address = self._wait_for(log, r"Starting Spark master at (spark://[\d.:]+)")
        for _ in range(2):
            options = ("--host", "127.0.0.1", "--webui-port", "0", "--cores", "1", "--memory", "1g")
            self._start("worker.Worker", *options, self.address)
        for at in (1, 2):
            self._wait_for(self.folder / f"{at}.log", "Successfully registered with master")

    def _start(self, name: str, *options: str) -> Path:
        log = self.folder / f"{len(self.processes)}.log"
        command = [str(self.home / "bin/spark-class"), f"org.apache.spark.deploy.{name}", *options]
        with log.open("wb") as out:
            # a session of its own, so that the worker and the executors that it starts can be ended together
            self.processes.append(
                subprocess.Popen(command, stdout=out, stderr=out, env=self.environment, start_new_session=True)
            )
        return log

    def _wait_for(self, log: Path, pattern: str) -> str:
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            if found := re.search(pattern, log.read_text(errors="replace")):
                return found.group(found.re.groups)
            time.sleep(0.1)
        raise TimeoutError(f"{pattern} did not appear: {log.read_text(errors='replace')[-2000:]}")

    def kill_worker(self, at: int) -> None:
        """End a worker and its executors at once, without a word."""
        os.killpg(self.processes[at].pid, signal.SIGKILL)
        self.processes[at].wait()

    def stop(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@pytest.fixture
def cluster(tmp_path):
    require("java")
    require("spark")
    (tmp_path / "cluster").mkdir()
    started = Cluster(tmp_path / "cluster")
    yield started
    started.stop()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas")
def test_the_loss_of_a_worker_in_the_middle_changes_no_count(cluster, tmp_path):
    from pyspark.sql import SparkSession

    if (active := SparkSession.getActiveSession()) is not None:
        active.stop()
    rng = np.random.default_rng(5)
    marks = tmp_path / "marks"
    marks.mkdir()
    (tmp_path / "points").mkdir()
    for part in range(PARTS):
        table = pa.table({"lon": rng.uniform(0, 3, 5_000), "lat": rng.uniform(0, 1, 5_000), "part": [part] * 5_000})
        pq.write_table(table, tmp_path / "points" / f"{part:02d}.parquet")
    shapes = [shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1), shapely.Point(2.5, 0.5).buffer(0.4)]
    grid = make_grid(gpd.GeoDataFrame({"zone_id": ["a", "b", "c"]}, geometry=shapes, crs=4326), system="zones")

    def slowly(batches):
        for batch in batches:
            part = batch["part"][0].as_py()
            (marks / f"{part}-{os.getpid()}-{os.getsid(0)}").touch()
            time.sleep(0.7)
            yield batch

    session = (
        SparkSession.builder.master(cluster.address)
        .appName("gridmap")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.executor.memory", "512m")
        .config("spark.executorEnv.PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
        .config("spark.sql.files.openCostInBytes", 64 << 20)  # a partition a file
        .config("spark.sql.shuffle.partitions", 2)
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )
    try:
        frame = session.read.parquet(str(tmp_path / "points")).mapInArrow(slowly, "lon double, lat double, part bigint")
        lost: dict[str, object] = {}

        def lose_a_worker() -> None:
            until = time.monotonic() + PATIENCE_S
            groups = {cluster.processes[1].pid: 1, cluster.processes[2].pid: 2}
            while time.monotonic() < until:
                begun = [mark.name.split("-") for mark in marks.iterdir()]
                of = [int(sid) for *_, sid in begun if int(sid) in groups]
                if len(begun) >= 4 and len(set(of)) == 2:  # both are at work
                    lost["after"] = len(begun)
                    lost["parts"] = {int(part) for part, _, sid in begun if int(sid) == of[-1]}
                    cluster.kill_worker(groups[of[-1]])
                    return
                time.sleep(0.02)

        killer = Thread(target=lose_a_worker)
        killer.start()
        found = count_by_cell(frame, grid, engine="spark", by="part")
        killer.join()
    finally:
        session.stop()
    assert lost["after"] < PARTS, "the worker was lost when the last task had begun"
    begun = [int(mark.name.split("-")[0]) for mark in marks.iterdir()]
    again = {part for part in begun if begun.count(part) > 1}
    assert again & lost["parts"], "no task of the lost worker was done again"
    expected = count_by_cell(tmp_path / "points", grid, by="part")
    pd.testing.assert_frame_equal(found, expected)
    assert found.about.rows == PARTS * 5_000
