"""`--sign` and `--signed-by`: who stands behind a run, checked by gridmap and by OpenSSH itself."""

import shutil
import subprocess

import pytest

from gridmap._audit import AUDIT, SIGNATURE, write_added
from gridmap._ssh_signatures import fingerprint, read_public_keys, signed_with, signer_of
from gridmap.errors import ReadError
from gridmap.runs import run_pipeline
from gridmap.runs.verify import verify_run

from .conftest import Town, refused

pytest.importorskip("cryptography", reason="needs cryptography (the extra `sign`)")
needs_ssh_keygen = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen")


def made_key(folder, name="key", passphrase=b""):
    """A pair of keys as ssh-keygen writes them."""
    from cryptography.hazmat.primitives import serialization as of
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.generate()
    locked = of.BestAvailableEncryption(passphrase) if passphrase else of.NoEncryption()
    (folder / name).write_bytes(private.private_bytes(of.Encoding.PEM, of.PrivateFormat.OpenSSH, locked))
    public = private.public_key().public_bytes(of.Encoding.OpenSSH, of.PublicFormat.OpenSSH)
    (folder / f"{name}.pub").write_bytes(public + b" clerk@desk\n")
    return folder / name


@pytest.fixture(scope="module")
def signed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("signed")
    key = made_key(folder)
    run_pipeline(Town(folder / "town").pipeline(), folder / "out", sign=signer_of(key))
    return folder


@pytest.fixture
def copy(signed, tmp_path):
    shutil.copytree(signed, tmp_path / "s")
    return tmp_path / "s"


def test_a_signed_run_is_verified_with_the_public_key_and_with_no_other(copy, gridmap, tmp_path):
    done = gridmap("verify", copy / "out", "--signed-by", copy / "key.pub")
    assert done.returncode == 0, done.stderr
    assert fingerprint(read_public_keys(copy / "key.pub")[0]) in done.stdout
    assert SIGNATURE not in gridmap("verify", copy / "out").stdout  # no foreign file
    made_key(tmp_path, "other")
    refused(gridmap("verify", copy / "out", "--signed-by", tmp_path / "other.pub"), "is not as its last run left it")


def test_a_forger_who_writes_outputs_and_chain_anew_has_no_signature(copy, tmp_path):
    other = Town(tmp_path / "town")
    run_pipeline(other.pipeline(title="Forged"), tmp_path / "forged")
    assert verify_run(tmp_path / "forged").faults == []
    shutil.copy(copy / "out" / SIGNATURE, tmp_path / "forged" / SIGNATURE)
    faults = verify_run(tmp_path / "forged", signed_by=copy / "key.pub").faults
    assert [f.values["what"].code for f in faults] == ["runs.signature_of_other"]
    (tmp_path / "forged" / SIGNATURE).unlink()
    faults = verify_run(tmp_path / "forged", signed_by=copy / "key.pub").faults
    assert [f.values["what"].code for f in faults] == ["runs.no_signature"]


def test_what_was_added_after_the_signature_is_told(copy):
    out, key = copy / "out", copy / "key"
    write_added(out, "paper.pdf", b"%PDF", what="report")
    (fault,) = verify_run(out, signed_by=copy / "key.pub").faults
    assert (fault.values["what"].code, fault.values["what"].values["signed"]) == ("runs.signed_before", 1)
    write_added(out, "paper.pdf", b"%PDF-2", what="report", sign=signer_of(key))
    assert verify_run(out, signed_by=copy / "key.pub").faults == []


def test_a_run_without_sign_takes_the_old_signature_away(copy):
    run_pipeline(Town(copy / "town").pipeline(), copy / "out")
    assert not (copy / "out" / SIGNATURE).exists()
    assert verify_run(copy / "out").faults == []


@needs_ssh_keygen
def test_openssh_itself_accepts_the_signature_and_gridmap_accepts_openssh_s(copy, tmp_path):
    out, key = copy / "out", copy / "key"
    public = (copy / "key.pub").read_text().strip()
    (copy / "allowed").write_text(f"clerk {public}\n")
    check = [
        "ssh-keygen",
        "-Y",
        "verify",
        "-f",
        copy / "allowed",
        "-I",
        "clerk",
        "-n",
        "gridmap",
        "-s",
        out / SIGNATURE,
    ]
    done = subprocess.run(check, input=(out / AUDIT).read_bytes(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    done = subprocess.run(check, input=(out / AUDIT).read_bytes() + b"x", capture_output=True, check=False)
    assert done.returncode != 0
    (out / SIGNATURE).unlink()
    key.chmod(0o600)
    subprocess.run(
        ["ssh-keygen", "-Y", "sign", "-f", key, "-n", "gridmap", out / AUDIT], capture_output=True, check=True
    )
    assert verify_run(out, signed_by=copy / "allowed").faults == []
    (out / SIGNATURE).unlink()
    subprocess.run(["ssh-keygen", "-Y", "sign", "-f", key, "-n", "git", out / AUDIT], capture_output=True, check=True)
    assert len(verify_run(out, signed_by=copy / "allowed").faults) == 1  # made for something else


@needs_ssh_keygen
def test_a_key_that_openssh_made_with_a_passphrase(tmp_path):
    pytest.importorskip("bcrypt")
    key = tmp_path / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "open sesame", "-f", key], check=True)
    with pytest.raises(ReadError, match="passphrase"):
        signer_of(key)
    with pytest.raises(ReadError, match="passphrase"):
        signer_of(key, passphrase=lambda: "wrong")
    sign = signer_of(key, passphrase=lambda: "open sesame")
    assert signed_with(sign(b"x"))[0] == read_public_keys(tmp_path / "id.pub")[0]


@pytest.mark.parametrize(
    "text", ["", "-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----", "x" * 9000, "\x00", "é"]
)
def test_a_signature_that_is_none_is_a_fault_and_no_traceback(copy, text):
    (copy / "out" / SIGNATURE).write_text(text, encoding="utf-8")
    assert len(verify_run(copy / "out", signed_by=copy / "key.pub").faults) == 1


@pytest.mark.parametrize("content", [b"", b"ssh-rsa AAAA", b"\xff\xfe", b"ssh-ed25519 AAAA clerk"])
def test_a_key_that_is_none_is_said_in_one_line(copy, gridmap, content, town):
    bad = copy / "bad"
    bad.write_bytes(content)
    refused(gridmap("verify", copy / "out", "--signed-by", bad), "bad")
    refused(gridmap("run", town.file(), "--out", copy / "new", "--sign", bad), "bad")
    assert not (copy / "new").exists()
