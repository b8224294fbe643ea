"""A policy packed into one file: its law, the lists beside it and its drug list, with the digest of each.

A bundle is a tar archive, compressed by gzip. Its first member is ``manifest.json``: format, policy, edition, digest of
the law, the folder of the policy, and of every other member its size and SHA-256. Names are sorted, and no time, owner
or mode of this machine is in it, so the same policy gives the same bytes with the same version of zlib.

Reading one believes nothing: no member is written to disk by the tar library. Members are plain files of known kinds of
names, each once, of bounded size, just those of the manifest, and as it says.

Signatures are those of ``ssh-keygen -Y sign``, detached in ``NAME.sig``: nearly every machine has the program and
nearly everybody a key, the format is documented (OpenSSH, PROTOCOL.sshsig), whoever does not have ivproof can check
one, and no cryptography is added here.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import stat
import subprocess
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ivproof.formats.plain_file import LARGEST
from ivproof.law.policy import Policy, PolicyError
from ivproof.law.sources import NATIONAL, RULES, own_folders

FORMAT, VERSION = "ivproof policy bundle", 1
MANIFEST = "manifest.json"
SUFFIX = ".tar.gz"

MOST = 500
"""Members of a bundle."""

LARGEST_BUNDLE = 32_000_000
"""Bytes of a bundle, packed and unpacked."""

NAMESPACE = "ivproof-policy"
"""What a signature is for: one that was made for something else does not count."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}(/[A-Za-z0-9_-]{1,100}){0,4}\.(lp|toml|csv)", re.ASCII)


class BundleError(PolicyError):
    """A file that is no bundle, or not as its manifest says; a signature that is none."""


