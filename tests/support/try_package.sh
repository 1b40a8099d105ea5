#!/bin/bash
# Tries the Debian package in a fresh Debian 12 below a temporary folder (needs root, mmdebstrap and
# Debian's archive): it installs, makes its user, takes a message, keeps message and configuration
# through an upgrade, and purges to nothing. There is no systemd in there: the relay is started by
# hand as the unit would, and the unit is only looked at by `systemd-analyze verify`.
set -euo pipefail

package=$(realpath "${1:?usage: try_package.sh signet_VERSION_amd64.deb}")
work=$(mktemp -d /var/tmp/signet-package-XXXXXX)
root=$work/root
relay=
end() {
  [[ -z $relay ]] || kill "$relay" 2>/dev/null || true
  umount "$root/proc" 2>/dev/null || true
  rm -rf --one-file-system "$work"
}
trap end EXIT

say() { echo "try_package: $*"; }
fail() {
  echo "try_package: FAILED: $*" >&2
  exit 1
}
in_root() { chroot "$root" env PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"; }

start() {
  install -d -o 0 -g 0 -m 0755 "$root/run/signet"
  in_root chown signet:signet /run/signet
  : >"$work/facts"  # Those of the last start are not of this one.
  # Not in_root: the process we know must be the relay itself.
  chroot "$root" /usr/bin/setpriv --reuid signet --regid signet --init-groups \
    /usr/sbin/signet serve --config /etc/signet/signet.toml >"$work/facts" 2>"$work/log" &
  relay=$!
  for _ in $(seq 300); do
    if grep -q '"ready"' "$work/facts"; then return; fi
    kill -0 "$relay" 2>/dev/null || fail "the relay ended: $(cat "$work/log")"
    sleep 0.1
  done
  fail "not ready: $(cat "$work/log")"
}
stop() {
  kill -TERM "$relay"
  wait "$relay" || fail "the relay ended with $?"
  relay=
}
queued() { in_root signet queue list --config /etc/signet/signet.toml --json | grep -o '"id":"[^"]*"' || true; }

say "bootstrapping Debian 12"
# What it depends on comes with the system, so that nothing inside needs the network.
needs=$(dpkg-deb -f "$package" Depends | sed 's/([^)]*)//g; s/ //g')
mmdebstrap --quiet --variant=apt --include="$needs" bookworm "$root" >"$work/bootstrap.log" 2>&1 ||
  fail "$(tail -5 "$work/bootstrap.log")"
mount -t proc proc "$root/proc"

say "installing"
cp "$package" "$root/tmp/signet.deb"
in_root dpkg -i /tmp/signet.deb >"$work/install.log" 2>&1 || fail "$(cat "$work/install.log")"
in_root getent passwd signet >/dev/null || fail "there is no user signet"
[[ $(stat -c %a:%G "$root/etc/signet/signet.toml") == 640:* ]] || fail "the configuration is readable by all"
[[ $(in_root stat -c %a:%U /var/lib/signet/spool) == 750:signet ]] || fail "the spool is not signet's alone"
in_root signet --version

say "configuring"
cat >>"$root/etc/signet/signet.toml" <<'TOML'

[[client]]
name = "local"
unix_users = "all"
domains = ["example.com"]

# A port nobody listens on: mail stays queued.
[[route]]
name = "nowhere"
default = true
next_hop = "smtp://127.0.0.1:9"

[limits]
min_free_bytes = 0
min_free_share = 0.0
TOML
# Ports of its own: others may be at work on this machine.
sed -i -E 's/127.0.0.1:(2525|9125)/127.0.0.1:0/' "$root/etc/signet/signet.toml"
sed -i '/^#hostname/a hostname = "mx1.example.com"' "$root/etc/signet/signet.toml"
in_root setpriv --reuid signet --regid signet --init-groups signet keys new example.com --config /etc/signet/signet.toml \
  >/dev/null 2>&1 || fail "no key"
in_root setpriv --reuid signet --regid signet --init-groups signet check --config /etc/signet/signet.toml || fail "check"
start
# Another user, who may not read the configuration, as PHP or cron would.
in_root setpriv --reuid www-data --regid www-data --clear-groups signet send -f app@example.com bob@receiver.example <<'MAIL' || fail "send"
From: app@example.com
Subject: before the upgrade

kept
MAIL
before=$(queued)
[[ -n $before ]] || fail "the message is not in the queue"

say "upgrading under a running relay"
dpkg-deb -R "$package" "$work/newer"
sed -i 's/^Version: .*/Version: 99.0/' "$work/newer/DEBIAN/control"
echo "# newer" >>"$work/newer/etc/signet/signet.toml"
dpkg-deb -b "$work/newer" "$root/tmp/newer.deb" >/dev/null
in_root dpkg --force-confdef --force-confold -i /tmp/newer.deb >"$work/upgrade.log" 2>&1 || fail "$(cat "$work/upgrade.log")"
grep -q 'unix_users = "all"' "$root/etc/signet/signet.toml" || fail "the upgrade took the configuration"
[[ $(stat -c %a "$root/etc/signet/signet.toml") == 640 ]] || fail "the upgrade opened the configuration to all"
stop
start
[[ $(queued) == "$before" ]] || fail "the upgrade lost the message: had $before, has $(queued)"
stop

say "removing and purging"
in_root dpkg -r signet >"$work/remove.log" 2>&1 || fail "$(cat "$work/remove.log")"
[[ -d $root/var/lib/signet/spool && -f $root/etc/signet/signet.toml ]] || fail "removing took the queue or the configuration"
in_root dpkg -P signet >"$work/purge.log" 2>&1 || fail "$(cat "$work/purge.log")"
for left in /etc/signet /var/lib/signet /var/log/signet /usr/sbin/signet /run/signet; do
  [[ ! -e $root$left ]] || fail "purging left $left"
done
if in_root getent passwd signet >/dev/null; then fail "purging left the user"; fi

say "verifying the unit"
if command -v systemd-analyze >/dev/null; then
  mkdir "$work/units"
  sed 's|^ExecStart=.*|ExecStart=/bin/true|' "$work/newer/usr/lib/systemd/system/signet.service" >"$work/units/signet.service"
  systemd-analyze verify "$work/units/signet.service" || fail "systemd-analyze"
  systemd-analyze security --offline=true "$work/units/signet.service" 2>/dev/null | tail -1
fi
say "passed"
