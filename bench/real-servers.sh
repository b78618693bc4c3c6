#!/usr/bin/env bash
# bench/real-servers.sh SERVERS TRAIL [name…]: ships a recorded trail once into each real server, and says events per second and whose CPU
# that took. SERVERS: the folder of the scripts that start them; TRAIL: a log of audit events. Needs `npm run build`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
servers=$1 trail=$2
shift 2
events=$(wc -l <"$trail")
megabytes=$(($(stat -c %s "$trail") / 1000000))

cpu() { awk '{ print ($14 + $15) / 100 }' "/proc/$1/stat"; }

# folder, prefix of its variables, port, what the output is
bench() {
  local folder=$1 prefix=$2 port=$3 output=$4 setup=${5:-}
  local work pid before after times
  work=$(mktemp -d)
  chmod 755 "$work"
  export SINK_STATE=$work/server "${prefix}_PORT=$port"
  bash "$servers/$folder/up.sh" >/dev/null
  pid=$(cat "$SINK_STATE"/pid)
  cat >"$work/auditail.yaml" <<Y
stateDirectory: $work/state
sources: [{ name: kube, type: file, path: $trail }]
outputs: [{ name: out, $output }]
telemetry: { listen: "off" }
Y
  [ -z "$setup" ] || node bin/auditail.js setup --config "$work/auditail.yaml" >/dev/null
  before=$(cpu "$pid")
  times=$( { /usr/bin/env TIMEFORMAT='%R %U %S' bash -c "time node bin/auditail.js ship --config $work/auditail.yaml >/dev/null 2>$work/log"; } 2>&1 | tail -1)
  after=$(cpu "$pid")
  awk -v name="$folder" -v n="$events" -v mb="$megabytes" -v t="$times" -v server="$(echo "$after $before" | awk '{ print $1 - $2 }')" 'BEGIN {
    split(t, s, " ")
    printf "%-14s %6.1f s  %7.0f events/s  %5.1f MB/s  agent %.1f CPU-s, server %.1f CPU-s\n", name, s[1], n / s[1], mb / s[1], s[2] + s[3], server
  }'
  bash "$servers/$folder/down.sh" >/dev/null || true
  rm -rf "$work"
}

for name in "${@:-elasticsearch opensearch loki victorialogs otelcol}"; do
  for one in $name; do
    case $one in
      elasticsearch) bench elasticsearch ES 19200 'type: elasticsearch, url: "http://127.0.0.1:19200", index: audit' setup ;;
      opensearch) bench opensearch OS 19201 'type: elasticsearch, url: "http://127.0.0.1:19201", index: audit' setup ;;
      loki)
        LOKI_LIMITS=$'  max_line_size: 2MB\n  reject_old_samples: false\n  shard_streams: { enabled: false }\n  ingestion_rate_mb: 1024\n  ingestion_burst_size_mb: 1024\n  per_stream_rate_limit: 1GB\n  per_stream_rate_limit_burst: 1GB' \
          bench loki LOKI 13100 'type: loki, url: "http://127.0.0.1:13100", maxLineBytes: 2Mi'
        ;;
      victorialogs) bench victorialogs VL 19428 'type: http, url: "http://127.0.0.1:19428/insert/jsonline?_time_field=stageTimestamp&_msg_field=requestURI", maxBodyBytes: 256Ki' ;;
      otelcol) bench otelcol OTEL 14318 'type: http, format: otlp, url: "http://127.0.0.1:14318/v1/logs"' ;;
    esac
  done
done
