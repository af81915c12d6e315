#!/bin/sh
# Put what `callpoint enroll` has made for this gateway or collector into its place, and start it: sudo sh install.sh
# Again after a renewal: what was added to its environment stays, and a site that was changed here is kept beside the
# new one. With INTO=/some/folder everything goes there instead,
# and nothing is started: for an image.
set -eu
cd "$(dirname "$0")"
into=${INTO:-}
say() { printf 'callpoint: %s\n' "$*" >&2; }
kind=gateway
[ -e collector.env ] && kind=collector
name=$(sed -n "s|^CALLPOINT_MQTT_KEY_FILE=/etc/callpoint/\(.*\)/$kind.key\$|\1|p" "$kind.env")
[ -n "$name" ] || { say "$kind.env does not say whose it is: make it anew with callpoint enroll"; exit 1; }
[ -x "$into/opt/callpoint/.venv/bin/callpoint" ] || { say "install Callpoint into /opt/callpoint first"; exit 1; }
[ -n "$into" ] || [ "$(id -u)" = 0 ] || { say "this needs root: sudo sh install.sh"; exit 1; }
unit=callpoint-collector.service service=callpoint-collector
[ "$kind" = collector ] || { unit=callpoint-gateway@.service; service="callpoint-gateway@$name"; }

install -D -m 644 callpoint.sysusers "$into/etc/sysusers.d/callpoint.conf"
systemd-sysusers ${into:+--root="$into"} callpoint.conf
owner=$(sed -n 's/^callpoint:[^:]*:\([0-9]*\):.*/\1/p' "$into/etc/passwd")
group=$(sed -n 's/^callpoint:[^:]*:[0-9]*:\([0-9]*\):.*/\1/p' "$into/etc/passwd")
own="$into/etc/callpoint/$name"
install -d -m 755 "$into/etc/callpoint" "$own"
install -m 644 ca.crt "$kind.crt" "$own/"
install -o "$owner" -g "$group" -m 400 "$kind.key" "$own/"
umask 077
{
    cat "$kind.env"
    [ ! -e "$own/$kind.env" ] || grep -v '^#\|^CALLPOINT_MQTT_' "$own/$kind.env" || true
} >"$own/.$kind.env"
mv "$own/.$kind.env" "$own/$kind.env" # for root alone: systemd reads it
if [ -d site ]; then
    rm -rf "$into/etc/callpoint/.site"
    cp -R site "$into/etc/callpoint/.site"
    chown -R "$(id -u):$group" "$into/etc/callpoint/.site"
    chmod -R u=rwX,g=rX,o= "$into/etc/callpoint/.site" # people's addresses are in it
    if [ -d "$into/etc/callpoint/site" ] && ! diff -rq site "$into/etc/callpoint/site" >/dev/null; then
        rm -rf "$into/etc/callpoint/site.before"
        mv "$into/etc/callpoint/site" "$into/etc/callpoint/site.before"
        say "the site here was another one: it is kept in /etc/callpoint/site.before; diff -r shows what differs"
    fi
    rm -rf "$into/etc/callpoint/site"
    mv "$into/etc/callpoint/.site" "$into/etc/callpoint/site"
fi
install -D -m 644 "$unit" "$into/etc/systemd/system/$unit"
sync "$own" "$own"/* # a key that is half written when the power goes is no key
[ -z "$into" ] || exit 0
systemctl daemon-reload
systemctl enable "$service"
systemctl restart "$service"
say "$name runs; what it says: journalctl -fu $service"
