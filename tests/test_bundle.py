"""A policy packed into one file, signed, and looked at by somebody who believes nothing of it."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from command import chart, run, write_lines
from small_policy import small_policy

from ivproof.law.bundle import LARGEST_BUNDLE, MANIFEST, Bundle, BundleError, pack, read
from ivproof.law.policy import Policy


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return pack(Policy.load(small_policy(tmp_path)))


def test_what_is_packed_is_read_again_and_has_the_same_law(tmp_path: Path, bundle: Bundle) -> None:
    again = read(bundle.packed())
    assert again == bundle
    assert Policy.load(again.unpack(tmp_path / "again")).digest == bundle.digest


@pytest.mark.parametrize("name", ["out001", "cms"])
def test_a_copy_is_the_same_law_until_it_is_changed(tmp_path: Path, name: str) -> None:
    into = tmp_path / "new" / "mine"
    assert run("policy", "copy", name, into).exit_code == 0
    law = Policy.load(name)
    assert (Policy.load(into / name).digest, Policy.load(into / name).standing) == (law.digest, "published")
    assert run("policy", "lint", "--policy", into / name).exit_code == 0
    with (into / name / "policy.toml").open("a") as file:
        file.write("# ours\n")
    again = run("policy", "copy", name, into)
    assert again.exit_code == 2 and "found something there already" in again.stderr
    assert (into / name / "policy.toml").read_text().endswith("# ours\n")
    assert [it.name for it in into.parent.iterdir()] == ["mine"]


def test_the_same_policy_gives_the_same_bytes_wherever_it_lies(tmp_path: Path, bundle: Bundle) -> None:
    (tmp_path / "other").mkdir()
    other = small_policy(tmp_path / "other")
    (other / "law.lp").touch(0o600)
    assert pack(Policy.load(other)).packed() == bundle.packed()


def test_the_policy_of_the_package_takes_its_lists_and_drugs_along() -> None:
    packed = pack(Policy.load("out001"))
    assert {"out001/policy.toml", "out001/rules.toml", "national.toml", "time.lp", "drugs/ingredients.csv"} <= set(
        packed.files
    )
    assert "published.toml" not in packed.files  # who packs a law does not say what is published
    assert read(packed.packed()).digest == Policy.load("out001").digest


def test_a_packed_policy_answers_as_its_folder_does(tmp_path: Path) -> None:
    assert run("policy", "bundle", "out001", "-o", tmp_path / "out001.tar.gz").exit_code == 0
    visit = write_lines(tmp_path / "visit.jsonl", chart("E-1"))
    packed, plain = (
        run("code", visit, "--policy", it, "--format", "json") for it in (tmp_path / "out001.tar.gz", "out001")
    )
    assert packed.exit_code == 0, packed.output
    assert packed.stdout == plain.stdout


def archive(*members: tuple[str | tarfile.TarInfo, bytes], form: int = tarfile.USTAR_FORMAT) -> bytes:
    found = io.BytesIO()
    with tarfile.open(fileobj=found, mode="w", format=form) as tar:
        for about, content in members:
            member = tarfile.TarInfo(about) if isinstance(about, str) else about
            member.size = len(content) if member.isreg() else 0
            tar.addfile(member, io.BytesIO(content))
    return gzip.compress(found.getvalue(), mtime=0)


def with_member(bundle: Bundle, about: str | tarfile.TarInfo, content: bytes = b"x.") -> bytes:
    """The bundle with one more member, which its manifest names."""
    name = about if isinstance(about, str) else about.name
    more = replace(bundle, files={**bundle.files, name: content})
    return archive((MANIFEST, more.manifest()), *bundle.files.items(), (about, content))


def special(kind: bytes, name: str = "small/more2.lp", target: str = "") -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type, found.linkname = kind, target
    return found


NAMES = ["../x.lp", "/etc/x.lp", "small/../../x.lp", "small/x", "small/.x.lp", "small/x.lp\n", "a b.lp", "small\\x.lp",
         "C:x.lp", "a/b/c/d/e/f/g.lp", "x.py", "\u0455mall/x.lp", f"{'x' * 150}.lp"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_file_of_an_odd_name_is_refused(bundle: Bundle, name: str, tmp_path: Path) -> None:
    data = with_member(bundle, name) if len(name) < 100 else archive((name, b""), form=tarfile.GNU_FORMAT)
    with pytest.raises(BundleError):
        read(data)
    assert not (tmp_path.parent / "x.lp").exists()


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE]
)
@pytest.mark.parametrize("target", ["", "/etc/passwd", "../../x", "law.lp"])
def test_what_is_no_file_is_refused(bundle: Bundle, kind: bytes, target: str) -> None:
    with pytest.raises(BundleError, match="expected files only"):
        read(with_member(bundle, special(kind, target=target)))


def test_a_file_that_stands_twice_is_refused(bundle: Bundle) -> None:
    with pytest.raises(BundleError, match="twice"):
        read(archive((MANIFEST, bundle.manifest()), *bundle.files.items(), ("small/law.lp", b"other.")))
    for name in ("small/LAW.lp", "SMALL/law.lp", "Vocabulary.lp"):
        with pytest.raises(BundleError, match="twice"):
            read(with_member(bundle, name))


def test_what_unpacks_to_more_than_a_bundle_may_hold_is_refused() -> None:
    bomb = gzip.compress(bytes(20 * LARGEST_BUNDLE), mtime=0)
    assert len(bomb) < 1_000_000
    with pytest.raises(BundleError, match="unpacked"):
        read(bomb)


def test_a_file_that_is_too_large_and_too_many_files_are_refused(bundle: Bundle) -> None:
    with pytest.raises(BundleError, match="expected at most"):
        read(with_member(bundle, "small/large.lp", b"%" * 5_000_000))
    many = [(f"small/x{n}.lp", b"") for n in range(600)]
    with pytest.raises(BundleError, match="more than 500 files"):
        read(archive((MANIFEST, bundle.manifest()), *many))


CHANGED: dict[str, Callable[[Bundle], bytes]] = {
    "a file": lambda it: archive((MANIFEST, it.manifest()), *{**it.files, "small/law.lp": b"other."}.items()),
    "a file too much": lambda it: archive((MANIFEST, it.manifest()), *it.files.items(), ("small/more2.lp", b"")),
    "a file too few": lambda it: archive((MANIFEST, it.manifest()), *list(it.files.items())[1:]),
    "no manifest": lambda it: archive(*it.files.items()),
    "a manifest that is a list": lambda it: archive((MANIFEST, b"[]"), *it.files.items()),
    "a manifest of another form": lambda it: archive((MANIFEST, b'{"policy": 7}'), *it.files.items()),
    "a manifest of many levels": lambda it: archive((MANIFEST, b"[" * 100_000), *it.files.items()),
    "another digest of the law": lambda it: replace(it, digest="sha256:0").packed(),
    "another edition": lambda it: replace(it, edition="2").packed(),
    "another id": lambda it: replace(it, id="out001").packed(),
    "another folder": lambda it: replace(it, folder="..").packed(),
    "a folder that is not there": lambda it: replace(it, folder="none").packed(),
    "cut off": lambda it: it.packed()[:-30],
    "something behind it": lambda it: it.packed() + b"more",
    "two in one": lambda it: it.packed() + it.packed(),
    "no gzip": lambda it: gzip.decompress(it.packed()),
    "nothing": lambda _: b"",
    "no tar": lambda _: gzip.compress(b"no tar" * 1000),
    "a law that leads elsewhere": lambda it: replace(
        it,
        files={**it.files, "small/policy.toml": it.files["small/policy.toml"].replace(b"law.lp", b"../../../etc/x.lp")},
    ).packed(),
}


@pytest.mark.parametrize("change", CHANGED)
def test_what_was_changed_is_rejected_with_status_1(tmp_path: Path, bundle: Bundle, change: str) -> None:
    file = tmp_path / "x.tar.gz"
    file.write_bytes(CHANGED[change](bundle))
    result = run("policy", "verify", file)
    assert result.exit_code == 1, result.output
    assert result.stderr.startswith("rejected: ")
    assert not result.stdout
    used = run("code", write_lines(tmp_path / "visit.jsonl", chart("E-1")), "--policy", file)
    assert used.exit_code == 2
    assert not used.stdout


def test_every_byte_that_is_changed_is_noticed_or_changes_nothing(bundle: Bundle) -> None:
    data = bundle.packed()
    for at in range(0, len(data), max(1, len(data) // 150)):
        try:
            found = read(data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :])
        except BundleError:
            continue
        assert found == bundle, at  # as in the header of gzip, which says nothing of the files


def test_a_file_that_is_none_has_the_status_of_a_wrong_command(tmp_path: Path) -> None:
    assert run("policy", "verify", tmp_path / "none.tar.gz").exit_code == 2
    assert run("policy", "verify", tmp_path).exit_code == 1
    assert run("policy", "bundle", "out001", "-o", tmp_path / "x.zip").exit_code == 2
    assert run("policy", "bundle", "nobody", "-o", tmp_path / "x.tar.gz").exit_code == 2


def test_the_verdict_says_what_is_in_it(tmp_path: Path, bundle: Bundle) -> None:
    (tmp_path / "x.tar.gz").write_bytes(bundle.packed())
    result = run("policy", "verify", tmp_path / "x.tar.gz")
    assert result.exit_code == 0
    assert bundle.digest in result.stdout
    assert "anybody can have made it" in result.stdout
    told = json.loads(run("policy", "verify", tmp_path / "x.tar.gz", "--format", "json").stdout)
    assert told["policy"]["digest"] == bundle.digest
    assert told["signed"] is False
    assert told["files"].keys() == bundle.files.keys()


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="signatures are OpenSSH's")
def test_a_signature_is_that_of_the_key_and_of_these_bytes(tmp_path: Path) -> None:
    small_policy(tmp_path)
    for name in ("ours", "theirs"):
        key = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "a b\nc", "-f", str(tmp_path / name)]
        subprocess.run(key, check=True, capture_output=True)
    file = tmp_path / "x.tar.gz"

    def status(key: str) -> int:
        return run("policy", "verify", file, "--key", tmp_path / key).exit_code

    made = run("policy", "bundle", tmp_path / "small", "-o", file, "--key", tmp_path / "ours")
    assert made.exit_code == 0, made.output
    assert (status("ours.pub"), status("theirs.pub")) == (0, 1)
    assert status("ours") == 1  # a private key is no public one
    signature = tmp_path / "x.tar.gz.sig"
    signature.unlink()
    other_purpose = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(tmp_path / "ours"), "-n", "file", str(file)]
    subprocess.run(other_purpose, check=True, capture_output=True)
    assert signature.is_file()
    assert status("ours.pub") == 1  # signed for another purpose
    signature.unlink()
    assert status("ours.pub") == 1  # not signed
    assert run("policy", "bundle", tmp_path / "small", "-o", file, "--key", tmp_path / "ours").exit_code == 0
    file.write_bytes(pack(Policy.load("out001")).packed())
    assert status("ours.pub") == 1  # other bytes
