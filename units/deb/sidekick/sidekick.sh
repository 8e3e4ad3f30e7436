#!/bin/sh
# Node.js of the package sidekick-node where that is installed, otherwise the system's.
node=/usr/lib/sidekick-node/node
[ -x "$node" ] || node=/usr/bin/node
exec "$node" /usr/lib/sidekick/dist/main.js "$@"
