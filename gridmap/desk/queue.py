"""The queue: one command of gridmap after another, each a process of its own, each written down before it begins.

A job is a file in `.gridmap-desk/jobs`. A run is `gridmap run PIPELINE --confined`, as anybody would type it, so what
the desk makes is what the command line makes; a run that is ended leaves nothing half-written, because `gridmap run`
does not. A job that was running when the desk or the machine went down is marked when the desk opens again.
"""

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from gridmap.audiences import check_audience
from gridmap.desk.responses import environment
from gridmap.desk.workspace import STATE, Workspace
from gridmap.errors import GridmapError, InputError
from gridmap.messages import COUNTED_STEP, LANGUAGES, Note

__all__ = ["PAPERS", "Job", "Queue"]

#: Endings of a briefing.
PAPERS = (".pdf", ".docx", ".pptx", ".xlsx")
#: What a job can be, in the order of its life; the last four are ends.
STATES = ("waiting", "running", "done", "failed", "cancelled", "interrupted")
ENDED = STATES[2:]
#: The command line, as it is typed; a process of its own, so nothing of it is imported here.
GRIDMAP = (sys.executable, "-c", "from gridmap.cli import main; main()")
STEP_MARK, NOTE_MARK = "gridmap-step: ", "gridmap-note: "
GRACE_S = 20
IDENTIFIER = re.compile(r"\d{14}-[0-9a-f]{6}")


@dataclass
class Job:
    """One command.

    Attributes
    ----------
    kind : {"run", "report"}
    pipeline, audience : str
        What a run runs, and for whom where that is another audience than the file's.
    out : str
        The run's folder, as its name under `runs/`.
    paper, language : str
        The ending of a report, and its language.
    steps : list of [name, seconds since the start]
        What has begun so far.
    expected_s : float or None
        How long the same pipeline took last time; None where it never ran.
    warnings : list of str
        What it warned of, in the language of the desk.
    notes : list of dict
        The same as `note_from` takes it, for the reader's language.
    """

    id: str
    kind: str
    out: str
    pipeline: str = ""
    audience: str = ""
    paper: str = ""
    language: str = ""
    title: str = ""
    state: str = "waiting"
    created: str = ""
    started: float = 0.0
    ended: float = 0.0
    steps: list[list[Any]] = field(default_factory=list)
    expected_s: float | None = None
    error: str = ""
    warnings: list[str] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.state in ENDED

    def seconds(self) -> float:
        """How long it has been running, or ran."""
        if not self.started:
            return 0.0
        return (self.ended or time.time()) - self.started

    def remaining(self) -> float | None:
        """What is left by the last run of the same pipeline; None where nothing is known, or it took longer already."""
        if self.state != "running" or self.expected_s is None:
            return None
        left = self.expected_s - self.seconds()
        return left if left > 0 else None


