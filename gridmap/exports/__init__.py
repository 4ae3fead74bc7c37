"""Files for everyone else: what QGIS, Office, phones and other programs open.

`export` (and `write_layers`, `write_table` for the pipeline) asks what there is to write (`result_parts`), lets the
privacy gate take out what the audience may not see, writes into a hidden folder beside the place (a writer a format, in
`formats`, chosen by the file's ending), and moves the file there when it is whole.
"""

from gridmap._moved import keep_old_names
from gridmap.exports.writing import export, write_layers, write_released, write_table

__all__ = ["export", "write_layers", "write_released", "write_table"]
keep_old_names(
    __name__,
    {
        "parts": "result_parts",
        "plain": "plain_frames",
    },
)
