#!/bin/sh
# Opens the API to other hosts, by the variables below, and copies its credentials for the workers.
# The entry point runs it. Run it again before `nginx -s reload` if credentials have changed.
#
#   GATEWAY_API_ALLOW          addresses and networks that may call the API over the network (default: none)
#   GATEWAY_API_READ           `open` lets them read without a credential; a change always needs one
#   GATEWAY_API_HOSTS          host names by which they call it, besides IP addresses and this host's own name
#   GATEWAY_API_TOKEN_FILE     bearer tokens, one a line (default: /etc/sidekick-gateway/api.token if it exists)
#   GATEWAY_API_HTPASSWD_FILE  names and passwords for basic authentication (…/api.htpasswd)
#   GATEWAY_API_CA_FILE        authorities (PEM) of client certificates, on port 8443 (…/api-ca.crt)
set -eu

run=/run/sidekick-gateway
own=/etc/sidekick-gateway
credentials=$run/credentials
# Minimum length of a token, in characters.
shortest=16

fail() {
    echo "gateway: $*" >&2
    exit 1
}

# The file that a variable names, else the default if it exists; empty if there is neither.
# $1: the variable's name, $2: its value, $3: the default
chosen() {
    if [ -n "$2" ]; then
        [ -r "$2" ] || fail "$1: $2 cannot be read"
        echo "$2"
    elif [ -e "$3" ]; then
        [ -r "$3" ] || fail "$3 cannot be read"
        echo "$3"
    fi
}

# Makes a copy for the workers, so that only root needs to read the file itself. An identical copy is left as it is, so that the
# right to change owners is not needed. $1: the file, or nothing; $2: the copy's name
copy_for_workers() {
    if cmp -s "${1:-/dev/null}" "$credentials/$2"; then return; fi
    rm -f "$credentials/$2.new"
    cat "${1:-/dev/null}" >"$credentials/$2.new"
    chown root:www-data "$credentials/$2.new"
    chmod 640 "$credentials/$2.new"
    mv "$credentials/$2.new" "$credentials/$2"
}

check_words() {
    case $2 in
        *[!A-Za-z0-9.:/_\ -]*) fail "$1: \"$2\" must be $3, separated by spaces" ;;
    esac
}

check_tokens() {
    awk -v shortest="$shortest" '
        { sub(/[ \t\r]+$/, "") }
        $0 == "" { next }
        length($0) < shortest { exit 1 }
        { found = 1 }
        END { exit !found }' "$1" ||
        fail "$1: must contain one token per line, each of at least $shortest characters; \`openssl rand -hex 32\` makes one"
}

check_passwords() {
    grep -Eq '^[^:#]+:.+' "$1" ||
        fail "$1: must contain a line such as name:hash; \`openssl passwd -6\` makes a hash"
}

umask 077
if [ ! -d "$credentials" ]; then
    mkdir "$credentials"
    chown root:www-data "$credentials"
    chmod 750 "$credentials"
fi

token=$(chosen GATEWAY_API_TOKEN_FILE "${GATEWAY_API_TOKEN_FILE:-}" "$own/api.token")
htpasswd=$(chosen GATEWAY_API_HTPASSWD_FILE "${GATEWAY_API_HTPASSWD_FILE:-}" "$own/api.htpasswd")
ca=$(chosen GATEWAY_API_CA_FILE "${GATEWAY_API_CA_FILE:-}" "$own/api-ca.crt")
[ -z "$token" ] || check_tokens "$token"
[ -z "$htpasswd" ] || check_passwords "$htpasswd"
copy_for_workers "$token" token
copy_for_workers "$htpasswd" htpasswd

allow=${GATEWAY_API_ALLOW:-}
hosts=${GATEWAY_API_HOSTS:-}
check_words GATEWAY_API_ALLOW "$allow" "addresses and networks such as 10.0.0.0/8"
check_words GATEWAY_API_HOSTS "$hosts" "host names"
case ${GATEWAY_API_READ:-} in
    '' | open) ;;
    *) fail "GATEWAY_API_READ: \"$GATEWAY_API_READ\" must be \"open\" or empty" ;;
esac

{
    echo "# Written at every start by gateway-api-access: see there."
    echo "set \$gateway_api_hosts \"$hosts\";"
    echo "set \$gateway_api_read \"${GATEWAY_API_READ:-}\";"
    if [ -n "$allow" ]; then
        echo "listen 8080;"
        echo "listen 8443 ssl;"
        # The entry point makes this link if the kernel has IPv6.
        if [ -e "$run/ipv6" ]; then
            echo "listen [::]:8080;"
            echo "listen [::]:8443 ssl;"
        fi
        echo "include gateway/tls.conf;"
        for network in $allow; do echo "allow $network;"; done
    fi
    if [ -n "$ca" ]; then
        echo "ssl_client_certificate $run/api-ca.crt;"
        echo "ssl_verify_client optional;"
    fi
} >"$run/api.conf.new"
if [ -n "$ca" ]; then cat "$ca" >"$run/api-ca.crt"; fi
chmod 644 "$run/api.conf.new"
mv "$run/api.conf.new" "$run/api.conf"

if [ -n "$allow" ] && [ -z "$token$htpasswd$ca" ]; then
    echo "gateway: GATEWAY_API_ALLOW is set, but there is no credential, so nobody can change anything over the network." \
        "Put a token into $own/api.token" >&2
fi
