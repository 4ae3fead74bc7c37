"""The command line: thin. Each command calls the function of the same name; a family of commands is a file.

To add a command: a module here that decorates its function with `@app.command()`, its name in COMMANDS, and a section
of its own in docs/commands.md.
"""

from importlib import import_module

from gridmap._moved import keep_old_names
from gridmap.cli.app import app, main

__all__ = ["COMMANDS", "app", "main"]

#: The files of this folder that hold commands, in the order of `gridmap --help`.
COMMANDS = (
    "runs",
    "installation",
    "forecasts",
    "reports",
    "verification",
    "single_steps",
    "stores",
    "patrols",
    "registers",
    "methods",
    "desk",
    "inbox",
    "agents",
    "qgis_plugin",
)
for name in COMMANDS:
    import_module(f"gridmap.cli.{name}")

keep_old_names(
    __name__,
    {
        "plugins": "qgis_plugin",
        "trust": "verification",
    },
)