@dataclass(frozen=True)
class Bundle:
    """A policy as it was packed. `files` are the members by name, `folder` is that of the policy among them."""

    id: str
    edition: str
    digest: str
    folder: str
    files: Mapping[str, bytes]

    def manifest(self) -> bytes:
        """What the bundle says of itself."""
        about = {
            "format": FORMAT,
            "version": VERSION,
            "policy": {"id": self.id, "edition": self.edition, "digest": self.digest},
            "folder": self.folder,
            "files": {
                name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
                for name, content in sorted(self.files.items())
            },
        }
        return (json.dumps(about, indent=2, sort_keys=True) + "\n").encode()

    def packed(self) -> bytes:
        """The bytes of the archive."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for name, content in [(MANIFEST, self.manifest()), *sorted(self.files.items())]:
                member = tarfile.TarInfo(name)
                member.size, member.mode = len(content), 0o644
                tar.addfile(member, io.BytesIO(content))
        return gzip.compress(archive.getvalue(), 9, mtime=0)

    def unpack(self, into: Path) -> Path:
        """Write the files into an empty folder; give the folder of the policy. Raises OSError."""
        for name, content in self.files.items():
            path = into / name
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with path.open("xb") as file:
                file.write(content)
        return into / self.folder


def pack(policy: Policy) -> Bundle:
    """Pack a policy. Raises PolicyError where a file of it is of an odd name or too large, or OSError."""
    base = policy.folder.resolve()
    above = base.parent
    files: dict[str, bytes] = {}
    drugs = above / "drugs"
    for it in reversed(policy.chain):
        root = it.folder.resolve().parent
        listed = [
            folder / name for folder in own_folders(it) for name in (RULES, NATIONAL) if (folder / name).is_file()
        ]
        listed.append(it.folder.resolve() / "policy.toml")
        listed += sorted(drugs.glob("*.csv")) if root == above and drugs.is_dir() else []
        own = {name: text.encode() for name, text in it.written.items()}
        own |= {path.relative_to(root).as_posix(): path.read_bytes() for path in listed if path.is_relative_to(root)}
        for name in own.keys() & files.keys():
            if own[name] != files[name]:
                raise PolicyError(f"{root / name}: found another {name} below the overlay, expected names of its own")
        files |= own
    for name, content in files.items():
        if not _NAME.fullmatch(name) or len(content) > LARGEST:
            raise PolicyError(
                f"{above / name}: found {len(content)} bytes, expected at most {LARGEST} and a plain name"
            )
    if sum(map(len, files.values())) > LARGEST_BUNDLE:
        raise PolicyError(f"{base}: found more than {LARGEST_BUNDLE} bytes, expected fewer")
    return Bundle(policy.id, policy.edition, policy.digest, base.name, files)


def bytes_of(file: Path) -> bytes:
    """Give the bytes of a file that may be a bundle. Raises OSError, or BundleError where it is no file."""
    if not stat.S_ISREG(file.stat().st_mode):  # a pipe would be waited for
        raise BundleError(f"{file}: found no file, expected a bundle")
    with file.open("rb") as opened:
        return opened.read(LARGEST_BUNDLE + 1)  # one too many tells that there is more


def read(data: bytes) -> Bundle:
    """Give the bundle in some bytes, looked at from its form down to the digest of its law. Raises BundleError."""
    files = _members(_inflated(data))
    manifest = files.pop(MANIFEST, None)
    if manifest is None:
        raise BundleError(f"found no {MANIFEST}, expected a bundle that ivproof policy bundle made")
    try:
        about = json.loads(manifest)
        policy = about["policy"]
        id_, edition, digest, folder = map(_text, (policy["id"], policy["edition"], policy["digest"], about["folder"]))
        found = Bundle(id_, edition, digest, folder, files)
        stated = about["files"].keys()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BundleError(f"{MANIFEST}: found {type(error).__name__}, expected what a bundle says of itself") from error
    for name in sorted(stated ^ files.keys()):
        where = "in the archive and not in the manifest" if name in files else "in the manifest and not in the archive"
        raise BundleError(f"found {name!r} {where}, expected the same files in both")
    if found.manifest() != manifest:
        ours = json.loads(found.manifest())
        name = next((it for it in sorted(files) if ours["files"][it] != about["files"][it]), MANIFEST)
        raise BundleError(f"{name}: found another content than {MANIFEST} says, expected what was packed")
    _loaded(found)
    return found


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _inflated(data: bytes) -> bytes:
    """The archive in compressed bytes, if it is no larger than a bundle may be."""
    if len(data) > LARGEST_BUNDLE:
        raise BundleError(f"found more than {LARGEST_BUNDLE} bytes, expected a bundle of fewer")
    unpacker = zlib.decompressobj(wbits=31)  # gzip, and nothing else
    try:
        archive = unpacker.decompress(data, LARGEST_BUNDLE)
    except zlib.error as error:
        raise BundleError(f"found no gzip ({error}), expected a {SUFFIX} file") from error
    if unpacker.unconsumed_tail:
        raise BundleError(f"found more than {LARGEST_BUNDLE} bytes unpacked, expected fewer")
    if not unpacker.eof or unpacker.unused_data:
        raise BundleError("found a file that is cut off or goes on after its end, expected one whole archive")
    return archive


def _members(archive: bytes) -> dict[str, bytes]:
    """The members of an archive by name: plain files, each once."""
    files: dict[str, bytes] = {}
    folded: set[str] = set()  # where a folder does not tell capitals from small letters, one would replace the other
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:", errorlevel=2) as tar:
            for member in tar:
                name = member.name
                if len(files) > MOST:
                    raise BundleError(f"found more than {MOST} files, expected fewer")
                if member.type != tarfile.REGTYPE or member.pax_headers or member.linkname or member.issparse():
                    raise BundleError(f"found {name!r}, which is a link, folder or device, expected files only")
                if name != MANIFEST and not _NAME.fullmatch(name):
                    raise BundleError(f"found a file {name!r}, expected a plain name that ends with .lp, .toml or .csv")
                if name.casefold() in folded:
                    raise BundleError(f"found {name} twice, expected each file once, capitals or not")
                folded.add(name.casefold())
                if member.size > LARGEST:
                    raise BundleError(f"{name}: found {member.size} bytes, expected at most {LARGEST}")
                content = tar.extractfile(member)
                files[name] = content.read() if content is not None else b""
                if len(files[name]) != member.size:
                    raise BundleError(f"{name}: found {len(files[name])} of {member.size} bytes, expected all")
    except (tarfile.TarError, ValueError, OSError, EOFError, OverflowError, RecursionError) as error:
        if isinstance(error, BundleError):
            raise
        raise BundleError(f"found no tar archive ({error}), expected a bundle") from error
    return files


def _loaded(bundle: Bundle) -> None:
    """Read the policy as it is used, and compare it with what the manifest says."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", bundle.folder, re.ASCII):
        raise BundleError(f"{MANIFEST}: found the folder {bundle.folder!r}, expected a plain name")
    with TemporaryDirectory() as folder:
        try:
            policy = Policy.load(bundle.unpack(Path(folder)))
        except (PolicyError, OSError) as error:
            said = str(error).replace(f"{Path(folder).resolve()}/", "").replace(f"{folder}/", "")
            raise BundleError(said) from error
    for what, found, stated in (
        ("id", policy.id, bundle.id),
        ("edition", policy.edition, bundle.edition),
        ("digest of the law", policy.digest, bundle.digest),
    ):
        if found != stated:
            raise BundleError(f"{what}: found {found}, expected {stated}, as {MANIFEST} says")


