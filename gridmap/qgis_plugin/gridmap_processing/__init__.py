"""gridmap in QGIS: a Processing provider that runs the `gridmap` command; written by `gridmap qgis`."""


def classFactory(iface):
    """What QGIS calls when it loads the plugin."""
    from .provider import Plugin

    return Plugin()