class Queue:
    """The jobs of a workspace; a thread runs them one by one."""

    def __init__(self, workspace: Workspace, language: str = "en"):
        self.workspace, self.language = workspace, language
        self._folder = workspace.folder / STATE / "jobs"
        self._jobs: dict[str, Job] = {}
        self._process: subprocess.Popen | None = None
        self._current: str | None = None
        self._cancelled: set[str] = set()
        self._changed = threading.Condition()
        self._closing = False
        self._load()
        self._thread = threading.Thread(target=self._run_all, daemon=True, name="gridmap-queue")
        self._thread.start()

    # ------------------------------------------------------------------------------------------ from outside

    def jobs(self) -> list[Job]:
        """All jobs, newest first."""
        with self._changed:
            return sorted(self._jobs.values(), key=lambda job: job.id, reverse=True)

    def job(self, identifier: str) -> Job:
        """One job.

        Raises
        ------
        InputError
            If there is none of that id.
        """
        with self._changed:
            if identifier not in self._jobs:
                raise InputError(Note("desk.no_job"))
            return self._jobs[identifier]

    def add_run(self, pipeline: str, *, out: str, title: str = "", audience: str | None = None) -> Job:
        """Queue `gridmap run` of a pipeline file of the workspace."""
        expected = self._last_time(pipeline)
        return self._add(Job(_new_id(), "run", out, pipeline, audience or "", title=title, expected_s=expected))

    def add_report(self, run: str, ending: str, *, language: str) -> Job:
        """Queue the briefing of a run, as `briefing.<language>.<ending>` in its folder."""
        return self._add(Job(_new_id(), "report", run, paper=ending, language=language))

    def free_name(self, stem: str) -> str:
        """A name for a new run's folder that neither a folder nor a job has."""
        with self._changed:
            taken = {job.out for job in self._jobs.values() if not job.is_over}
        for number in range(1, 10_000):
            name = stem if number == 1 else f"{stem}-{number}"
            if name not in taken and not (self.workspace.folder / "runs" / name).exists():
                return name
        raise InputError(Note("desk.no_job"))

    def cancel(self, identifier: str) -> None:
        """End a job that waits or runs."""
        job = self.job(identifier)
        with self._changed:
            if job.state == "waiting":
                self._end(job, "cancelled")
            elif job.state == "running":
                self._cancelled.add(identifier)
                self._stop_process()

    def again(self, identifier: str) -> Job:
        """Queue a job that is over once more."""
        job = self.job(identifier)
        if not job.is_over:
            return job
        expected = self._last_time(job.pipeline) if job.kind == "run" else None
        fresh: dict[str, Any] = {
            "state": "waiting",
            "started": 0.0,
            "ended": 0.0,
            "steps": [],
            "error": "",
            "warnings": [],
            "notes": [],
        }
        return self._add(replace(job, id=_new_id(), expected_s=expected, **fresh))

    def command(self, job: Job) -> list[str]:
        """What is typed for a job, after `gridmap`.

        A job's file may have come with a workspace from elsewhere, so what it names is looked at again.

        Raises
        ------
        InputError
            If it names anything outside the workspace.
        """
        out = self.workspace.inside(job.out, under="runs")
        place = f"runs/{out.name}"
        if job.kind == "report":
            if job.paper not in PAPERS or job.language not in LANGUAGES:
                raise InputError(Note("desk.no_job"))
            paper = f"{place}/briefing.{job.language}{job.paper}"
            return ["report", place, "--output", paper, "--language", job.language]
        pipeline = self.workspace.existing(job.pipeline)
        given = ["--set", f"audience={check_audience(job.audience).name}"] if job.audience else []
        return ["run", pipeline.name, "--confined", "--steps", "--out", place, *given]

    def close(self) -> None:
        """Stop what is running; it is marked as interrupted."""
        with self._changed:
            self._closing = True
            self._stop_process()
            self._changed.notify_all()
        self._thread.join(timeout=GRACE_S)

    # ------------------------------------------------------------------------------------------ files

    def _load(self) -> None:
        for path in sorted(self._folder.glob("*.json")):
            try:
                job = Job(**json.loads(path.read_text(encoding="utf-8")))
            except (OSError, ValueError, TypeError, RecursionError):
                continue
            if not IDENTIFIER.fullmatch(job.id) or path.stem != job.id or job.state not in STATES:
                continue
            self._jobs[job.id] = job
            if not job.is_over:  # nothing runs by itself when a workspace opens
                self._end(job, "done" if self._was_whole(job) else "interrupted")

    def _was_whole(self, job: Job) -> bool:
        """Whether a run that nobody watched to its end got there: `run.json` is written last of all."""
        record = self.workspace.folder / "runs" / job.out / "run.json"
        with suppress(OSError):
            return job.kind == "run" and job.started > 0 and record.stat().st_mtime >= job.started
        return False

    def _last_time(self, pipeline: str) -> float | None:
        for run in self.workspace.runs():
            with suppress(OSError, ValueError, TypeError, RecursionError):
                record = json.loads((run / "run.json").read_text(encoding="utf-8"))
                if record.get("pipeline") == pipeline:
                    return float(sum(record["timings_s"].values())) + 2.0  # Python's own start
        return None

    def _add(self, job: Job) -> Job:
        job.created = datetime.now(UTC).isoformat(timespec="seconds")
        with self._changed:
            self._jobs[job.id] = job
            self._write(job)
            self._changed.notify_all()
        return job

    def _write(self, job: Job) -> None:
        with suppress(OSError):  # the workspace was taken away under a desk: nothing to write to
            self.workspace.write_note(f"jobs/{job.id}.json", asdict(job))

    def _end(self, job: Job, state: str, error: str = "") -> None:
        job.state, job.error, job.ended = state, error, job.ended or time.time()
        self._write(job)

    # ------------------------------------------------------------------------------------------ running

    def _run_all(self) -> None:
        while True:
            with self._changed:
                waiting = None
                while not self._closing and waiting is None:
                    waiting = next((j for j in sorted(self._jobs.values(), key=_age) if j.state == "waiting"), None)
                    if waiting is None:
                        self._changed.wait()
                if self._closing:
                    return
            assert waiting is not None
            self._run(waiting)

    def _run(self, job: Job) -> None:
        with self._changed:
            if job.state != "waiting":
                return
            job.state, job.started, job.steps = "running", time.time(), []
            self._write(job)
            try:
                command = [*GRIDMAP, "--language", self.language, *self.command(job)]
                self._process = subprocess.Popen(
                    command,
                    cwd=self.workspace.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    env=environment(),
                )
            except (OSError, GridmapError) as error:
                why = error.say(self.language) if isinstance(error, GridmapError) else error.strerror
                self._end(job, "failed", why or "")
                return
        lines = self._watch(job, self._process)
        code = self._process.wait()
        self._process.stderr.close()  # type: ignore[union-attr]
        with self._changed:
            self._process = None
            if self._closing:
                self._end(job, "done" if code == 0 else "interrupted")
            elif job.id in self._cancelled:
                self._end(job, "done" if code == 0 else "cancelled")
            elif code == 0:
                job.warnings = [line.removeprefix("gridmap: ") for line in lines if line.startswith("gridmap: ")]
                self._end(job, "done")
            else:
                self._end(job, "failed", _last_line(lines).removeprefix("gridmap: "))

    def _watch(self, job: Job, process: subprocess.Popen) -> list[str]:
        """Note each step as it begins; the other lines of stderr, the last of them."""
        others: list[str] = []
        assert process.stderr is not None
        for raw in process.stderr:
            line = raw.decode("utf-8", "replace").rstrip()
            if line.startswith(STEP_MARK):
                with self._changed:
                    _note_step(job.steps, line.removeprefix(STEP_MARK), round(time.time() - job.started, 1))
                    self._write(job)
            elif line.startswith(NOTE_MARK):
                with suppress(ValueError, RecursionError):
                    job.notes.append(json.loads(line.removeprefix(NOTE_MARK)))
            elif line:
                others = [*others[-49:], line[:2000]]
        return others

    def _stop_process(self) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            return
        with suppress(OSError):
            process.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)

        def insist() -> None:
            with suppress(subprocess.TimeoutExpired, OSError):
                process.wait(GRACE_S)
                return
            with suppress(OSError):
                process.kill()

        threading.Thread(target=insist, daemon=True).start()


def _new_id() -> str:
    now = datetime.now(UTC)
    return f"{now:%Y%m%d%H%M%S}-{secrets.token_hex(3)}"


def _age(job: Job) -> str:
    return job.created + job.id


def _note_step(steps: list[list[Any]], named: str, at: float) -> None:
    """A step that began; one that is counted goes on in its place, and is over when another begins."""
    counted = COUNTED_STEP.fullmatch(named)
    if steps and (before := COUNTED_STEP.fullmatch(steps[-1][0])):
        steps[-1][0] = before[1]
    if counted and steps and steps[-1][0] == counted[1]:
        steps[-1][0] = named
    else:
        steps.append([named, at])


def _last_line(lines: list[str]) -> str:
    return lines[-1] if lines else ""
