#!/bin/sh
# Becomes Kafka. Storage is formatted once, so that what was stored survives a restart and a kill.
# The built image logs through slf4j-simple; the official one through Log4j, which by itself would tell errors only. Both have an
# archive of Kafka's classes, which Java uses if it fits.
set -eu
settings=/etc/waybill/kafka.properties
set -- -XX:SharedArchiveFile=/opt/kafka/kafka.jsa -cp '/opt/kafka/libs/*' -Dlog4j2.level=INFO \
  -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info
if [ ! -f /var/lib/kafka/data/meta.properties ]; then
  java "$@" -XX:TieredStopAtLevel=1 kafka.tools.StorageTool format --standalone \
    --cluster-id V2F5YmlsbCB0ZXN0cyBvbg --config "$settings" \
    --add-scram "SCRAM-SHA-256=[name=$SUPER_USER,password=$SUPER_PASSWORD]" \
    --add-scram "SCRAM-SHA-512=[name=$SUPER_USER,password=$SUPER_PASSWORD]"
fi
exec java "$@" -Xms256m -Xmx512m kafka.Kafka "$settings"
