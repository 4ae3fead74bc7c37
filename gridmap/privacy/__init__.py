"""Nothing that should stay inside ever leaves: the gate that every writer passes.

`gridmap.audiences` says what each audience may be given. `audience_gate` holds frames and texts against it, `released`
makes of tables and of a method's answer what may be shown and carries for whom that was decided, `public_incidents`
makes the coarser grid that the public is given, `geomasks` moves points. What this does not protect against stands in
docs/privacy.md.
"""

from gridmap._moved import keep_old_names, old_functions
from gridmap.audiences import AUDIENCES, DEFAULT_AUDIENCE, SMALLEST_COUNT, Audience, check_audience
from gridmap.privacy.audience_gate import CONTENTS, check_periods, gate, gate_text
from gridmap.privacy.geomasks import MaskedIncidents, geomask
from gridmap.privacy.linkage import hours_beside_days, hours_tell_dates
from gridmap.privacy.public_incidents import PublicRelease, public_release
from gridmap.privacy.released import Released, is_released, release, release_result, two_figures, value_for
from gridmap.privacy.safe_shapes import covered, scattered

__all__ = [
    "AUDIENCES",
    "CONTENTS",
    "DEFAULT_AUDIENCE",
    "SMALLEST_COUNT",
    "Audience",
    "MaskedIncidents",
    "PublicRelease",
    "Released",
    "check_audience",
    "check_periods",
    "covered",
    "gate",
    "gate_text",
    "geomask",
    "hours_beside_days",
    "hours_tell_dates",
    "is_released",
    "public_release",
    "release",
    "release_result",
    "scattered",
    "two_figures",
    "value_for",
]
__getattr__ = old_functions(__name__, {"shown_result": "release_result"})
keep_old_names(
    __name__,
    {
        "columns": "disclosive_columns",
        "joins": "linkage",
        "public": "public_incidents",
        "results": "released",
        "series": "release_series",
        "shapes": "safe_shapes",
    },
)
