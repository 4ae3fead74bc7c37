"""The provider and its algorithms: one for each method that `gridmap schema` names, with the options that it names.

QGIS brings its own Python and libraries; gridmap is another program. So nothing of gridmap is imported here: a pipeline
file is written, the command runs it, and the GeoPackage that it makes is loaded with the styles that are in it.
"""

import json
import os
import shlex
import shutil
import subprocess
import tempfile
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
STEP = "gridmap-step: "
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


def command():
    """How gridmap is called: `GRIDMAP_COMMAND`, the program that wrote this plugin, or the one on the path."""
    named = os.environ.get("GRIDMAP_COMMAND")
    if named:
        return shlex.split(named)
    made_by = written("command.json")
    if Path(made_by[0]).is_file():
        return made_by
    found = shutil.which("gridmap")
    if found is None:
        raise QgsProcessingException(words()["no_command"])
    return [found]


def surroundings():
    """The environment of another program: QGIS's own libraries and data left out."""
    return {name: value for name, value in os.environ.items() if name not in OF_QGIS}


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
            incidents = as_file(
                self.parameterAsVectorLayer(parameters, "INCIDENTS", context), folder / "incidents.gpkg"
            )
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
        process = subprocess.Popen(
            line,
            env=surroundings(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        last = ""
        for text in process.stdout:
            if feedback.isCanceled():
                process.terminate()
            elif text.startswith(STEP):
                feedback.setProgressText(text[len(STEP) :].strip())
            elif text.strip():
                last = text.strip()
                feedback.pushInfo(last)
        if process.wait():
            raise QgsProcessingException(last or words()["no_command"])


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
