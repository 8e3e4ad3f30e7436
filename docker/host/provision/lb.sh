# shellcheck shell=sh
# The load balancer: the gateway and the watcher.
# shellcheck disable=SC2154 # `here` comes from host.sh

set_up_load_balancer() {
    install -m 0644 "$here/tls/host.crt" /etc/sidekick-gateway/tls.crt
    install -m 0600 "$here/tls/host.key" /etc/sidekick-gateway/tls.key
    {
        cat <<END
id: lb
nginx:
  - name: lb
    api: unix:/run/sidekick-gateway/api/api.sock:/api
drainTimeout:
  http: 30s
  stream: 15s
probes:
  - service: firmware
    type: http
    path: /healthz
    interval: 1s
    timeout: 1s
    rise: 2
    fall: 2
  - service: mqtt
    type: mqtt
    interval: 1s
    timeout: 1s
    rise: 2
    fall: 2
firmware:
  origin: https://192.168.56.10
allow:
  firmware: [192.168.56.0/24]
  mqtt: [192.168.56.0/24]
END
        etcd_section watcher
    } >/etc/sidekick/watch.yaml
    # The watcher uses the API's Unix socket, which no network reaches; the other hosts may read it, and not write.
    cat >/etc/default/sidekick-gateway <<'END'
GATEWAY_API_ALLOW=192.168.56.0/24
GATEWAY_API_READ=open
END
    systemctl enable loadbalancer.service sidekick-watch.service
    systemctl reset-failed loadbalancer.service 2>/dev/null || true
    systemctl restart loadbalancer.service
    systemctl restart --no-block sidekick-watch.service
}
