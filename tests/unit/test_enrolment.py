"""A community's own authority: what it signs, what it takes back, and what is handed out to whom."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import stat
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.verification import PolicyBuilder, Store

from collector.enrolment import command
from collector.enrolment.authority import AuthorityError, opened, write
from collector.enrolment.command import Asked
from collector.enrolment.mosquitto import rules
from config.endpoint import Broker, EndpointError, parse_mqtt
from config.tls import ends_of, in_words

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "config" / "sites" / "demo"
NOW = datetime(2026, 12, 1, 8, tzinfo=UTC)
HOSTS = ("server.lan", "192.168.1.20")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders `ca` and `out` of a community whose first gateway has been enrolled at NOW."""
    folder = tmp_path_factory.mktemp("enrolled")
    assert command.run(Asked(("gw-east",), DEMO, folder / "ca", folder / "out", HOSTS), NOW) == 0
    return folder


@pytest.fixture
def first(made: Path, tmp_path: Path) -> Asked:
    """That first enrolment, in folders of the test's own; to be asked for again."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return Asked(("gw-east",), DEMO, tmp_path / "ca", tmp_path / "out")


def _certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def _serials(path: Path) -> set[int]:
    return {each.serial_number for each in x509.load_pem_x509_crl(path.read_bytes())}


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_first_enrolment_makes_all_that_broker_collector_and_gateway_need(first: Asked, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for name in ("ca.crt", "broker.crt", "broker.key", "crl.pem", "callpoint.acl", "callpoint.conf", "install.sh"):
        assert (out / "broker" / name).is_file(), name
    for kind, folder in (("gateway", out / "gw-east"), ("collector", out / "collector")):
        assert _mode(folder / f"{kind}.key") == 0o600 and (folder / "site" / "people.yaml").is_file()
        environment = (folder / f"{kind}.env").read_text()
        assert "CALLPOINT_MQTT_URL=mqtts://server.lan:8883\n" in environment
        assert f"CALLPOINT_MQTT_KEY_FILE=/etc/callpoint/{folder.name}/{kind}.key\n" in environment
    assert _mode(tmp_path / "ca") == 0o700 and _mode(tmp_path / "ca" / "ca.key") == 0o600
    gateway = _certificate(out / "gw-east" / "gateway.crt")
    assert gateway.subject.rfc4514_string() == "CN=gw-east,O=wutong-lane"
    assert gateway.not_valid_after_utc - NOW == timedelta(days=1826)


def test_certificates_pass_an_independent_check_for_what_they_are_for_and_for_nothing_else(
    first: Asked, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    gateway, broker = _certificate(out / "gw-east/gateway.crt"), _certificate(out / "broker/broker.crt")
    policy = PolicyBuilder().store(Store([_certificate(out / "broker/ca.crt")])).time(NOW)

    policy.build_server_verifier(x509.DNSName("server.lan")).verify(broker, [])
    with pytest.raises(x509.verification.VerificationError):
        policy.build_server_verifier(x509.DNSName("elsewhere.lan")).verify(broker, [])
    with pytest.raises(x509.verification.VerificationError):  # a gateway's key makes nobody a broker
        policy.build_server_verifier(x509.DNSName("gw-east")).verify(gateway, [])
    names = broker.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names.get_values_for_type(x509.DNSName)) == {"server.lan", "localhost"}
    assert "192.168.1.20" in map(str, names.get_values_for_type(x509.IPAddress))


def test_a_machine_that_wakes_up_in_the_past_shuts_nobody_out(first: Asked, tmp_path: Path) -> None:
    past = datetime(2021, 1, 1, tzinfo=UTC)
    for name in ("broker/ca.crt", "broker/broker.crt", "gw-east/gateway.crt", "collector/collector.crt"):
        assert _certificate(tmp_path / "out" / name).not_valid_before_utc < past, name
    # A broker whose list is not good yet lets nobody in at all.
    assert x509.load_pem_x509_crl((tmp_path / "out/broker/crl.pem").read_bytes()).last_update_utc < past


def test_the_broker_and_the_collector_are_good_as_long_as_their_authority(first: Asked, tmp_path: Path) -> None:
    ends = _certificate(tmp_path / "out/broker/ca.crt").not_valid_after_utc
    assert _certificate(tmp_path / "out/broker/broker.crt").not_valid_after_utc == ends
    assert _certificate(tmp_path / "out/collector/collector.crt").not_valid_after_utc == ends


def test_a_new_authority_is_told_once_because_it_shuts_out_all_that_an_older_one_has_signed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = Asked(("gw-east",), DEMO, tmp_path / "ca", tmp_path / "out", HOSTS)
    assert command.run(asked, NOW) == 0
    said = capsys.readouterr().err
    assert f"a new authority of 'wutong-lane' was made in {tmp_path / 'ca'}" in said
    assert command.run(replace(asked, names=("gw-west",), hosts=()), NOW) == 0
    assert "new authority" not in capsys.readouterr().err


def test_who_holds_one_gets_another_on_demand_only_and_all_of_them_are_taken_back_together(
    first: Asked, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, again = tmp_path / "out", first
    old = _certificate(out / "gw-east/gateway.crt").serial_number

    assert command.run(again, NOW) == 1 and "--renew" in capsys.readouterr().err
    assert _certificate(out / "gw-east/gateway.crt").serial_number == old
    assert command.run(replace(again, renew=True), NOW + timedelta(days=1)) == 0
    new = _certificate(out / "gw-east/gateway.crt").serial_number
    assert new != old and not _serials(out / "broker/crl.pem")
    assert "user gw-east" in (out / "broker/callpoint.acl").read_text()

    revoke = Asked(("gw-east",), None, first.ca, first.to, revoke=True)
    assert command.run(revoke, NOW + timedelta(days=2)) == 0
    assert _serials(out / "broker/crl.pem") == {old, new}
    assert "gw-east" not in (out / "broker/callpoint.acl").read_text()
    assert command.run(revoke, NOW) == 1  # it holds none
    assert command.run(again, NOW + timedelta(days=3)) == 0  # and may be let in anew


def test_the_list_of_what_was_taken_back_never_gets_too_old_before_the_authority_does(
    first: Asked, tmp_path: Path
) -> None:
    crl = x509.load_pem_x509_crl((tmp_path / "out/broker/crl.pem").read_bytes())

    assert crl.next_update_utc == _certificate(tmp_path / "out/broker/ca.crt").not_valid_after_utc
    assert crl.next_update_utc is not None and crl.next_update_utc - NOW > timedelta(days=19 * 365)


def test_a_machine_whose_clock_was_never_set_signs_nothing(
    first: Asked, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    register = (tmp_path / "ca/issued.json").read_bytes()

    assert command.run(replace(first, renew=True), datetime(1970, 1, 1, tzinfo=UTC)) == 1
    assert "clock says 1970-01-01" in capsys.readouterr().err
    assert (tmp_path / "ca/issued.json").read_bytes() == register


def test_nothing_outlives_its_authority(first: Asked, tmp_path: Path) -> None:
    late = NOW + timedelta(days=19 * 365)
    command.run(replace(first, names=("gw-west",)), late)

    ends = _certificate(tmp_path / "out/gw-west/gateway.crt").not_valid_after_utc
    assert ends == _certificate(tmp_path / "out/broker/ca.crt").not_valid_after_utc


@pytest.mark.parametrize("blocked", [".", "gw-west", "broker"])
def test_what_cannot_be_handed_out_is_taken_back_and_made_again_when_it_can(
    blocked: str, first: Asked, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, way = tmp_path / "out", tmp_path / "out" / blocked
    shutil.rmtree(out)
    way.parent.mkdir(exist_ok=True)
    way.write_text("a file where the folder should be")
    asked = replace(first, names=(), every=True, hosts=("new.lan",))
    assert command.run(asked, NOW) == 1
    assert "Traceback" not in capsys.readouterr().err
    way.unlink()

    assert command.run(asked, NOW) == 0
    names = _certificate(out / "broker/broker.crt").extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert "new.lan" in names.value.get_values_for_type(x509.DNSName)
    assert first.ca is not None
    with opened(first.ca, None, (), NOW) as authority:
        held = authority.good("gw-west", NOW)
    assert held is not None
    assert f"{_certificate(out / 'gw-west/gateway.crt').serial_number:x}" == held.serial


def test_all_gateways_of_a_site_are_enrolled_at_once_and_listed(
    first: Asked, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.run(replace(first, names=(), every=True), NOW) == 0  # those that are not yet
    capsys.readouterr()
    assert command.run(Asked(ca=first.ca, listed=True), NOW) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[0] for line in lines] == ["broker", "collector", "gw-east", "gw-west"]
    assert lines[2].split("\t")[1] == "2031-12-01T08:00:00+00:00"


def test_another_address_of_the_broker_makes_its_certificate_anew(first: Asked, tmp_path: Path) -> None:
    old = _certificate(tmp_path / "out/broker/broker.crt").serial_number

    assert command.run(Asked(ca=first.ca, to=first.to, hosts=("new.lan",)), NOW) == 0
    new = _certificate(tmp_path / "out/broker/broker.crt")
    assert new.serial_number != old
    names = new.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names.get_values_for_type(x509.DNSName)) == {"new.lan", "server.lan", "localhost"}  # old Pis go on


@pytest.mark.parametrize(
    ("asked", "code", "words"),
    [
        (Asked(), 2, "expected the name of a gateway"),
        (Asked(("gw-east",)), 2, "--site"),
        (Asked(("gw-east",), DEMO), 1, "--broker HOST"),
        (Asked(("nobody",), DEMO, hosts=("h",)), 2, "expected one of gw-east"),
        (Asked(("gw-east",), DEMO, hosts=("mqtts://h:1/",)), 2, "without a port"),
        (Asked(("gw-east",), Path("/nowhere"), hosts=("h",)), 1, "/nowhere"),
        (Asked(("gw-east",), DEMO, to=DEMO / "enrolled", hosts=("h",)), 2, "lies in the site folder"),
        (Asked(revoke=True), 2, "expected the name"),
        (Asked(("gw-east",), revoke=True), 1, "there is no authority yet"),
        (Asked(listed=True), 1, "there is no authority yet"),
    ],
)
def test_what_is_asked_wrongly_is_told_and_makes_nothing(
    asked: Asked, code: int, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "out" if asked.to == Asked().to else asked.to
    assert command.run(replace(asked, ca=tmp_path / "ca", to=to), NOW) == code
    assert words in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["gw east", "网关", "collector", "site"])
def test_a_gateway_whose_name_would_mean_something_else_in_an_acl_or_a_path_is_refused(
    first: Asked, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = tmp_path / "site"
    shutil.copytree(DEMO, site)
    file = site / "gateway-east.yaml"
    file.write_text(file.read_text().replace("id: gw-east", f'id: "{name}"'))

    assert first.ca is not None
    register = (first.ca / "issued.json").read_bytes()
    code = command.run(replace(first, names=(name,), site=site, renew=True), NOW)
    assert code == 2 and name in capsys.readouterr().err
    assert (first.ca / "issued.json").read_bytes() == register


def test_a_folder_that_lacks_a_part_or_is_of_another_community_is_left_as_it_is(first: Asked, tmp_path: Path) -> None:
    ca = tmp_path / "ca"
    with pytest.raises(AuthorityError, match="name another folder"), opened(ca, "another", (), NOW):
        pass
    lock = os.open(ca, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    with pytest.raises(AuthorityError, match="another `callpoint enroll`"), opened(ca, None, (), NOW):
        pass
    os.close(lock)
    register = (ca / "issued.json").read_bytes()
    write(ca / "issued.json", b'{"format": 99}', 0o600)
    with pytest.raises(AuthorityError, match="format 99"), opened(ca, None, (), NOW):
        pass
    write(ca / "issued.json", b"[", 0o600)
    with pytest.raises(AuthorityError, match="cannot be read"), opened(ca, None, (), NOW):
        pass
    write(ca / "issued.json", register, 0o600)
    key = (ca / "ca.key").read_bytes()
    (ca / "ca.key").unlink()
    with pytest.raises(AuthorityError, match=r"ca\.key missing"), opened(ca, "wutong-lane", ("h",), NOW):
        pass  # never a new authority over an old one: every gateway would be shut out
    write(ca / "ca.key", key, 0o600)
    with opened(ca, "wutong-lane", (), NOW) as authority:
        assert authority.gateways(NOW) == ["gw-east"]
    assert json.loads((ca / "issued.json").read_bytes())["community"] == "wutong-lane"


def test_the_rules_let_a_gateway_speak_for_itself_and_the_collector_alone_acknowledge() -> None:
    lines = rules("lane", ["gw-a", "gw-b"], "collector").splitlines()
    start = lines.index("user gw-a")
    own = lines[start + 1 : lines.index("user gw-b")]
    may_write = [line.removeprefix("topic write ") for line in own if line.startswith("topic write ")]

    assert len(may_write) == 6 and all(topic.split("/")[:2] == ["spBv1.0", "lane"] for topic in may_write)
    assert all(topic.split("/")[3] == "gw-a" and "CMD" not in topic and "STATE" not in topic for topic in may_write)
    assert not [line for line in lines if "write" in line and "DCMD" in line]  # observe, never control
    assert [line for line in lines if "write" in line and "NCMD" in line] == ["topic write spBv1.0/lane/NCMD/+"]


def test_the_end_of_a_certificate_is_read_as_an_independent_reader_reads_it(first: Asked, tmp_path: Path) -> None:
    for at in (NOW, datetime(2049, 12, 31, tzinfo=UTC)):  # written in two forms, the second beyond 2049
        with opened(tmp_path / f"ca-{at.year}", "lane", ("h",), at) as authority:
            path = tmp_path / f"{at.year}.crt"
            path.write_bytes(authority.issue("gw", 1000, at).certificate)
        assert ends_of(str(path)) == _certificate(path).not_valid_after_utc
    chain = tmp_path / "chain.pem"
    leaf = _certificate(path)
    chain.write_bytes(b"a line before\n" + leaf.public_bytes(Encoding.PEM) + (first.to / "broker/ca.crt").read_bytes())
    assert ends_of(str(chain)) == leaf.not_valid_after_utc


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"]
)
def test_what_is_no_certificate_is_told_as_such(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "c.pem").write_bytes(content)
    with pytest.raises(EndpointError, match=r"c\.pem: expected a PEM certificate"):
        ends_of(str(tmp_path / "c.pem"))


def test_a_key_that_does_not_fit_or_stands_alone_is_refused_at_the_start(
    first: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, other = tmp_path / "out/gw-east", tmp_path / "out/collector"
    monkeypatch.setenv("CALLPOINT_MQTT_CERT_FILE", str(own / "gateway.crt"))
    with pytest.raises(EndpointError, match="both or neither"):
        parse_mqtt("mqtts://h")
    assert parse_mqtt("mqtt://h") == Broker("h", 1883, False)  # without TLS there is nothing to show
    monkeypatch.setenv("CALLPOINT_MQTT_KEY_FILE", str(other / "collector.key"))
    with pytest.raises(EndpointError, match="its own key"):
        parse_mqtt("mqtts://h")
    sealed = tmp_path / "sealed.key"
    aes = ["openssl", "pkcs8", "-topk8", "-in", str(own / "gateway.key"), "-out", str(sealed), "-passout", "pass:x1y2"]
    if shutil.which("openssl") is not None:
        subprocess.run(aes, check=True, capture_output=True)
        monkeypatch.setenv("CALLPOINT_MQTT_KEY_FILE", str(sealed))
        with pytest.raises(EndpointError, match="without a passphrase"):  # nobody is there to type one
            parse_mqtt("mqtts://h")
    monkeypatch.setenv("CALLPOINT_MQTT_KEY_FILE", str(own / "gateway.key"))
    assert parse_mqtt("mqtts://h").cert_file == str(own / "gateway.crt")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("[SSL: SSLV3_ALERT_CERTIFICATE_EXPIRED] sslv3 alert certificate expired (_ssl.c:2580)", "has ended"),
        ("[SSL: SSLV3_ALERT_CERTIFICATE_REVOKED] sslv3 alert certificate revoked (_ssl.c:2580)", "was revoked"),
        ("[SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca (_ssl.c:2580)", "who has signed"),
        ("[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate required", "CALLPOINT_MQTT_CERT_FILE"),
        ("[Errno 104] Connection reset by peer", None),
    ],
)
def test_an_alert_is_told_in_words(said: str, words: str | None) -> None:
    told = in_words(said)
    assert (told is None) if words is None else (told is not None and words in told)
