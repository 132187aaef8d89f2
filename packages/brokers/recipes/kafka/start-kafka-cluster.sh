#!/bin/sh
# Becomes three Kafkas in one container, so that one can be stopped while the others go on: a node runs unless there is a file
# /tmp/down-<node>. Its process is in /tmp/pid-<node>.
set -eu
set -- -XX:SharedArchiveFile=/opt/kafka/kafka.jsa -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp '/opt/kafka/libs/*' \
  -Dlog4j2.level=INFO -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info

run() {
  node=$1
  shift
  settings=/etc/waybill/node-$node.properties
  java "$@" kafka.tools.StorageTool format --cluster-id V2F5YmlsbCB0ZXN0cyBvbg --config "$settings"
  while :; do
    if [ ! -e "/tmp/down-$node" ]; then
      java "$@" -Xms128m -Xmx256m kafka.Kafka "$settings" &
      echo $! > "/tmp/pid-$node"
      wait $! || true
      rm "/tmp/pid-$node"
    fi
    sleep 0.1
  done
}

for node in 1 2 3; do run "$node" "$@" & done
wait
