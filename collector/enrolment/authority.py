"""The authority of a community: its key, the certificates that it has signed, and those that it has taken back.

A folder of three files. A certificate is written into the register before anybody gets it, so that there is none that
cannot be taken back.
"""

from __future__ import annotations

import fcntl
import ipaddress
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_YEARS = 20
# A machine without a clock wakes up in the past: a Pi must believe its broker all the same, and a broker its gateways.
BEFORE_ANY_PI = datetime(2020, 1, 1, tzinfo=UTC)
BROKER, COLLECTOR = "broker", "collector"
_KEY, _CERTIFICATE, _REGISTER = "ca.key", "ca.crt", "issued.json"
_FORMAT = 1


class AuthorityError(Exception):
    """The authority's folder cannot be used as it is; str() says why."""


@dataclass(frozen=True, slots=True)
class Issued:
    """One certificate that was signed. `serial` is hexadecimal, `revoked` when it was taken back; times ISO 8601."""

    name: str
    serial: str
    since: str
    until: str
    revoked: str | None = None

    def is_good(self, now: datetime) -> bool:
        """Whether a broker takes it."""
        return self.revoked is None and now < datetime.fromisoformat(self.until)


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key, PEM."""

    certificate: bytes
    key: bytes
    until: datetime
    serial: str  # hexadecimal, as in the register


class Authority:
    """An authority whose folder is open. Made by `opened` only."""

    def __init__(self, folder: Path, told: dict[str, Any]) -> None:
        self.folder = folder
        self.community: str = told["community"]
        self.hosts: tuple[str, ...] = tuple(told["hosts"])
        self.issued = [Issued(**each) for each in told["issued"]]
        self.certificate_pem = (folder / _CERTIFICATE).read_bytes()
        self._certificate = x509.load_pem_x509_certificate(self.certificate_pem)
        key = load_pem_private_key((folder / _KEY).read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != self._certificate.public_key():
            raise AuthorityError(f"{folder}: {_KEY} is not the key of {_CERTIFICATE}")
        self._key = key

    def good(self, name: str, now: datetime) -> Issued | None:
        """The certificate of `name` that is good longest, if there is one."""
        there = [each for each in self.issued if each.name == name and each.is_good(now)]
        return max(there, key=lambda each: datetime.fromisoformat(each.until), default=None)

    def gateways(self, now: datetime) -> list[str]:
        """Who holds a good certificate and is a gateway."""
        return sorted({each.name for each in self.issued if each.is_good(now)} - {BROKER, COLLECTOR})

    def serve(self, hosts: Sequence[str]) -> None:
        """The broker is reached by these names or addresses from now on."""
        self.hosts = tuple(hosts)
        self._keep()

    def issue(self, name: str, days: int | None, now: datetime) -> Pair:
        """A new key and its certificate for a gateway, the collector or the broker. `days` None: as long as the
        authority."""
        key = ec.generate_private_key(ec.SECP256R1())
        ends = self._certificate.not_valid_after_utc
        until = ends if days is None else min(now + timedelta(days=days), ends)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_subject(self.community, name))
            .issuer_name(self._certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(BEFORE_ANY_PI)
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([_PURPOSE.get(name, ExtendedKeyUsageOID.CLIENT_AUTH)]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        if name == BROKER:
            names = x509.SubjectAlternativeName([_host(each) for each in (*self.hosts, *_ITSELF)])
            builder = builder.add_extension(names, critical=False)
        signed = builder.sign(self._key, hashes.SHA256())
        said = Issued(name, f"{signed.serial_number:x}", now.isoformat("T", "seconds"), until.isoformat("T", "seconds"))
        self.issued.append(said)
        self._keep()
        return Pair(signed.public_bytes(Encoding.PEM), _pem(key), until, said.serial)

    def revoke(self, name: str, now: datetime) -> int:
        """Take back every certificate of `name` that is still good. Returns how many."""
        good = {each.serial for each in self.issued if each.name == name and each.is_good(now)}
        self._take_back(good, now)
        return len(good)

    def withdraw(self, pair: Pair, now: datetime) -> None:
        """Take back this one alone: it could not be handed out, so that nobody holds it, or nobody knows who does."""
        self._take_back({pair.serial}, now)

    def revocations(self, now: datetime) -> bytes:
        """The list of what was taken back, PEM. It is good as long as the authority is: a broker lets nobody in at all
        once its list is too old, and nobody would be there to bring a new one."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._certificate.subject)
            .last_update(BEFORE_ANY_PI)
            .next_update(self._certificate.not_valid_after_utc)
            .add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        for each in self.issued:
            if each.revoked is not None:
                at = datetime.fromisoformat(each.revoked)
                entry = x509.RevokedCertificateBuilder().serial_number(int(each.serial, 16)).revocation_date(at)
                builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)

    def _take_back(self, serials: set[str], now: datetime) -> None:
        at = now.isoformat("T", "seconds")
        self.issued = [replace(each, revoked=at) if each.serial in serials else each for each in self.issued]
        self._keep()

    def _keep(self) -> None:
        told = {"format": _FORMAT, "community": self.community, "hosts": self.hosts}
        write(self.folder / _REGISTER, _json({**told, "issued": [asdict(each) for each in self.issued]}), 0o600)


