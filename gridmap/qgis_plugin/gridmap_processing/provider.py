"""The provider and its algorithms: one for each method that `gridmap schema` names, with the options that it names.

QGIS brings its own Python and libraries; gridmap is another program. So nothing of gridmap is imported here: a pipeline
file is written, the command runs it, and the GeoPackage that it makes is loaded with the styles that are in it.
"""

import json
import os
import queue
import shlex
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

from qgis.core import (
    QgsApplication,
    QgsCoordinateTransformContext,
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingOutputFile,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFile,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
    QgsProcessingParameterVectorLayer,
    QgsProcessingProvider,
    QgsSettings,
    QgsVectorFileWriter,
    QgsVectorLayer,
)

HERE = Path(__file__).parent
#: What the command prints for programs: the step that it is at, and a note whose sentence follows.
STEP, NOTE = "gridmap-step: ", "gridmap-note: "
#: What QGIS sets for itself and another program must not see.
OF_QGIS = (
    "PYTHONHOME",
    "PYTHONPATH",
    "GDAL_DATA",
    "GDAL_DRIVER_PATH",
    "PROJ_LIB",
    "PROJ_DATA",
    "LD_LIBRARY_PATH",
    "QT_PLUGIN_PATH",
)
SYSTEMS, AUDIENCES = ("h3", "square", "zones"), ("meeting", "internal", "public")


def language():
    """The language of QGIS, where gridmap speaks it; English elsewhere."""
    named = os.environ.get("GRIDMAP_LANGUAGE") or str(QgsSettings().value("locale/userLocale", "en"))
    return named[:2] if named[:2] in written("words.json") else "en"


def written(name):
    """A file that `gridmap qgis` wrote beside this one."""
    return json.loads((HERE / name).read_text(encoding="utf-8"))


def words():
    """What is read, in the language of QGIS."""
    return written("words.json")[language()]


def shown_step(step):
    """A step of a run, in the language of QGIS: a method by its title."""
    method = written("schema.json")[language()].get(step)
    return method["title"] if method else words()["steps"].get(step.replace(" ", "_"), step)


def command():
    """How gridmap is called: `GRIDMAP_COMMAND`, the program that wrote this plugin, or the one on the path."""
    named = os.environ.get("GRIDMAP_COMMAND")
    if named and Path(named).is_file():  # a path with spaces, or with the backslashes of Windows
        return [named]
    if named:
        return [part.strip('"') for part in shlex.split(named, posix=os.name != "nt")]
    made_by = written("command.json")
    if Path(made_by[0]).is_file():
        return made_by
    found = shutil.which("gridmap")
    if found is None:
        raise QgsProcessingException(words()["no_command"])
    return [found]


def surroundings():
    """The environment of another program: QGIS's own libraries and data left out; it prints UTF-8."""
    own = {name: value for name, value in os.environ.items() if name not in OF_QGIS}
    return {**own, "PYTHONIOENCODING": "utf-8"}


