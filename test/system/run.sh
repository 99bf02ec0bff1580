#!/usr/bin/env bash
# Tests that need programs of the operating system: a Kerberos KDC, an SSH server, SOCKS and HTTP proxies, a
# schema registry, and Prometheus. On Debian, as root, it installs what is missing. Not part of CI. Arguments choose files:
# `npm run test:system -- registry`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

packages=()
need() { command -v "$1" >/dev/null || packages+=("$2"); }
PATH="$PATH:/usr/sbin:/sbin"
need krb5kdc krb5-kdc
need kadmin.local krb5-admin-server
need kinit krb5-user
need sshd openssh-server
need microsocks microsocks
need tinyproxy tinyproxy
need promtool prometheus
[ -e /usr/include/gssapi/gssapi.h ] || packages+=(libkrb5-dev)
if [ ${#packages[@]} -gt 0 ]; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${packages[@]}"
fi

# The package `kerberos` is built here, beside the project, which does not depend on it.
folder="$(pwd)/.cache/system-tests"
if [ ! -e "$folder/node_modules/kerberos/build/Release/kerberos.node" ]; then
  mkdir -p "$folder"
  echo '{ "private": true, "allowScripts": { "kerberos": true } }' >"$folder/package.json"
  npm install --prefix "$folder" --no-audit --no-fund kerberos@7
fi

# The picture of the dashboard: MONITORING_PICTURE=docs/guide/pictures/dashboard.svg.
if [ ! -e "$folder/node_modules/vega-lite" ]; then
  npm install --prefix "$folder" --no-audit --no-fund vega@6 vega-lite@6
fi

# A registry, and Confluent's own serializers. Apicurio from 3.1 on needs Java 21.
if [ ! -e "$folder/node_modules/@confluentinc/schemaregistry" ]; then
  npm install --prefix "$folder" --no-audit --no-fund @confluentinc/schemaregistry@1
fi
if [ ! -e "$folder/apicurio/apicurio-registry-app-3.0.9-runner.jar" ]; then
  mkdir -p "$folder/apicurio"
  mvn -q -B dependency:copy -Dartifact=io.apicurio:apicurio-registry-app:3.0.9:tar.gz:all \
    -DoutputDirectory="$folder"
  tar -xzf "$folder/apicurio-registry-app-3.0.9-all.tar.gz" -C "$folder/apicurio"
fi
NODE_PATH="$folder/node_modules" exec npx vitest run --config test/system/vitest.config.ts "$@"