# --- signatures


def sign(bundle: Path, key: Path) -> Path:
    """Sign a file with a private key of OpenSSH; give the file of the signature. Raises BundleError."""
    signature = bundle.with_name(bundle.name + ".sig")
    signature.unlink(missing_ok=True)  # the program asks before it replaces one
    _ssh_keygen("-Y", "sign", "-q", "-f", str(key.resolve()), "-n", NAMESPACE, str(bundle.resolve()))
    return signature


def check_signature(data: bytes, signature: Path, key: Path) -> None:
    """Raises BundleError where a file does not sign these bytes with the private part of a public key of OpenSSH."""
    try:
        words = key.read_text("utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(f"{key}: {error}") from error
    if len(words) < 2 or not re.fullmatch(r"[a-z0-9@.-]+", words[0]) or not re.fullmatch(r"[A-Za-z0-9+/=]+", words[1]):
        raise BundleError(f"{key}: found no public key, expected one of OpenSSH, as in id_ed25519.pub")
    if not signature.is_file():
        raise BundleError(f"{signature}: found no signature, expected one by {key.name}")
    with TemporaryDirectory() as folder:
        signers = Path(folder) / "signers"
        signers.write_text(f'policy namespaces="{NAMESPACE}" {words[0]} {words[1]}\n', "utf-8")
        options = ("-Y", "verify", "-f", str(signers), "-I", "policy", "-n", NAMESPACE, "-s", str(signature.resolve()))
        _ssh_keygen(*options, stdin=data)


def _ssh_keygen(*options: str, stdin: bytes = b"") -> None:
    try:
        done = subprocess.run(["ssh-keygen", *options], input=stdin, capture_output=True, timeout=60, check=False)
    except FileNotFoundError as error:
        raise BundleError(
            "found no ssh-keygen on this machine, expected OpenSSH 8.0 or later for signatures"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise BundleError("ssh-keygen did not end within a minute: does the key ask for a passphrase?") from error
    if done.returncode:
        said = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines() or ["it failed"]
        raise BundleError(f"signature: ssh-keygen says {said[-1]!r}")


def described(bundle: Bundle) -> dict[str, Any]:
    """A bundle as plain data: policy, edition, digest, and the digest of each file."""
    found: dict[str, Any] = json.loads(bundle.manifest())
    return found
