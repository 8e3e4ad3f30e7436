#!/bin/sh
# Writes the configuration that depends on the host, and becomes nginx: firmware-server -g 'daemon off;'
#
# Uploads are taken on port 8443 where /etc/firmware/upload, or the credentials of a systemd unit, has a certificate and its
# key (tls.crt, tls.key), and either the authority of the clients' certificates (ca.crt) or a token of at least 16 characters
# (token), or both.
set -eu

run=/tmp/firmware
own=${CREDENTIALS_DIRECTORY:-/etc/firmware/upload}

fail() {
    echo "firmware-server: $*" >&2
    exit 1
}

rm -rf "$run"
(umask 077 && mkdir "$run")

# A kernel without IPv6 has no such file, and refuses to listen.
if [ -s /proc/net/if_inet6 ]; then
    echo 'listen [::]:8080 reuseport;' >"$run/listen-ipv6.conf"
    echo 'listen [::]:8443 ssl reuseport;' >"$run/upload-listen-ipv6.conf"
fi

# Prints the line of a map that takes the token; none where there is none.
token_line() {
    [ -e "$own/token" ] || return 0
    token=$(cat "$own/token")
    if [ "${#token}" -lt 16 ]; then fail "$own/token has less than 16 characters"; fi
    case $token in
    *[!A-Za-z0-9._~+/=-]*) fail "$own/token has characters that no bearer token has" ;;
    esac
    printf '    "Bearer %s" 1;\n' "$token"
}

client_certificates() {
    [ -e "$own/ca.crt" ] || return 0
    printf '    ssl_client_certificate %s/ca.crt;\n    ssl_verify_client optional;\n' "$own"
}

if [ -e "$own/tls.crt" ] && [ -e "$own/tls.key" ]; then
    if [ ! -e "$own/ca.crt" ] && [ ! -e "$own/token" ]; then fail "$own has neither ca.crt nor token"; fi
    token=$(token_line)
    cat >"$run/http-upload.conf" <<END
map \$http_authorization \$upload_token {
    default 0;
$token
}
map "\$ssl_client_verify \$upload_token" \$upload_refused {
    default 1;
    "~^SUCCESS " "";
    "~ 1$" "";
}
server {
    listen 8443 ssl reuseport;
    include run/upload-listen-*.conf;
    ssl_certificate $own/tls.crt;
    ssl_certificate_key $own/tls.key;
    ssl_protocols TLSv1.2 TLSv1.3;
$(client_certificates)
    include upload.conf;
}
END
fi

exec nginx "$@"
