"""What the tests share: the bundled data, and the larger data beside the repository when it is there."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# In .ci/run the drawn cases are the same each time, so that a change is judged by itself; elsewhere they are new ones.
settings.register_profile("same-cases", derandomize=True)
if os.environ.get("GRIDMAP_SAME_CASES") == "1":
    settings.load_profile("same-cases")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    folder = Path(os.environ.get("GRIDMAP_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("the shared data folder (../shared/data or GRIDMAP_SHARED_DATA) is not here")
    return folder
