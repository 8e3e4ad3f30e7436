#!/bin/sh
# Sets this host up, as root: host.sh lb|node1|node2|node3. May be run again. Everything it needs is beside it.
set -eu

name=$1
here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
# shellcheck source=SCRIPTDIR/common.sh
. "$here/provision/common.sh"

install_packages
install_secrets
install_sidekick
case $name in
    lb)
        # shellcheck source=SCRIPTDIR/lb.sh
        . "$here/provision/lb.sh"
        set_up_load_balancer
        ;;
    node*)
        # shellcheck source=SCRIPTDIR/node.sh
        . "$here/provision/node.sh"
        set_up_etcd
        set_up_firmware_server "${name#node}"
        set_up_broker "${name#node}"
        ;;
esac
