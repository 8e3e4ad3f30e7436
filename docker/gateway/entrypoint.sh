#!/bin/sh
# Prepares what NGINX's workers may write to, and becomes NGINX.
set -eu

run=/run/sidekick-gateway
mkdir -p "$run" /var/lib/sidekick-gateway
chown www-data: "$run" /var/lib/sidekick-gateway

# A killed NGINX leaves its socket behind, and then cannot listen on it again.
rm -f "$run/stream.sock"

# The kernel's last process id tells one load of the configuration from the next: workers are started in between.
if [ -r /proc/sys/kernel/ns_last_pid ]; then
    ln -sf /proc/sys/kernel/ns_last_pid "$run/load"
else
    echo "gateway: the kernel has no ns_last_pid; reloads will not show in /api/9/nginx" >&2
    echo 0 >"$run/load"
fi

exec "$@"
