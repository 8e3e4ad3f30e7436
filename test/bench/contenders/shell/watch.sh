#!/bin/bash
# Keeps NGINX equal to etcd by etcdctl and curl alone: the loop of "Load Balancing with NGINX Plus and CoreOS", with
# etcd v3 and the NGINX Plus API in place of what they replaced.
#
#   watch.sh ETCD API [sync]
export ETCDCTL_ENDPOINTS=$1 API=$2/9/http/upstreams

# Prints the id of a server; nothing where the group does not have it.
server_id() {
  curl -s "$API/$1/servers" | awk -v RS='{' -v server="\"$2\"" \
    'index($0, server) && match($0, /"id":[0-9]+/) { print substr($0, RSTART + 5, RLENGTH - 5); exit }'
}

add() {
  if [ -z "$(server_id "$1" "$2")" ]; then
    curl -s -o /dev/null -H 'content-type: application/json' -d "{\"server\":\"$2\"}" "$API/$1/servers"
  fi
}

remove() {
  local id
  id=$(server_id "$1" "$2")
  if [ -n "$id" ]; then curl -s -o /dev/null -X DELETE "$API/$1/servers/$id"; fi
}

# etcdctl gives the event in variables, in quotes.
changed() {
  local type=${ETCD_WATCH_EVENT_TYPE//\"/} key=${ETCD_WATCH_KEY//\"/} service
  service=${key#/services/}
  case $type in
    PUT) add "${service%%/*}" "${key##*/}" ;;
    DELETE) remove "${service%%/*}" "${key##*/}" ;;
  esac
}
export -f server_id add remove changed

if [ "$3" = sync ]; then
  etcdctl get --prefix --keys-only /services/ | while IFS=/ read -r _ _ service address; do
    [ -z "$address" ] || add "$service" "$address"
  done
fi
exec etcdctl watch --prefix /services/ -- bash -c changed
