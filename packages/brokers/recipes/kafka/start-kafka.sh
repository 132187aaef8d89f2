#!/bin/sh
# Becomes Kafka. Storage is formatted once, so that what was stored survives a restart and a kill.
set -eu
settings=/etc/waybill/kafka.properties
libraries='/opt/kafka/libs/*'
if [ ! -f /var/lib/kafka/data/meta.properties ]; then
  java -XX:TieredStopAtLevel=1 -cp "$libraries" kafka.tools.StorageTool format --standalone \
    --cluster-id V2F5YmlsbCB0ZXN0cyBvbg --config "$settings" \
    --add-scram "SCRAM-SHA-256=[name=$SUPER_USER,password=$SUPER_PASSWORD]" \
    --add-scram "SCRAM-SHA-512=[name=$SUPER_USER,password=$SUPER_PASSWORD]"
fi
# The official image logs through Log4j, which without a configuration shows errors only; the built one through slf4j-simple.
exec java -Xms256m -Xmx512m -Dlog4j2.level=INFO -cp "$libraries" kafka.Kafka "$settings"
