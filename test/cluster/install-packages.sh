#!/bin/sh
# In a plain Debian container, as root: install-packages.sh <package file>… installs the packages, removes them, installs
# them again and purges them, and fails unless each step leaves what it has to.
set -eu

fail() {
    echo "install-packages: $*" >&2
    exit 1
}

files() {
    find /etc /usr /var -xdev \( -path /var/lib/apt -o -path /var/lib/dpkg -o -path /var/cache \) -prune -o -print |
        grep -i sidekick || true
}

install() {
    apt-get install -y --no-install-recommends "$@" >/tmp/log 2>&1 || {
        cat /tmp/log
        fail "the packages do not install"
    }
}

export DEBIAN_FRONTEND=noninteractive
apt-get update >/tmp/log 2>&1 || fail "the package lists cannot be fetched: $(tail -n 3 /tmp/log)"

install "$@"
sidekick --version >/dev/null || fail "sidekick does not run"
getent passwd sidekick >/dev/null || fail "there is no user sidekick"
getent group sidekick-firmware >/dev/null || fail "there is no group for the files of a firmware server"
[ -f /usr/lib/systemd/system/sidekick@.service ] || fail "there is no unit"
[ -f /usr/share/sidekick/examples/watch.yaml ] || fail "there is no example configuration"
cp /usr/share/sidekick/examples/watch.yaml /etc/sidekick/watch.yaml
sidekick config check watch --config /etc/sidekick/watch.yaml || fail "the example configuration is wrong"
# The base image leaves documents and manual pages out.
changed=$(dpkg --verify sidekick | grep -Ev ' /usr/share/(doc|man)(/|$)' || true)
[ -z "$changed" ] || fail "files are not as packaged: $changed"

install systemd
printf '[Service]\nExecStart=/bin/true\n' >/etc/systemd/system/backend@.service
systemd-analyze verify --man=no sidekick-watch.service sidekick@backend@1.service ||
    fail "this release's systemd finds fault with the units"

apt-get remove -y sidekick >/tmp/log 2>&1 || fail "sidekick cannot be removed: $(cat /tmp/log)"
[ ! -e /usr/bin/sidekick ] || fail "removed, but the program is still there"
[ -f /etc/sidekick/watch.yaml ] || fail "removed, and the administrator's configuration with it"

install "$@"
sidekick --version

apt-get purge -y 'sidekick*' >/tmp/log 2>&1 || fail "sidekick cannot be purged: $(cat /tmp/log)"
grep -i 'warning.*sidekick' /tmp/log && fail "purging warns"
getent passwd sidekick >/dev/null && fail "purged, but its user is still there"
getent group sidekick-firmware >/dev/null && fail "purged, but a group of it is still there"
left=$(files)
[ -z "$left" ] || fail "purged, but there still is: $left"
