#!/usr/bin/env bash
# Install the Debian packages in $@ that the tests talk to, where they are missing and we may.
set -uo pipefail
say() { printf 'callpoint: %s\n' "$*" >&2; }

declare -A leaves_out=(
    [mosquitto]='end-to-end tests on a real broker'
    [mosquitto-clients]='the check of the broker by its own clients'
    [influxdb]='history on a real InfluxDB'
    [socat]='Modbus RTU over a pty pair'
    [mbpoll]='cross-checks by an independent Modbus master'
    [openssl]='a broker with a certificate of its own'
    [curl]='the requests that the documents show'
    [systemd]='the look at the units by systemd-analyze'
    [docker-compose]='the look at the compose file by a parser of its own'
    [chromium]='every test in a browser'
    [fonts-noto-cjk]='Chinese letters in screenshots'
)
missing=()
for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then as_root=(sudo -n); else as_root=(false); fi
fi
if [ "${as_root[0]:-}" != false ] && command -v apt-get >/dev/null; then
    say "installing ${missing[*]}"
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        "${missing[@]}" >/dev/null
fi
for package in "${missing[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' && continue
    say "left out, because $package is missing and could not be installed: ${leaves_out[$package]:-its tests}"
    say "    to run them too: sudo apt-get install $package (the end of the run names each test that is left out)"
done
exit 0
