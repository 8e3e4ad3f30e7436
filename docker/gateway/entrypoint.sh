#!/bin/sh
# Prepares the directories that NGINX needs, then runs NGINX in its place: gateway-entrypoint nginx …
# With --prepare it stops after the preparation, which can be repeated without the right to change owners.
#
# Only root may write to /run/sidekick-gateway: NGINX's master reads configuration from it, so the workers, which are exposed to
# the public, must not write there. The workers write to /var/lib/sidekick-gateway, and root reads nothing there.
set -eu

run=/run/sidekick-gateway
state=/var/lib/sidekick-gateway
own=/etc/sidekick-gateway

fail() {
    echo "gateway: $*" >&2
    exit 1
}

# A directory that somebody else could write to may contain anything. It is replaced, and nothing in it is used.
if [ -L "$run" ] || { [ -d "$run" ] && [ "$(stat -c %u "$run")" != 0 ]; }; then rm -rf "$run"; fi

# directory PATH OWNER GROUP MODE: makes sure that such a directory exists. Everybody may connect to NGINX's Unix sockets, so
# the permissions of the directories around them decide who can.
directory() {
    [ -d "$1" ] || (umask 077 && mkdir "$1")
    if [ "$(stat -c %U:%G "$1")" != "$2:$3" ]; then chown "$2:$3" "$1"; fi
    if [ "$(stat -c %a "$1")" != "$4" ]; then chmod "$4" "$1"; fi
}

directory "$run" root root 755
# The workers connect to the stream block's half of the API.
directory "$run/stream" root www-data 750
# The watcher on this host is in this group, and so is everyone who may use the API through the socket.
if getent group sidekick-gateway >/dev/null; then group=sidekick-gateway; else group=root; fi
directory "$run/api" root "$group" 750
directory "$state" www-data www-data 755
# NGINX would create these itself: requests and responses that are too long for memory.
directory /var/lib/nginx root root 755
for name in body fastcgi proxy scgi uwsgi; do directory "/var/lib/nginx/$name" www-data root 700; done

# A killed NGINX leaves its sockets behind, and then cannot listen on them again.
rm -f "$run"/stream/*.sock "$run"/api/*.sock

# The kernel's last process id is different for each load of the configuration, because workers are started in between.
if [ -r /proc/sys/kernel/ns_last_pid ]; then
    ln -sf /proc/sys/kernel/ns_last_pid "$run/load"
else
    echo "gateway: the kernel has no ns_last_pid; reloads will not show in /api/9/nginx" >&2
    rm -f "$run/load"
    echo 0 >"$run/load"
fi

# gateway-keepalive fills these files.
: >"$run/kept.conf"
: >"$run/kept.map"
rm -f "$run/kept.list"

# The names and addresses of this host, for which a self-signed certificate is valid.
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
            "tls.key. If neither exists, a self-signed certificate is made"
    done
    ln -sf "$own/tls.crt" "$own/tls.key" "$run/"
elif [ -L "$run/tls.crt" ] || [ ! -s "$run/tls.crt" ] || [ -L "$run/tls.key" ] || [ ! -s "$run/tls.key" ]; then
    echo "gateway: no $own/tls.crt and tls.key; using a self-signed certificate for 443 and 8883" >&2
    self_sign
fi

# A device with a TLS buffer of 4 KiB cannot take a longer chain. Base64 has four characters for three bytes.
chain_length() {
    characters=$(sed -n '/-BEGIN CERTIFICATE-/,/-END CERTIFICATE-/{/-----/!p}' "$1" | tr -d '[:space:]' | wc -c)
    echo $((characters * 3 / 4))
}
length=$(chain_length "$run/tls.crt")
if [ "$length" -gt 4000 ]; then
    echo "gateway: the certificates in $own/tls.crt have $length bytes; devices with a TLS buffer of 4 KiB take at most 4000." \
        "Leave out the root, or take an ECDSA certificate" >&2
fi

# Certificates of devices, issued by the authorities in this file: each device then has the name in its certificate for an id.
device_certificates() {
    [ -e "$own/devices-ca.crt" ] || return 0
    [ -r "$own/devices-ca.crt" ] || fail "$own/devices-ca.crt cannot be read"
    case ${GATEWAY_DEVICE_CERTIFICATES:-required} in
        required) verify=on ;;
        optional) verify=optional ;;
        *) fail "GATEWAY_DEVICE_CERTIFICATES: must be \`required\` or \`optional\`" ;;
    esac
    printf 'ssl_client_certificate %s;\nssl_verify_client %s;\n' "$own/devices-ca.crt" "$verify"
}
device_certificates >"$run/devices.conf"

# NGINX does not start if it has to listen on IPv6 and the kernel has none. With this link the listeners for IPv6 are included.
if perl -MSocket -e 'socket(S, AF_INET6, SOCK_STREAM, 0) or exit 1'; then
    if [ -e "$own/nginx.conf" ]; then configuration=$own; else configuration=/etc/nginx; fi
    ln -sfn "$configuration/gateway/ipv6" "$run/ipv6"
else
    echo "gateway: the kernel has no IPv6; listening on IPv4 only" >&2
    rm -f "$run/ipv6"
fi

gateway-api-access

[ "${1:-}" != --prepare ] || exit 0

if [ -n "${GATEWAY_KEEPALIVE:-}" ]; then gateway-keepalive "$GATEWAY_KEEPALIVE" & fi

# A request needs two descriptors; the soft limit is often 1,024.
# shellcheck disable=SC3045 # not of POSIX, but of Debian's sh
ulimit -n "$(ulimit -Hn)"

exec "$@"
