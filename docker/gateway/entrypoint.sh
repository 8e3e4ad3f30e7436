#!/bin/sh
# Prepares the directories that NGINX needs, and becomes NGINX: gateway-entrypoint nginx …
# With --prepare it does nothing more than that; where it was done, it takes no right to change owners.
#
# /run/sidekick-gateway is root's alone: NGINX's master reads configuration from it, so its workers, which speak to the
# public, must not be able to write there. The workers write to /var/lib/sidekick-gateway, and root reads nothing there.
set -eu

run=/run/sidekick-gateway
state=/var/lib/sidekick-gateway
own=/etc/sidekick-gateway

fail() {
    echo "gateway: $*" >&2
    exit 1
}

# A directory that somebody else could write to may hold anything. Nothing in it is followed: it is made anew.
if [ -L "$run" ] || { [ -d "$run" ] && [ "$(stat -c %u "$run")" != 0 ]; }; then rm -rf "$run"; fi

# directory PATH OWNER GROUP MODE: there is such a directory. NGINX's Unix sockets let everybody connect, so the
# directories around them say who may.
directory() {
    [ -d "$1" ] || (umask 077 && mkdir "$1")
    if [ "$(stat -c %U:%G "$1")" != "$2:$3" ]; then chown "$2:$3" "$1"; fi
    if [ "$(stat -c %a "$1")" != "$4" ]; then chmod "$4" "$1"; fi
}

directory "$run" root root 755
# The workers ask the stream half of the API.
directory "$run/stream" root www-data 750
# The watcher of this host is in this group, and so is whoever else may use the API without a network.
if getent group sidekick-gateway >/dev/null; then group=sidekick-gateway; else group=root; fi
directory "$run/api" root "$group" 750
directory "$state" www-data www-data 755
# What NGINX makes itself otherwise: requests and answers too long for memory.
directory /var/lib/nginx root root 755
for name in body fastcgi proxy scgi uwsgi; do directory "/var/lib/nginx/$name" www-data root 700; done

# A killed NGINX leaves its sockets behind, and then cannot listen on them again.
rm -f "$run"/stream/*.sock "$run"/api/*.sock

# The kernel's last process id tells one load of the configuration from the next: workers are started in between.
if [ -r /proc/sys/kernel/ns_last_pid ]; then
    ln -sf /proc/sys/kernel/ns_last_pid "$run/load"
else
    echo "gateway: the kernel has no ns_last_pid; reloads will not show in /api/9/nginx" >&2
    rm -f "$run/load"
    echo 0 >"$run/load"
fi

# No server has connections kept open yet: gateway-keepalive fills these.
: >"$run/kept.conf"
: >"$run/kept.map"
rm -f "$run/kept.list"

# What a self-signed certificate is valid for: this host's names and addresses.
alternative_names() {
    printf 'DNS:localhost,DNS:sidekick-gateway,IP:127.0.0.1,IP:::1'
    name=$(hostname)
    case $name in
        '' | *[!A-Za-z0-9.-]*) ;;
        *) printf ',DNS:%s' "$name" ;;
    esac
    for address in $(hostname -I 2>/dev/null); do printf ',IP:%s' "$address"; done
}

self_sign() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj /CN=sidekick-gateway \
        -addext "subjectAltName=$(alternative_names)" -keyout "$run/tls.key.new" -out "$run/tls.crt.new" 2>/dev/null ||
        fail "openssl cannot make a self-signed certificate in $run; put one at $own/tls.crt and $own/tls.key"
    chmod 600 "$run/tls.key.new"
    mv "$run/tls.key.new" "$run/tls.key"
    mv "$run/tls.crt.new" "$run/tls.crt"
}

if [ -e "$own/tls.crt" ] || [ -L "$own/tls.crt" ] || [ -e "$own/tls.key" ] || [ -L "$own/tls.key" ]; then
    for name in tls.crt tls.key; do
        [ -r "$own/$name" ] || fail "$own/$name is missing or cannot be read: a certificate needs both tls.crt and" \
            "tls.key. Without either of them a self-signed certificate is made"
    done
    ln -sf "$own/tls.crt" "$own/tls.key" "$run/"
elif [ -L "$run/tls.crt" ] || [ ! -s "$run/tls.crt" ] || [ -L "$run/tls.key" ] || [ ! -s "$run/tls.key" ]; then
    echo "gateway: no $own/tls.crt and tls.key; a self-signed certificate is made for 443 and 8883" >&2
    self_sign
fi

# NGINX does not start where it is to listen on IPv6 and the kernel has none: the link leads to the listeners for it.
if perl -MSocket -e 'socket(S, AF_INET6, SOCK_STREAM, 0) or exit 1'; then
    if [ -e "$own/nginx.conf" ]; then configuration=$own; else configuration=/etc/nginx; fi
    ln -sfn "$configuration/gateway/ipv6" "$run/ipv6"
else
    echo "gateway: the kernel has no IPv6; only IPv4 is listened on" >&2
    rm -f "$run/ipv6"
fi

gateway-api-access

[ "${1:-}" != --prepare ] || exit 0

if [ -n "${GATEWAY_KEEPALIVE:-}" ]; then gateway-keepalive "$GATEWAY_KEEPALIVE" & fi

# Each request takes two descriptors; the soft limit is often 1,024.
# shellcheck disable=SC3045 # not of POSIX, but of Debian's sh
ulimit -n "$(ulimit -Hn)"

exec "$@"
