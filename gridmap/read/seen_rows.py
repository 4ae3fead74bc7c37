"""Which rows were there before?"""

import numpy as np
import pandas as pd
import pyarrow as pa

from gridmap.read.decisions import Plan

__all__ = ["SeenRows"]


class SeenRows:
    """Which rows were there before: by id, or, where there is none, by everything, the time being exact."""

    def __init__(self, plan: Plan, *, find: bool = False):
        self.by_id = "incident_id" in plan.roles
        self.find = find  # which rows, and not only how many
        self.keys: list[np.ndarray] = []

    def again(self, table: pa.Table) -> np.ndarray:
        """Which rows repeat an earlier one; all False unless `find`."""
        n = table.num_rows
        again = np.zeros(n, bool)
        if not n:
            return again
        if self.by_id:
            counted = np.asarray(table["incident_id"].is_valid())
            key = pd.util.hash_array(table["incident_id"].filter(pa.array(counted)).to_numpy(), categorize=False)
        else:
            frame = table.select(["occurred_from", "occurred_to", "category", "lon", "lat"]).to_pandas()
            counted = (frame["occurred_from"] == frame["occurred_to"]).to_numpy()
            key = pd.util.hash_pandas_object(frame[counted], index=False, categorize=False).to_numpy()
        if self.find:
            before = sum(map(len, self.keys))
            again[counted] = pd.Series(np.concatenate([*self.keys, key])).duplicated().to_numpy()[before:]
        self.keys.append(key)
        return again

    def total(self) -> int:
        """How many rows repeat an earlier one."""
        return int(pd.Series(np.concatenate(self.keys)).duplicated().sum()) if self.keys else 0
