"""The gateway process on a real serial line: a port that is missing, comes, is pulled out, and comes back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.catalogue import bus_online, device_online
from tests.gateway_house import UNITS, Gateway, Heads, Host, breaches, heads_on_rtu, wait_for, write_site
from tests.servers import mosquitto
from tests.slaves import serial_line

pytestmark = pytest.mark.servers


def test_a_serial_port_may_be_missing_appear_be_pulled_out_and_come_back(tmp_path: Path) -> None:
    port, heads = tmp_path / "ttyUSB0", Heads()
    buses = tmp_path / "buses.json"
    buses.write_text(json.dumps({"bus": {"type": "rtu", "port": str(port), "baud": 115200}}))
    with mosquitto() as broker:
        gateway = Gateway(write_site(tmp_path / "site", 1), broker.port, tmp_path / "state", buses)
        try:
            with Host(broker.port) as host:
                gateway.start()
                wait_for(lambda: host.values(None, bus_online("bus")) == [False], "the trouble", gateway)
                assert f"serial port {port} is missing" in gateway.log.read_text()

                with serial_line() as line, heads_on_rtu(line.slave, heads):
                    port.symlink_to(line.master)
                    online = [device_online(name) for name in UNITS]
                    wait_for(lambda: all(True in host.values(None, name) for name in online), "all there", gateway)
                    heads.words[2][0] = 0b11
                    wait_for(lambda: True in host.values("smoke-2", "fire"), "the fire", gateway)
                start = len(host.messages)
                port.unlink()
                wait_for(lambda: host.values(None, device_online("smoke-3"))[-1:] == [False], "all lost", gateway)
                wait_for(lambda: "DDEATH smoke-2" in host.verbs(start), "their deaths", gateway)
                heads.words[2][0] = 0b01

                with serial_line() as line, heads_on_rtu(line.slave, heads):
                    port.symlink_to(line.master)
                    wait_for(lambda: host.values("smoke-2", "fire")[-1:] == [False], "the end of the fire", gateway)

                assert host.values(None, bus_online("bus")) == [False, True, False, True]
                assert breaches(host.messages) == []
        finally:
            gateway.kill()
