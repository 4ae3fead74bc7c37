"""One file is hashed once, and never taken for what it was."""

import hashlib
import os
import time

from gridmap import _io
from gridmap._io import sha256_of


def test_a_file_that_stands_is_hashed_once_and_one_that_changed_anew(tmp_path, monkeypatch):
    place, really, times = tmp_path / "a.csv", hashlib.file_digest, []
    monkeypatch.setattr(hashlib, "file_digest", lambda file, kind: times.append(1) or really(file, kind))
    monkeypatch.setattr(_io, "SETTLED_S", 0.0)
    place.write_bytes(b"one")
    time.sleep(0.02)
    first = sha256_of(place)
    assert sha256_of(place) == first == hashlib.sha256(b"one").hexdigest()
    assert len(times) == 1
    kept = place.stat()
    place.write_bytes(b"two")
    os.utime(place, ns=(kept.st_atime_ns, kept.st_mtime_ns))  # a forged time: the change of the entry still tells
    assert sha256_of(place) == hashlib.sha256(b"two").hexdigest()


def test_a_file_that_was_written_just_now_is_hashed_anew(tmp_path):
    place = tmp_path / "a.csv"
    for text in (b"one", b"two", b"six") * 20:  # within one tick of the file system's clock, of one length
        place.write_bytes(text)
        assert sha256_of(place) == hashlib.sha256(text).hexdigest()
