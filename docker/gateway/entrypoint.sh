#!/bin/sh
# Prepares what NGINX's workers may write to, and becomes NGINX.
set -eu

run=/run/sidekick-gateway
mkdir -p "$run" /var/lib/sidekick-gateway
chown www-data: "$run" /var/lib/sidekick-gateway
# The socket behind the API asks nobody who they are.
chmod 750 "$run"

# A killed NGINX leaves its socket behind, and then cannot listen on it again.
mkdir -p "$run/stream" "$run/api"; chown root:www-data "$run/stream"; chmod 755 "$run"
rm -f "$run"/stream/*.sock "$run"/api/*.sock

# The kernel's last process id tells one load of the configuration from the next: workers are started in between.
if [ -r /proc/sys/kernel/ns_last_pid ]; then
    ln -sf /proc/sys/kernel/ns_last_pid "$run/load"
else
    echo "gateway: the kernel has no ns_last_pid; reloads will not show in /api/9/nginx" >&2
    echo 0 >"$run/load"
fi

# No server has connections kept open yet: gateway-keepalive fills these.
: >"$run/kept.conf"
: >"$run/kept.map"
if [ -n "${GATEWAY_KEEPALIVE:-}" ]; then gateway-keepalive "$GATEWAY_KEEPALIVE" & fi

own=/etc/sidekick-gateway
if [ -r "$own/tls.crt" ] && [ -r "$own/tls.key" ]; then
    ln -sf "$own/tls.crt" "$own/tls.key" "$run/"
elif [ ! -e "$run/tls.crt" ]; then
    echo "gateway: no $own/tls.crt and tls.key; a self-signed certificate is made for 443 and 8883" >&2
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj /CN=sidekick-gateway \
        -keyout "$run/tls.key" -out "$run/tls.crt" 2>/dev/null
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

# Each request takes two descriptors; the soft limit is often 1,024.
# shellcheck disable=SC3045 # not of POSIX, but of Debian's sh
ulimit -n "$(ulimit -Hn)"

exec "$@"
