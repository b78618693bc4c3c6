// The shippers of the benchmark and how each is set up: at least once, a checkpoint or queue on disk, the line as it
// stands in the log where the shipper can do that, and nothing that only one of them could profit from.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DROPPED } from './trail.mjs';

const AUDITAIL = fileURLToPath(new URL('../../bin/auditail.js', import.meta.url));

/** Where a program is: named by the environment, or in one of these places; undefined where it is not. */
function found(variable, ...places) {
  const named = process.env[variable];
  if (named !== undefined && named !== '') return named;
  return places.find((place) => existsSync(place));
}

function firstLine(command, ...words) {
  try {
    return execFileSync(command, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      .split('\n', 1)[0]
      .replace('compiled with:', '')
      .trim();
  } catch {
    return 'version unknown';
  }
}

// The others redact nothing.
const UNREDACTED = { redact: { enabled: false } };
const LEASES = { name: 'leases', when: 'objectRef.resource == "leases"' };
const SYSTEM_READS = {
  name: 'system-reads',
  when: 'user.username.startsWith("system:") && verb in ["get", "list", "watch"]',
};
/** `typical` is what an installation has: redaction is on, and what makes up much of a trail and says little goes. */
const FILTERS = {
  none: UNREDACTED,
  leases: { ...UNREDACTED, drop: [LEASES] },
  typical: { drop: [LEASES, SYSTEM_READS], trim: { managedFields: true } },
};

function auditail(output, { id, title }) {
  return {
    program: 'auditail',
    id: `auditail-${id}`,
    name: `auditail → ${title}`,
    ...(id === 'loki' ? { marks: 2 } : {}),
    environment: { MALLOC_ARENA_MAX: '2', MALLOC_TRIM_THRESHOLD_: '131072' },
    files: ({ state, log, port, filter, maxDelay, outputs = 1 }) => ({
      'auditail.yaml': JSON.stringify(
        {
          stateDirectory: state,
          sources: [{ name: 'kube', type: 'file', path: log }],
          outputs: Array.from({ length: outputs }, (_, at) => ({
            name: `out-${at + 1}`,
            url: `http://127.0.0.1:${port}${output.path ?? ''}`,
            ...output.settings,
            ...(maxDelay === undefined ? {} : { batch: { maxDelay } }),
            filter: FILTERS[filter ?? 'none'],
          })),
          telemetry: { listen: 'off' },
        },
        null,
        1,
      ),
    }),
    command: ({ place }) => [process.execPath, AUDITAIL, 'run', '--config', place('auditail.yaml')],
  };
}

function rsyslog(binary) {
  return {
    program: 'rsyslog',
    id: 'rsyslog-es',
    name: 'rsyslog → Elasticsearch, plain',
    files: ({ state, log, port, filter }) => ({
      'rsyslog.conf': `global(workDirectory="${state}" maxMessageSize="8m")
module(load="imfile" mode="inotify")
module(load="omelasticsearch")
template(name="line" type="string" string="%msg%")
ruleset(name="ship" queue.type="LinkedList" queue.filename="ship" queue.size="20000" queue.dequeueBatchSize="1000" queue.maxDiskSpace="4g" queue.saveOnShutdown="on" queue.timeoutEnqueue="0" queue.workerThreads="2") {
${filter === 'leases' ? `  if $msg contains '${DROPPED}' then stop\n` : ''}  action(type="omelasticsearch" server="127.0.0.1" serverport="${port}" searchIndex="audit" searchType="" esVersion.major="8" template="line" bulkmode="on" maxbytes="8m" action.resumeRetryCount="-1")
}
input(type="imfile" file="${log}" tag="audit:" ruleset="ship" freshStartTail="off" reopenOnTruncate="on" persistStateInterval="1000")
`,
    }),
    command: ({ place, state }) => [binary, '-n', '-f', place('rsyslog.conf'), '-i', `${state}/pid`],
    version: firstLine(binary, '-v'),
  };
}

function syslogNg(binary, { id, title, path, body }) {
  return {
    program: 'syslog-ng',
    id: `syslog-ng-${id}`,
    name: `syslog-ng → ${title}`,
    files: ({ state, log, port, filter }) => ({
      'syslog-ng.conf': `@version: 3.38
options { keep-hostname(yes); log-msg-size(8388608); stats-freq(0); };
source audit { file("${log}" follow-freq(0.2) flags(no-parse) log-fetch-limit(1000) log-iw-size(10000) read-old-records(yes)); };
filter kept { not message("${DROPPED.replaceAll('"', '\\"')}" type(string) flags(substring)); };
destination out { http(
  url("http://127.0.0.1:${port}${path}") method("POST") headers("Content-Type: application/x-ndjson")
  delimiter("\\n") body-suffix("\\n") body("${body}") batch-lines(1000) batch-bytes(4194304) batch-timeout(1000) workers(2)
  timeout(30) retries(1000000) time-reopen(1)
  disk-buffer(reliable(yes) mem-buf-size(67108864) disk-buf-size(2147483648) dir("${state}"))
); };
log { source(audit); ${filter === 'leases' ? 'filter(kept); ' : ''}destination(out); flags(flow-control); };
`,
    }),
    command: ({ place, state }) => {
      const own = ['-F', '--no-caps', '-f', place('syslog-ng.conf'), '-R', `${state}/persist`];
      return [binary, ...own, '-p', `${state}/pid`, '-c', `${state}/control`];
    },
    version: firstLine(binary, '--version'),
  };
}

function fluentBit(binary, { id, title, output }) {
  return {
    program: 'Fluent Bit',
    id: `fluent-bit-${id}`,
    name: `Fluent Bit → ${title}`,
    files: ({ state, log, port, filter }) => ({
      'fluent-bit.conf': `[SERVICE]
    Flush        1
    Log_Level    warn
    storage.path ${state}/storage
[INPUT]
    Name              tail
    Path              ${log}
    DB                ${state}/tail.db
    Read_from_Head    On
    Buffer_Chunk_Size 512k
    Buffer_Max_Size   8M
    storage.type      filesystem
${filter === 'leases' ? `[FILTER]\n    Name    grep\n    Match   *\n    Exclude log ${DROPPED}\n` : ''}[OUTPUT]
    Match       *
    Host        127.0.0.1
    Port        ${port}
    Workers     2
    Retry_Limit no_limits
${output.map((line) => `    ${line}`).join('\n')}
`,
    }),
    command: ({ place }) => [binary, '-c', place('fluent-bit.conf')],
    version: firstLine(binary, '--version'),
  };
}

function vector(binary) {
  return {
    program: 'Vector',
    id: 'vector-http',
    name: 'Vector → HTTP ndjson, plain',
    files: ({ state, log, port, filter }) => ({
      'vector.json': JSON.stringify({
        data_dir: state,
        sources: { audit: { type: 'file', include: [log], read_from: 'beginning', max_line_bytes: 8_388_608 } },
        ...(filter === 'leases'
          ? {
              transforms: {
                kept: { type: 'filter', inputs: ['audit'], condition: `!contains(string!(.message), s'${DROPPED}')` },
              },
            }
          : {}),
        sinks: {
          out: {
            type: 'http',
            inputs: [filter === 'leases' ? 'kept' : 'audit'],
            uri: `http://127.0.0.1:${port}/ingest`,
            acknowledgements: { enabled: true },
            encoding: { codec: 'text' },
            framing: { method: 'newline_delimited' },
            batch: { timeout_secs: 1 },
          },
        },
      }),
    }),
    command: ({ place }) => [binary, '--quiet', '--config', place('vector.json')],
    version: firstLine(binary, '--version'),
  };
}

function collector(binary) {
  return {
    program: 'OpenTelemetry Collector',
    id: 'otelcol-otlp',
    name: 'OpenTelemetry Collector → OTLP, plain',
    files: ({ state, log, port, filter }) => ({
      'otelcol.yaml': JSON.stringify({
        extensions: { file_storage: { directory: state } },
        receivers: {
          filelog: {
            include: [log],
            start_at: 'beginning',
            storage: 'file_storage',
            max_log_size: '8MiB',
            operators: filter === 'leases' ? [{ type: 'filter', expr: `body contains '${DROPPED}'` }] : [],
          },
        },
        processors: { batch: { send_batch_size: 1000, send_batch_max_size: 1000, timeout: '1s' } },
        exporters: { otlp_http: { endpoint: `http://127.0.0.1:${port}`, compression: 'none' } },
        service: {
          extensions: ['file_storage'],
          telemetry: { metrics: { level: 'none' }, logs: { level: 'warn' } },
          pipelines: { logs: { receivers: ['filelog'], processors: ['batch'], exporters: ['otlp_http'] } },
        },
      }),
    }),
    command: ({ place }) => [binary, '--config', place('otelcol.yaml')],
    version: firstLine(binary, '--version'),
  };
}

/**
 * All shippers that are there; the first of each program stands for it where one is enough. `marks` says how often the id
 * of an event stands in what is sent of it, where that is not once.
 */
export function shippers(version) {
  const own = [
    auditail(
      { settings: { type: 'elasticsearch', index: 'audit' } },
      { id: 'es', title: 'Elasticsearch, content ids, plain' },
    ),
    auditail(
      { settings: { type: 'elasticsearch', index: 'audit', compression: 'gzip' } },
      { id: 'es-gzip', title: 'Elasticsearch, content ids, gzip' },
    ),
    auditail(
      { path: '/ingest', settings: { type: 'http', format: 'ndjson' } },
      { id: 'http', title: 'HTTP ndjson, plain' },
    ),
    auditail({ settings: { type: 'loki', maxLineBytes: '2Mi' } }, { id: 'loki', title: 'Loki, snappy' }),
  ].map((one) => ({ ...one, version }));
  const others = [];
  const rsyslogd = found('RSYSLOGD', '/usr/sbin/rsyslogd');
  if (rsyslogd !== undefined) others.push(rsyslog(rsyslogd));
  const ng = found('SYSLOG_NG', '/usr/sbin/syslog-ng');
  if (ng !== undefined) {
    const bulk = '{\\"create\\":{\\"_index\\":\\"audit\\"}}\\n${MESSAGE}';
    others.push(syslogNg(ng, { id: 'es', title: 'Elasticsearch, plain', path: '/_bulk', body: bulk }));
    others.push(syslogNg(ng, { id: 'http', title: 'HTTP ndjson, plain', path: '/ingest', body: '${MESSAGE}' }));
  }
  const flb = found('FLUENT_BIT', '/opt/fluent-bit/bin/fluent-bit', '/usr/bin/fluent-bit');
  if (flb !== undefined) {
    const es = ['Name es', 'Index audit', 'Suppress_Type_Name On', 'Write_Operation create', 'Generate_ID On'];
    others.push(fluentBit(flb, { id: 'es', title: 'Elasticsearch, plain', output: es }));
    others.push(fluentBit(flb, { id: 'es-gzip', title: 'Elasticsearch, gzip', output: [...es, 'Compress gzip'] }));
    const loki = ['Name loki', 'Labels job=kube-audit', 'Drop_Single_Key raw'];
    others.push(fluentBit(flb, { id: 'loki', title: 'Loki, plain', output: loki }));
  }
  const vectorBinary = found('VECTOR', '/usr/bin/vector');
  if (vectorBinary !== undefined) others.push(vector(vectorBinary));
  const otelcol = found('OTELCOL', '/usr/bin/otelcol');
  if (otelcol !== undefined) others.push(collector(otelcol));
  return [...own, ...others];
}
