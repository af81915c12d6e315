#!/bin/sh
# Put what `callpoint enroll` has made for the broker into its place, and let Mosquitto read it: sudo sh install.sh
# Again after each enrolment and each revocation. With INTO=/some/folder it is put there instead: for an image.
# With NEW_AUTHORITY=yes also over what another authority has signed: all its gateways are shut out.
set -eu
cd "$(dirname "$0")"
into=${INTO:-}
say() { printf 'callpoint: %s\n' "$*" >&2; }
[ -d "$into/etc/mosquitto/conf.d" ] || { say "install Mosquitto first: apt-get install mosquitto"; exit 1; }
[ -n "$into" ] || [ "$(id -u)" = 0 ] || { say "this needs root: sudo sh install.sh"; exit 1; }

own="$into/etc/mosquitto/callpoint"
owner=$(sed -n 's/^mosquitto:[^:]*:\([0-9]*\):.*/\1/p' "$into/etc/passwd")
[ -n "$owner" ] || { say "there is no user mosquitto here"; exit 1; }
[ -e broker.key ] || [ -e "$own/broker.key" ] || { say "its key is nowhere: callpoint enroll broker --renew"; exit 1; }
if [ -e "$own/ca.crt" ] && ! cmp -s ca.crt "$own/ca.crt" && [ "${NEW_AUTHORITY:-}" != yes ]; then
    say "this broker knows another authority: all gateways that it has signed for would be shut out"
    say "enroll with that one's folder (--ca); only if it is lost: sudo NEW_AUTHORITY=yes sh install.sh"
    exit 1
fi
[ ! -e "$own/callpoint.acl" ] || grep '^user ' "$own/callpoint.acl" | grep -vxFf callpoint.acl | while read -r _ name; do
    say "no longer let in: $name"
done
install -d -m 755 "$own"
install -m 644 ca.crt crl.pem "$own/"
install -o "$owner" -m 400 callpoint.acl "$own/"
if [ -e broker.key ]; then
    install -m 644 broker.crt "$own/"
    install -o "$owner" -m 400 broker.key "$own/"
fi
install -m 644 callpoint.conf "$into/etc/mosquitto/conf.d/callpoint.conf"
sync "$own" "$own"/* # a key that is half written when the power goes would shut out everybody
[ -z "$into" ] || exit 0
# A restart and not a reload: who was taken back must not stay on a line that is open.
systemctl restart mosquitto
say "the broker knows them: $(grep -c '^user ' "$own/callpoint.acl") may speak"
