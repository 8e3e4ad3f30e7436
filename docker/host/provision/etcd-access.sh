#!/bin/sh
# Gives etcd its users and roles, and switches access control on. May be run again, and may have been broken off anywhere.
# A role may do what its bearer has to. A sidekick writes the keys of its own service at its own host's address, so that a host
# that was taken over can take neither another service nor another host's server out.
set -eu

passwords=/etc/etcd-access
export ETCDCTL_API=3
export ETCDCTL_ENDPOINTS=https://127.0.0.1:2379
export ETCDCTL_CACERT=/etc/etcd-tls/ca.crt
export ETCDCTL_CERT=/etc/etcd-tls/host.crt
export ETCDCTL_KEY=/etc/etcd-tls/host.key

# With access control on, everything below is there already: it was the last step.
etcdctl endpoint health
if ETCDCTL_USER=root ETCDCTL_PASSWORD=$(cat $passwords/root) etcdctl auth status | grep -q 'Status: true'; then
    exit 0
fi

role() {
    etcdctl role get "$1" >/dev/null 2>&1 || etcdctl role add "$1"
    etcdctl role grant-permission "$1" --prefix=true "$2" "$3"
}

user() {
    etcdctl user get "$1" >/dev/null 2>&1 || etcdctl user add "$1" --interactive=false <"$passwords/$1"
    etcdctl user grant-role "$1" "$2"
}

for n in 1 2 3; do
    for service in firmware mqtt; do
        name=sidekick-$service-node$n
        role "$name" readwrite "/services/$service/192.168.56.1$n:"
        role "$name" readwrite "/sidekick/status/instances/$service/192.168.56.1$n:"
        role "$name" read /sidekick/
        user "$name" "$name"
    done
    # Whom to fetch firmware from.
    role "sidekick-firmware-node$n" read /services/firmware/
done

role watcher read /services/
role watcher read /sidekick/
role watcher readwrite /sidekick/watchers/
role watcher readwrite /sidekick/drained/
role watcher readwrite /sidekick/status/watchers/
user watcher watcher

role operator read /services/
role operator readwrite /sidekick/
user operator operator

etcdctl role get root >/dev/null 2>&1 || etcdctl role add root
user root root
etcdctl auth enable