def started(line):
    """The command, running; without a window of its own on Windows."""
    try:
        return subprocess.Popen(
            line,
            env=surroundings(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as error:
        raise QgsProcessingException(f"{words()['no_command']} ({line[0]}: {error.strerror})") from None


def printed_by(process, stopped):
    """The lines that a process prints, until it ends or `stopped()`, which is called while it prints nothing too."""
    lines = queue.Queue()

    def read():
        for text in process.stdout:
            lines.put(text)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    while not stopped():
        try:
            text = lines.get(timeout=0.2)
        except queue.Empty:
            continue
        if text is None:
            return
        yield text


def ended(process):
    """Ask a process to end, which clears away what it began; end it where it does not."""
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Plugin:
    """What QGIS holds on to."""

    def __init__(self):
        self.provider = None

    def initProcessing(self):
        """Offer the algorithms, also where there is no window."""
        self.provider = Provider()
        QgsApplication.processingRegistry().addProvider(self.provider)

    def initGui(self):
        """Offer the algorithms."""
        self.initProcessing()

    def unload(self):
        """Take them back."""
        if self.provider is not None:
            QgsApplication.processingRegistry().removeProvider(self.provider)


class Provider(QgsProcessingProvider):
    """gridmap's methods."""

    def id(self):
        """The name that algorithms begin with."""
        return "gridmap"

    def name(self):
        """What is shown."""
        return "gridmap"

    def loadAlgorithms(self):
        """One algorithm for each method of the schema."""
        schema = written("schema.json")[language()]
        for method, about in sorted(schema.items()):
            self.addAlgorithm(Method(method, about))


class Method(QgsProcessingAlgorithm):
    """One hotspot method: incidents and boundaries in, layers with their styles out."""

    def __init__(self, method, about):
        super().__init__()
        self.method, self.about = method, about

    def createInstance(self):
        """A fresh one, for each run."""
        return Method(self.method, self.about)

    def name(self):
        """As pipelines name it."""
        return self.method

    def displayName(self):
        """As the map names it."""
        return self.about["title"]

    def shortHelpString(self):
        """What it does."""
        return self.about["help"]

    def initAlgorithm(self, config=None):
        """The parameters: files, grid, audience, and the options of the method."""
        word = words()
        self.addParameter(QgsProcessingParameterFile("INCIDENTS_FILE", word["incidents_file"], optional=True))
        points = [QgsProcessing.TypeVectorPoint]
        self.addParameter(QgsProcessingParameterVectorLayer("INCIDENTS", word["incidents"], points, optional=True))
        areas = [QgsProcessing.TypeVectorPolygon]
        self.addParameter(QgsProcessingParameterVectorLayer("BOUNDARIES", word["boundaries"], areas))
        self.addParameter(
            QgsProcessingParameterEnum("GRID", word["grid"], SYSTEMS, defaultValue=0, usesStaticStrings=False)
        )
        whole, real = QgsProcessingParameterNumber.Integer, QgsProcessingParameterNumber.Double
        self.addParameter(
            QgsProcessingParameterNumber("RESOLUTION", word["resolution"], whole, 8, minValue=0, maxValue=15)
        )
        self.addParameter(QgsProcessingParameterNumber("CELL_SIZE_M", word["cell_size_m"], real, 500, minValue=1))
        self.addParameter(QgsProcessingParameterString("CATEGORY", word["category"], optional=True))
        self.addParameter(QgsProcessingParameterEnum("AUDIENCE", word["audience"], AUDIENCES, defaultValue=0))
        for option, entry in self.about["options"].items():
            self.addParameter(parameter(option, entry))
        self.addParameter(QgsProcessingParameterFolderDestination("OUTPUT", word["output"]))
        self.addOutput(QgsProcessingOutputFile("LAYERS", word["layers"]))
        self.addOutput(QgsProcessingOutputFile("MAP", word["map"]))

    def checkParameterValues(self, parameters, context):
        """Incidents come from a file or from a layer."""
        good, why = super().checkParameterValues(parameters, context)
        if good and not (parameters.get("INCIDENTS_FILE") or parameters.get("INCIDENTS")):
            return False, words()["no_incidents"]
        return good, why

    def processAlgorithm(self, parameters, context, feedback):
        """Write the pipeline, run it, load what it made."""
        out = Path(self.parameterAsString(parameters, "OUTPUT", context))
        with tempfile.TemporaryDirectory(prefix="gridmap-qgis-") as folder:
            pipeline = Path(folder) / "qgis.yaml"
            pipeline.write_text(
                json.dumps(self.pipeline(parameters, context, Path(folder)), indent=1), encoding="utf-8"
            )
            feedback.pushInfo(pipeline.read_text(encoding="utf-8"))
            self.run(pipeline, out, feedback)
        layers = out / "hotspots.gpkg"
        for name in layer_names(layers):
            layer = QgsVectorLayer(f"{layers}|layername={name}", name, "ogr")
            details = QgsProcessingContext.LayerDetails(name, context.project(), name)
            context.temporaryLayerStore().addMapLayer(layer)
            context.addLayerToLoadOnCompletion(layer.id(), details)
        return {"OUTPUT": str(out), "LAYERS": str(layers), "MAP": str(out / "map.html")}

    def pipeline(self, parameters, context, folder):
        """The pipeline file's settings."""
        incidents = self.parameterAsFile(parameters, "INCIDENTS_FILE", context)
        if not incidents:
            points = self.parameterAsVectorLayer(parameters, "INCIDENTS", context)
            incidents = as_file(points, folder / "incidents.gpkg")
        boundaries = as_file(self.parameterAsVectorLayer(parameters, "BOUNDARIES", context), folder / "boundaries.gpkg")
        grid = {"system": SYSTEMS[self.parameterAsEnum(parameters, "GRID", context)]}
        if grid["system"] == "h3":
            grid["resolution"] = self.parameterAsInt(parameters, "RESOLUTION", context)
        elif grid["system"] == "square":
            grid["cell_size_m"] = self.parameterAsDouble(parameters, "CELL_SIZE_M", context)
        category = self.parameterAsString(parameters, "CATEGORY", context)
        return {
            "title": self.about["title"],
            "language": language(),
            "audience": AUDIENCES[self.parameterAsEnum(parameters, "AUDIENCE", context)],
            "boundaries": {"path": boundaries},
            "grid": grid,
            "incidents": {"path": incidents, **({"category": category} if category else {})},
            "hotspots": [{self.method: self.options(parameters, context)}],
            "outputs": {"map": "map.html", "layers": "hotspots.gpkg"},
        }

    def options(self, parameters, context):
        """What was changed of the method's options."""
        changed = {}
        for option, entry in self.about["options"].items():
            given = parameters.get(option.upper())
            if given is None or given == "":
                continue
            if entry["type"] == "boolean":
                value = self.parameterAsBool(parameters, option.upper(), context)
            elif entry["type"] == "integer":
                value = self.parameterAsInt(parameters, option.upper(), context)
            elif entry["type"] == "number":
                value = self.parameterAsDouble(parameters, option.upper(), context)
            else:
                value = self.parameterAsString(parameters, option.upper(), context)
            if value != entry["default"]:
                changed[option] = value
        return changed

    def run(self, pipeline, out, feedback):
        """Run the command; its steps are progress, its last line is the reason where it fails."""
        line = [*command(), "--language", language(), "run", str(pipeline), "--out", str(out), "--steps"]
        process = started(line)
        last = ""
        for text in printed_by(process, feedback.isCanceled):
            if text.startswith(STEP):
                feedback.setProgressText(shown_step(text[len(STEP) :].strip()))
            elif text.strip() and not text.startswith(NOTE):
                last = text.strip()
                feedback.pushInfo(last)
        if feedback.isCanceled():
            ended(process)
            raise QgsProcessingException(words()["cancelled"])
        if process.wait():
            absent = not last or last.endswith("No module named gridmap")
            raise QgsProcessingException(words()["no_command"] if absent else last)


def parameter(option, entry):
    """A parameter of Processing for an option of a method."""
    name, title, default = option.upper(), f"{entry['title']} ({option})", entry["default"]
    if entry["type"] == "boolean":
        return QgsProcessingParameterBoolean(name, title, defaultValue=bool(default))
    if entry["type"] in ("integer", "number"):
        kinds = QgsProcessingParameterNumber
        kind = kinds.Integer if entry["type"] == "integer" else kinds.Double
        return QgsProcessingParameterNumber(name, title, kind, defaultValue=default, optional=default is None)
    return QgsProcessingParameterString(name, title, defaultValue=default, optional=True)


def as_file(layer, path):
    """A layer as a GeoPackage of its own, whatever it comes from; its path."""
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName, options.fileEncoding, options.layerName = "GPKG", "UTF-8", path.stem
    problem = QgsVectorFileWriter.writeAsVectorFormatV3(layer, str(path), QgsCoordinateTransformContext(), options)
    if problem[0] != QgsVectorFileWriter.NoError:
        raise QgsProcessingException(problem[1])
    return str(path)


def layer_names(path):
    """The layers of a GeoPackage."""
    layer = QgsVectorLayer(str(path), "gridmap", "ogr")
    names = [entry.split("!!::!!")[1] for entry in layer.dataProvider().subLayers()]
    return [name for name in names if name != "layer_styles"]
