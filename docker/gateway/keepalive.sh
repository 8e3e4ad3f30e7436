#!/bin/sh
# Gives servers that have been in an http group for a while connections that are kept open.
#
# NGINX keeps connections only to servers of an `upstream` in its configuration, so such servers get one each, named
# after their address, and NGINX is reloaded. Which names a worker knows is part of the same load of the configuration
# (kept.map), so a worker never uses a name that it does not have, and a name never means another address.
#
#   gateway-keepalive <seconds>   again and again; a server qualifies when two looks in a row find it
#   gateway-keepalive now         once, for every server there is
set -eu

run=/run/sidekick-gateway
state=/var/lib/sidekick-gateway
# The package's, else the image's.
config=/etc/sidekick-gateway/nginx.conf
[ -e "$config" ] || config=/etc/nginx/nginx.conf
# Each name is looked through by every request that goes to an address.
most=200

addresses() {
    cat "$state"/http.* 2>/dev/null | sed -n 's/^server \([^ ;]*\).*/\1/p' | sort -u | head -n "$most"
}

# Writes kept.conf and kept.map for the addresses on standard input.
declare_kept() {
    awk -v conf="$run/kept.conf.new" -v map="$run/kept.map.new" '
        BEGIN { printf "" > conf; printf "" > map }
        {
            name = "kept_" $1
            gsub(/[^0-9A-Za-z_.-]/, "_", name)
            printf "upstream %s {\n    server %s max_fails=0;\n    keepalive 32;\n    keepalive_timeout 30s;\n}\n", name, $1 > conf
            printf "%s %s;\n", $1, name > map
        }'
    mv "$run/kept.conf.new" "$run/kept.conf"
    mv "$run/kept.map.new" "$run/kept.map"
}

apply() {
    sort -u >"$run/kept.next"
    if cmp -s "$run/kept.next" "$run/kept.list"; then return; fi
    mv "$run/kept.next" "$run/kept.list"
    declare_kept <"$run/kept.list"
    nginx -c "$config" -s reload
}

if [ "$1" = now ]; then
    addresses | apply
    exit
fi

addresses >"$run/kept.seen"
while sleep "$1"; do
    addresses >"$run/kept.look"
    comm -12 "$run/kept.seen" "$run/kept.look" | apply
    mv "$run/kept.look" "$run/kept.seen"
done
