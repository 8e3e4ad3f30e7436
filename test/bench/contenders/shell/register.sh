#!/bin/bash
# Registers a key by etcdctl alone, under a lease that is kept alive, each time it is told a key on standard input.
#
#   register.sh ETCD
export ETCDCTL_ENDPOINTS=$1

register() {
  local lease
  lease=$(etcdctl lease grant 15 | awk '{ print $2 }')
  etcdctl put --lease="$lease" -- "$1" lazy-unicorn >/dev/null
  exec etcdctl lease keep-alive "$lease" >/dev/null
}

echo ready
while read -r key; do register "$key" & done
