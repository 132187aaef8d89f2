#!/bin/sh
# Starts Kafka once, so that Java writes down the classes it has loaded: each later start takes half the time of the processor.
set -eu
cd "$(mktemp -d)"
printf '%s\n' process.roles=broker,controller node.id=1 log.dirs="$PWD/data" \
  listeners=PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:65090 controller.listener.names=CONTROLLER \
  controller.quorum.bootstrap.servers=127.0.0.1:65090 > kafka.properties
libraries='/opt/kafka/libs/*'
java -cp "$libraries" kafka.tools.StorageTool format --standalone --config kafka.properties \
  --cluster-id "$(java -cp "$libraries" kafka.tools.StorageTool random-uuid 2> /dev/null)" > format.log 2>&1
java -XX:ArchiveClassesAtExit=/opt/kafka/kafka.jsa -cp "$libraries" kafka.Kafka kafka.properties > kafka.log 2>&1 &
kafka=$!
for second in $(seq 120); do
  if grep -q 'Kafka Server started' kafka.log; then break; fi
  sleep 1
done
kill "$kafka"
wait "$kafka" || true
test -f /opt/kafka/kafka.jsa || { cat kafka.log; exit 1; }
rm -r "$PWD"
