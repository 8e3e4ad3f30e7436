#!/bin/sh
# Keeps connections open to servers that have been in an http group for a while.
#
# NGINX keeps connections open only to servers of an `upstream` in its configuration. So each such server gets an upstream that
# is named after its address, and NGINX is reloaded. The names are part of the same load of the configuration (kept.map), so a
# worker never uses a name that it does not have, and a name never means another address.
#
#   gateway-keepalive <seconds>   repeatedly; a server qualifies if it exists at two checks in a row
#   gateway-keepalive now         once, for all present servers
#
# It writes only to a directory of root's, because NGINX's master reads configuration from it.
set -eu

run=/run/sidekick-gateway
state=/var/lib/sidekick-gateway
# The package's, else the image's.
config=/etc/sidekick-gateway/nginx.conf
[ -e "$config" ] || config=/etc/nginx/nginx.conf
# Every request searches these names.
most=200

# The workers write the state files, so whoever has taken over a worker controls their contents. They are read as the workers'
# user, so that a link cannot lead to a file that this user cannot read; only up to a maximum size; and only what has the form
# of an address with a port gets into the configuration.
addresses() {
    # shellcheck disable=SC2016 # expanded by the shell that runs as www-data
    timeout 10 setpriv --reuid=www-data --regid=www-data --clear-groups \
        sh -c 'cat "$1"/http.* 2>/dev/null' sh "$state" | head -c 4194304 | LC_ALL=C sed -nE "$address_of" |
        LC_ALL=C sort -u | head -n "$most"
}

octet='(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])'
# A line of a state file, or of the log of changes.
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

# With a configuration that NGINX refuses, it could neither be reloaded nor restarted. Then everything stays as it was.
apply() {
    sort -u >"$run/kept.next"
    if cmp -s "$run/kept.next" "$run/kept.list"; then return; fi
    mv "$run/kept.next" "$run/kept.list"
    cp "$run/kept.conf" "$run/kept.conf.old"
    cp "$run/kept.map" "$run/kept.map.old"
    declare_kept <"$run/kept.list"
    if nginx -c "$config" -s reload; then return; fi
    echo "gateway-keepalive: NGINX refuses the new configuration; the servers with kept connections stay as they were" >&2
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
