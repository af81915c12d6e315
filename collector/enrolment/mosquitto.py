"""What Mosquitto is told: how to know somebody by their certificate, and who may say and hear what. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from config.wire import NAMESPACE

TLS_PORT = 8883
SPOKEN_BY_NODE = ("NBIRTH", "NDATA", "NDEATH")
SPOKEN_BY_DEVICE = ("DBIRTH", "DDATA", "DDEATH")


def configuration(folder: str) -> str:
    """A file for `conf.d`. `folder`: where the other files are on the broker's machine."""
    return f"""\
# Made by `callpoint enroll`. Who connects shows a certificate of the community's own authority, and is who it says.
listener {TLS_PORT}
cafile {folder}/ca.crt
certfile {folder}/broker.crt
keyfile {folder}/broker.key
crlfile {folder}/crl.pem
tls_version tlsv1.2
require_certificate true
use_identity_as_username true
allow_anonymous false
acl_file {folder}/callpoint.acl
"""


def rules(community: str, gateways: Iterable[str], collector: str) -> str:
    """The ACL. What is not in it is refused: a gateway speaks for itself and its devices alone, the collector alone
    acknowledges, and nobody at all commands a device. Devices are not named one by one: one that is new in the site
    must be heard even if nobody thinks of the broker."""
    lines = [
        "# Made by `callpoint enroll`: all who hold a certificate that is good.",
        f"user {collector}",
        f"topic read {NAMESPACE}/#",
        f"topic write {NAMESPACE}/STATE/+",
        f"topic write {NAMESPACE}/{community}/NCMD/+",
    ]
    for gateway in gateways:
        own = f"{NAMESPACE}/{community}"
        lines += ["", f"user {gateway}"]
        lines += [f"topic write {own}/{kind}/{gateway}" for kind in SPOKEN_BY_NODE]
        lines += [f"topic write {own}/{kind}/{gateway}/+" for kind in SPOKEN_BY_DEVICE]
        lines += [f"topic read {own}/NCMD/{gateway}", f"topic read {own}/DCMD/{gateway}/+"]
        lines += [f"topic read {NAMESPACE}/STATE/+"]
    return "\n".join(lines) + "\n"