@contextmanager
def opened(folder: Path, community: str | None, hosts: Sequence[str], now: datetime) -> Iterator[Authority]:
    """The authority in `folder`, for one process at a time; it is made there if there is none, with `community` and
    `hosts`. Raises AuthorityError, also for one of another community."""
    if not folder.exists() or not any(folder.iterdir()):
        if community is None or not hosts:
            raise AuthorityError(f"{folder}: there is no authority yet; to make one, name --site and --broker HOST")
        _make(folder, community, hosts, now)
    missing = [name for name in (_KEY, _CERTIFICATE, _REGISTER) if not (folder / name).is_file()]
    if missing:
        raise AuthorityError(f"{folder}: this is no authority, or a part of one: {', '.join(missing)} missing")
    with _locked(folder):
        try:
            told = json.loads((folder / _REGISTER).read_bytes())
            if told["format"] != _FORMAT:
                raise AuthorityError(f"{folder}: written by another version, in format {told['format']}")
            authority = Authority(folder, told)
        except (ValueError, KeyError, TypeError) as error:
            raise AuthorityError(f"{folder}: cannot be read: {error!r}") from error
        if community not in (None, authority.community):
            said = f"it is of {authority.community!r}, and the site of {community!r}"
            raise AuthorityError(f"{folder}: {said}; name another folder by --ca")
        yield authority


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise AuthorityError(f"{folder}: another `callpoint enroll` is using it; try again") from None
    finally:
        os.close(lock)


def _make(folder: Path, community: str, hosts: Sequence[str], now: datetime) -> None:
    """The whole folder at once: of one that was half made nobody could say what it has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _subject(community, "authority")
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEFORE_ANY_PI)
        .not_valid_after(now + timedelta(days=365 * CA_YEARS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    told = {"format": _FORMAT, "community": community, "hosts": list(hosts), "issued": []}
    folder.parent.mkdir(parents=True, exist_ok=True)
    half = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))  # 0700
    try:
        write(half / _KEY, _pem(key), 0o600)
        write(half / _CERTIFICATE, certificate.public_bytes(Encoding.PEM), 0o644)
        write(half / _REGISTER, _json(told), 0o600)
        half.rename(folder)  # also onto an empty folder, never onto another authority
    finally:
        shutil.rmtree(half, ignore_errors=True)


def write(path: Path, content: bytes, mode: int) -> None:
    """A file that is either as it was or as it is to be, and never readable for more than `mode` allows."""
    number, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)  # 0600
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


_PURPOSE = {BROKER: ExtendedKeyUsageOID.SERVER_AUTH}
_ITSELF = ("localhost", "127.0.0.1", "::1")  # for what runs on the broker's own machine


def _subject(community: str, name: str) -> x509.Name:
    parts = ((NameOID.ORGANIZATION_NAME, community), (NameOID.COMMON_NAME, name))
    return x509.Name([x509.NameAttribute(kind, text) for kind, text in parts])


def _usage(signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _host(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _json(told: dict[str, Any]) -> bytes:
    return json.dumps(told, indent=1, ensure_ascii=False).encode() + b"\n"
