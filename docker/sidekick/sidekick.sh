#!/bin/sh
exec node /opt/sidekick/dist/main.js "$@"
