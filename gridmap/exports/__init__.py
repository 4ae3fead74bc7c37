"""Files for everyone else: what QGIS, Office, phones and other programs open.

One door: `export` (and `write_layers`, `write_table` for the pipeline) asks what there is to write (`contents`), lets
the privacy gate take out what the audience may not see, writes into a hidden folder beside the place (a writer a
format, chosen by the file's ending), and moves the file there when it is whole.
"""

from gridmap.exports.door import export, write_layers, write_table

__all__ = ["export", "write_layers", "write_table"]
