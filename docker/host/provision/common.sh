# shellcheck shell=sh
# What every host has: Debian's packages, the cluster's certificates, its own credentials, and sidekick.
# Sets `endpoints`; needs `here` and `name`. The addresses are those of hosts.mjs and the Vagrantfile.
# shellcheck disable=SC2154 # `here` and `name` come from host.sh

endpoints='https://192.168.56.11:2379, https://192.168.56.12:2379, https://192.168.56.13:2379'

install_packages() {
    # The units of this cluster take the places of those that the packages would start.
    systemctl mask --now etcd.service mosquitto.service nginx.service >/dev/null 2>&1
    missing=
    for package in ca-certificates curl etcd-client etcd-server libnginx-mod-http-js libnginx-mod-stream \
        libnginx-mod-stream-js logrotate mosquitto nginx-light nodejs openssl; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || missing="$missing $package"
    done
    if [ -n "$missing" ]; then
        apt-get update
        # shellcheck disable=SC2086 # a list of words
        DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing
    fi
    systemctl unmask etcd.service >/dev/null 2>&1
}

install_secrets() {
    install -d -m 0755 /etc/sidekick
    install -m 0644 "$here/tls/ca.crt" /etc/sidekick/ca.crt
    install -d -m 0700 /etc/credstore
    install -m 0600 "$here"/credstore/* /etc/credstore/
}

# Packages of the same version too: what changed may be their content.
install_sidekick() {
    set -- "$here"/packages/sidekick_*.deb
    if [ "$name" = lb ]; then
        set -- "$@" "$here"/packages/sidekick-gateway_*.deb
    fi
    dpkg --install --force-confold "$@"
}

# The part of a configuration that says how to reach etcd: etcd_section <user>
etcd_section() {
    cat <<END
etcd:
  endpoints: [$endpoints]
  ca: /etc/sidekick/ca.crt
  cert: etcd-cert
  key: etcd-key
  username: $1
  passwordFile: etcd-password
END
}
