# shellcheck shell=sh
# A node: a member of etcd, a firmware server, a broker, and a sidekick for each of the two.
# shellcheck disable=SC2154 # `here` and `name` come from host.sh

set_up_etcd() {
    install -d -o etcd -g etcd -m 0700 /etc/etcd-tls
    for file in ca.crt host.crt host.key peer-ca.crt peer.crt peer.key; do
        install -o etcd -g etcd -m 0600 "$here/tls/$file" /etc/etcd-tls/
    done
    own=192.168.56.1${name#node}
    cat >/etc/default/etcd <<END
ETCD_NAME=$name
ETCD_DATA_DIR=/var/lib/etcd/cluster
ETCD_INITIAL_CLUSTER=node1=https://192.168.56.11:2380,node2=https://192.168.56.12:2380,node3=https://192.168.56.13:2380
ETCD_INITIAL_CLUSTER_TOKEN=sidekick
ETCD_LISTEN_PEER_URLS=https://$own:2380
ETCD_INITIAL_ADVERTISE_PEER_URLS=https://$own:2380
ETCD_LISTEN_CLIENT_URLS=https://$own:2379,https://127.0.0.1:2379
ETCD_ADVERTISE_CLIENT_URLS=https://$own:2379
ETCD_CERT_FILE=/etc/etcd-tls/host.crt
ETCD_KEY_FILE=/etc/etcd-tls/host.key
ETCD_TRUSTED_CA_FILE=/etc/etcd-tls/ca.crt
ETCD_CLIENT_CERT_AUTH=true
ETCD_PEER_CERT_FILE=/etc/etcd-tls/peer.crt
ETCD_PEER_KEY_FILE=/etc/etcd-tls/peer.key
ETCD_PEER_TRUSTED_CA_FILE=/etc/etcd-tls/peer-ca.crt
ETCD_PEER_CLIENT_CERT_AUTH=true
ETCD_LOG_LEVEL=warn
END
    systemctl enable etcd.service
    # A member is started when there is a quorum, which the first host would wait for in vain.
    systemctl restart --no-block etcd.service
    if [ "$name" = node1 ]; then
        set_up_etcd_access
    fi
}

# Users and roles, as soon as there is a quorum to give them to.
set_up_etcd_access() {
    install -d -m 0700 /etc/etcd-access
    install -m 0600 "$here"/passwords/* /etc/etcd-access/
    install -m 0755 "$here/provision/etcd-access.sh" /usr/local/sbin/etcd-access
    cat >/etc/systemd/system/etcd-access.service <<'END'
[Unit]
Description=Users and roles of etcd
After=etcd.service
Wants=etcd.service
StartLimitIntervalSec=0

[Service]
Type=oneshot
ExecStart=/usr/local/sbin/etcd-access
Restart=on-failure
RestartSec=2s
RemainAfterExit=yes

[Install]
WantedBy=multi-user.target
END
    systemctl daemon-reload
    systemctl enable etcd-access.service
    systemctl start --no-block etcd-access.service
}

set_up_firmware_server() {
    install -d /srv/firmware
    install -m 0644 "$here/firmware/manifest.json" /srv/firmware/manifest.json
    yes 'sidekick firmware 1.0.0' | head -c 1048576 >/srv/firmware/esp32-1.0.0.bin
    yes 'sidekick firmware 1.0.1' | head -c 16384 >/srv/firmware/esp32-1.0.1.bin
    install -m 0755 "$here/firmware/firmware-server.sh" /usr/local/bin/firmware-server
    install -D -m 0644 "$here/firmware/nginx.conf" "/etc/firmware/$1.conf"
    install -m 0644 "$here/firmware/upload.conf" /etc/firmware/upload.conf
    # What depends on the host, which the server writes when it starts.
    ln -sfn /tmp/firmware /etc/firmware/run
    {
        cat <<END
service: firmware
address: 192.168.56.1$1:8080
probe:
  type: http
  path: /healthz
  interval: 1s
  timeout: 1s
meta:
  host: $name
firmware:
  directory: /srv/firmware/blobs
drainTimeout: 45s
admin:
  listen: 127.0.0.1:9464
END
        etcd_section "sidekick-firmware-$name"
    } >"/etc/sidekick/firmware@$1.yaml"
    start_with_sidekick "firmware@$1"
}

set_up_broker() {
    install -d /etc/mqtt-broker
    printf 'listener 1883\nallow_anonymous true\npersistence false\nmax_connections -1\n' >"/etc/mqtt-broker/$1.conf"
    {
        cat <<END
service: mqtt
address: 192.168.56.1$1:1883
probe:
  type: mqtt
  interval: 1s
  timeout: 1s
meta:
  host: $name
drainTimeout: 45s
admin:
  listen: 127.0.0.1:9465
END
        etcd_section "sidekick-mqtt-$name"
    } >"/etc/sidekick/mqtt-broker@$1.yaml"
    start_with_sidekick "mqtt-broker@$1"
}

start_with_sidekick() {
    install -m 0644 "$here/units/${1%%@*}@.service" /etc/systemd/system/
    systemctl daemon-reload
    systemctl enable "$1.service" "sidekick@$1.service"
    # The sidekick waits for etcd, and nothing waits for the sidekick.
    systemctl restart --no-block "$1.service"
}
