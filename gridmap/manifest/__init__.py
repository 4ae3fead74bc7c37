"""What was run, on what, with what; a folder that is whole at every moment; and whether it still is as it was left.

::

    record.py        run.json: inputs, settings, versions, outputs
    audit.py         audit.jsonl: one line a run, each with the hash of the line before
    folder.py        outputs that appear whole or not at all, whenever the run is killed
    verification.py  has any byte changed since?
"""

from gridmap.manifest.audit import append_audit
from gridmap.manifest.folder import put_aside, staging
from gridmap.manifest.record import sha256_of, versions, write_manifest
from gridmap.manifest.verification import Verdict, verify_run

__all__ = [
    "Verdict",
    "append_audit",
    "put_aside",
    "sha256_of",
    "staging",
    "verify_run",
    "versions",
    "write_manifest",
]
