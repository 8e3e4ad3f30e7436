#!/bin/sh
# Gives servers that have been in an http group for a while connections that are kept open.
#
# NGINX keeps connections only to servers of an `upstream` in its configuration, so such servers get one each, named
# after their address, and NGINX is reloaded. Which names a worker knows is part of the same load of the configuration
# (kept.map), so a worker never uses a name that it does not have, and a name never means another address.
#
#   gateway-keepalive <seconds>   again and again; a server qualifies when two looks in a row find it
#   gateway-keepalive now         once, for every server there is
#
# Everything it writes is in a directory that only root can write to: NGINX's master reads it as configuration.
set -eu

run=/run/sidekick-gateway
state=/var/lib/sidekick-gateway
# The package's, else the image's.
config=/etc/sidekick-gateway/nginx.conf
[ -e "$config" ] || config=/etc/nginx/nginx.conf
# Each name is looked through by every request that goes to an address.
most=200

# The workers write these files, so what is in them is chosen by whoever has taken over a worker. They are read as the
# workers' user, so that a link leads to nothing that this user cannot read, and only as much as servers may take; and
# nothing gets into the configuration but what has the form of an address with a port.
addresses() {
    # shellcheck disable=SC2016 # expanded by the shell that runs as www-data
    timeout 10 setpriv --reuid=www-data --regid=www-data --clear-groups \
        sh -c 'cat "$1"/http.* 2>/dev/null' sh "$state" | head -c 4194304 | LC_ALL=C sed -nE "$address_of" |
        LC_ALL=C sort -u | head -n "$most"
}

octet='(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])'
# A line of a state file, or of the changes since it was written.
address_of="s/^(\\{[^}]*\"is\":\")?server (($octet\\.){3}$octet:[0-9]{1,5}|\\[[0-9a-f:]{2,39}\\]:[0-9]{1,5})( .*)?;.*/\\2/p"

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

# With what NGINX refuses it could neither be reloaded nor started again: then everything stays as it was.
apply() {
    sort -u >"$run/kept.next"
    if cmp -s "$run/kept.next" "$run/kept.list"; then return; fi
    mv "$run/kept.next" "$run/kept.list"
    cp "$run/kept.conf" "$run/kept.conf.old"
    cp "$run/kept.map" "$run/kept.map.old"
    declare_kept <"$run/kept.list"
    if nginx -c "$config" -s reload; then return; fi
    echo "gateway-keepalive: NGINX does not take the configuration, so the servers with kept connections stay as they were" >&2
    mv "$run/kept.conf.old" "$run/kept.conf"
    mv "$run/kept.map.old" "$run/kept.map"
    rm -f "$run/kept.list"
    return 1
}

if [ "$1" = now ]; then
    addresses | apply
    exit
fi

addresses >"$run/kept.seen"
while sleep "$1"; do
    addresses >"$run/kept.look"
    comm -12 "$run/kept.seen" "$run/kept.look" | apply || true
    mv "$run/kept.look" "$run/kept.seen"
done
