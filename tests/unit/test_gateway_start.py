"""What an operator gets wrong at the start is said in one line, and nothing begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.endpoint import EndpointError, parse_mqtt
from gateway.plan import GatewayOptions, StartError, plan_of
from tests.gateway_house import write_site


@pytest.mark.parametrize(
    ("buses", "words"),
    [
        ("{", "Expecting"),
        ("[]", "expected"),
        ('{"bos": {"type": "tcp", "host": "h"}}', "no bus 'bos'"),
        ('{"bus": {"type": "can"}}', "expected tcp or rtu"),
        ('{"bus": {"type": "tcp", "host": "h", "port": 70000}}', "port"),
    ],
)
def test_a_buses_file_that_cannot_be_meant_is_refused(tmp_path: Path, buses: str, words: str) -> None:
    file = tmp_path / "buses.json"
    file.write_text(buses)
    site = write_site(tmp_path / "site", 502)

    with pytest.raises(StartError, match=words) as caught:
        plan_of(GatewayOptions(site, "gw", "mqtt://x", buses=file))

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://x", "mqtt://", "mqtt://x:99999", "mqtt://[::1", "mqtt://user:secret@x"])
def test_a_broker_that_cannot_be_meant_is_refused(url: str) -> None:
    with pytest.raises(EndpointError, match="MQTT URL") as caught:
        parse_mqtt(url)

    assert "secret" not in str(caught.value)
