"""gridmap: boundary files and incident points in, hotspot maps that open without a network out."""

import lazy_loader

# The names and their modules stand in `__init__.pyi`, for people and for editors; each is imported when it is first
# asked for, so that `gridmap --help` need not wait for matplotlib.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
