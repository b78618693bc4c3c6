import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CheckExpression } from '../../src/config/filter-checks.ts';
import type { LoadInput } from '../../src/config/load.ts';
import { loadConfig } from '../../src/config/load.ts';
import { formatProblems } from '../../src/config/problem.ts';

let folder: string;

beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'auditail-config-'));
});

afterAll(() => {
  fs.rmSync(folder, { recursive: true });
});

/** Knows one mistake: the word `verbb`. */
const checkExpression: CheckExpression = (text) => {
  const column = text.indexOf('verbb');
  return column === -1 ? { ok: true } : { ok: false, message: 'no such field: verbb', column };
};

function load(input: Partial<LoadInput>) {
  return loadConfig({
    flags: {},
    environment: {},
    checkExpression,
    defaultFile: path.join(folder, 'none.yaml'),
    ...input,
  });
}

function loadText(yaml: string | Buffer, input: Partial<LoadInput> = {}) {
  const file = path.join(folder, 'auditail.yaml');
  fs.writeFileSync(file, yaml);
  return load({ file, ...input });
}

/** The whole output of a check, without the name of the temporary folder. */
function report(yaml: string | Buffer, input: Partial<LoadInput> = {}): string {
  return words(loadText(yaml, input));
}

function words(loaded: ReturnType<typeof load>): string {
  const problems = loaded.ok ? loaded.warnings : loaded.problems;
  const shorter = problems.map((problem) => ({
    ...problem,
    place: { ...problem.place, text: problem.place.text.replace(`${folder}/`, '') },
    message: problem.message.replaceAll(folder, '/tmp').replaceAll(process.cwd(), '/cwd'),
  }));
  return `${loaded.ok ? 'ok' : 'refused'}\n${formatProblems(shorter)}`;
}

const SOURCES = 'sources:\n  - { name: kube-apiserver, type: file, path: /var/log/kubernetes/audit/audit.log }\n';
const OUTPUTS = "outputs:\n  - { name: hook, type: http, url: 'http://127.0.0.1:8080/ingest' }\n";

describe('a configuration that is in order', () => {
  it('is read with its defaults, frozen, and with references to the environment resolved', () => {
    const loaded = loadText(
      `metadata: { cluster: prod-1, node: { env: NODE_NAME } }\n${SOURCES}${OUTPUTS.trimEnd()}\ntelemetry: { listen: 'off' }\n`,
      { environment: { NODE_NAME: 'cp-1' } },
    );
    if (!loaded.ok) throw new Error(formatProblems(loaded.problems));
    expect(loaded.warnings).toEqual([]);
    expect(loaded.config).toMatchObject({
      stateDirectory: '/var/lib/auditail',
      metadata: { cluster: 'prod-1', node: 'cp-1' },
      sources: [{ startAt: 'oldest', retain: { pins: 'auto', maxBytes: 2 * 2 ** 30, minFree: '15%' } }],
      outputs: [{ format: 'ndjson', batch: { maxBytes: 2 ** 21, maxEvents: 5000, maxDelay: 1000, maxInFlight: 2 } }],
      shutdownGrace: 10_000,
      maxLineBytes: 64 * 2 ** 20,
    });
    expect(Object.isFrozen(loaded.config.outputs[0])).toBe(true);
  });

  it('may say the same thing once with an anchor', () => {
    expect(
      report(
        `${SOURCES}outputs:\n  - { name: a, type: http, url: &u 'http://localhost:1/' }\n  - { name: b, type: http, url: *u }\n`,
      ),
    ).toBe('ok\n');
  });

  it('bounds the rate of reading where it says so, and no lower than a mebibyte', () => {
    const source = (rate: string) =>
      `sources:\n  - { name: k, type: file, path: /var/log/audit.log, maxReadRate: ${rate} }\n${OUTPUTS}`;
    expect(loadText(`${SOURCES}${OUTPUTS}`)).toMatchObject({ ok: true, config: { sources: [{ maxReadRate: 'off' }] } });
    for (const [text, bytes] of [
      ['off', 'off'],
      ['20Mi', 20 * 2 ** 20],
      ['20MiB', 20 * 2 ** 20],
      ['5000000', 5_000_000],
    ]) {
      expect(loadText(source(String(text)))).toMatchObject({ ok: true, config: { sources: [{ maxReadRate: bytes }] } });
    }
    expect(report(source('512Ki'))).toMatchInlineSnapshot(`
      "refused
      auditail.yaml:2:67  sources[0].maxReadRate  must be at least 1Mi, not 512Ki"
    `);
    expect(report(source('20Mi/s'))).toMatchInlineSnapshot(`
      "refused
      auditail.yaml:2:67  sources[0].maxReadRate  must be off or a size such as 4Mi, 4MiB or 1048576, not "20Mi/s""
    `);
  });

  it('lets a line be no larger than the memory allows, unless it says so itself', () => {
    const loaded = loadText(`${SOURCES}${OUTPUTS}memory: { maxBytes: 24Mi }\n`);
    expect(loaded).toMatchObject({ ok: true, config: { maxLineBytes: 16 * 2 ** 20 } });
    expect(report(`${SOURCES}${OUTPUTS}memory: { maxBytes: 24Mi }\nmaxLineBytes: 32Mi\n`)).toMatchInlineSnapshot(`
      "refused
      auditail.yaml:6:15  maxLineBytes  is more than memory.maxBytes, so such a line could never be read"
    `);
  });
});

describe('mistakes in the keys and values', () => {
  it('come with line, column and what was probably meant, all at once', () => {
    const yaml = `
metadata: { clustr: prod-1 }
sources:
  - { name: kube-apiserver, type: fil, path: /var/log/audit.log }
  - { name: second, type: file, pth: /var/log/other.log }
outputs:
  - name: search
    type: elasticserch
    url: http://127.0.0.1:9200
  - name: hook
    type: http
    endpoint: http://127.0.0.1:8080/ingest
    format: ndjosn
    maxEvents: 3
    index: audit
  - name: logs
    type: loki
    url: http://someone:secret@127.0.0.1:3100
    labels: { 0-job: kube-audit }
    auth: { bearer: { evn: TOKEN } }
  - name: other logs
    type: loki
    url: [http://127.0.0.1:3100, ftp://127.0.0.1:3100]
telemetry: { listen: localhost }
log: { level: inf }
sorces: []
`;
    expect(report(yaml)).toMatchInlineSnapshot(`
      "refused
      auditail.yaml:2:13   metadata.clustr         unknown option; did you mean "cluster"?
      auditail.yaml:4:35   sources[0].type         must be one of file, stdin, webhook, not "fil"; did you mean "file"?
      auditail.yaml:5:33   sources[1].pth          unknown option; did you mean "path"?
      auditail.yaml:8:11   outputs[0].type         must be one of elasticsearch, loki, http, file, stdout, not "elasticserch"; did you mean "elasticsearch"?
      auditail.yaml:12:5   outputs[1].endpoint     unknown option; did you mean "url"?
      auditail.yaml:13:13  outputs[1].format       must be one of ndjson, json, eventList, event, otlp, not "ndjosn"; did you mean "ndjson"?
      auditail.yaml:14:5   outputs[1].maxEvents    unknown option; did you mean "batch.maxEvents"?
      auditail.yaml:15:5   outputs[1].index        no option of type http
      auditail.yaml:18:10  outputs[2].url          must not carry a user name or password; use auth.basic
      auditail.yaml:20:21  outputs[2].auth.bearer  must be text, { env: NAME } or { file: PATH }
      auditail.yaml:21:11  outputs[3].name         must be letters, digits, dots, dashes and underscores, 64 of them at most, and begin and end with a letter or digit
      auditail.yaml:23:34  outputs[3].url[1]       must be an http:// or https:// URL
      auditail.yaml:24:22  telemetry.listen        must be host:port, such as 127.0.0.1:9465, or off
      auditail.yaml:25:15  log.level               must be one of debug, info, warn, error, not "inf"; did you mean "info"?
      auditail.yaml:26:1   sorces                  unknown option"
    `);
  });

  it('of quantities are shown with what would be right', () => {
    const yaml = `${SOURCES}outputs:
  - name: hook
    type: http
    url: http://127.0.0.1:8080/
    timeout: 1ms
    maxBodyBytes: [4Mi]
    batch: { maxBytes: 4X, maxEvents: 0, maxDelay: 5, maxInFlight: 1.5 }
    retry: { initialDelay: 10s, maxDelay: 1s }
    deadLetter: { maxBytes: 1 }
checkpoint: { interval: soon }
maxLineBytes: -1
memory: { maxBytes: .inf }
`;
    expect(report(yaml)).toMatchInlineSnapshot(`
      "refused
      auditail.yaml:7:14   outputs[0].timeout              must be at least 100ms, not 1ms
      auditail.yaml:8:19   outputs[0].maxBodyBytes         must be a size such as 4Mi, 4MiB or 1048576
      auditail.yaml:9:24   outputs[0].batch.maxBytes       must be a size such as 4Mi, 4MiB or 1048576, not "4X"
      auditail.yaml:9:39   outputs[0].batch.maxEvents      must be at least 1, not 0
      auditail.yaml:9:52   outputs[0].batch.maxDelay       must be a duration such as 250ms, 1s, 1m30s or 7d, not 5
      auditail.yaml:9:68   outputs[0].batch.maxInFlight    must be a whole number, not the number 1.5
      auditail.yaml:10:33  outputs[0].retry.maxDelay       is shorter than retry.initialDelay
      auditail.yaml:11:29  outputs[0].deadLetter.maxBytes  must be at least 64Ki, not 1
      auditail.yaml:12:25  checkpoint.interval             must be a duration such as 250ms, 1s, 1m30s or 7d, not "soon"
      auditail.yaml:13:15  maxLineBytes                    must be a size such as 4Mi, 4MiB or 1048576, not -1
      auditail.yaml:14:21  memory.maxBytes                 must be a size such as 4Mi, 4MiB or 1048576"
    `);
  });

  it('of kind are named in plain words', () => {
    const yaml = `
sources: { name: a }
outputs:
  - 1
  -
  - { name: 2026, type: stdout, filter: [], sources: search }
telemetry:
log: info
`;
    expect(report(yaml)).toMatchInlineSnapshot(`
      "refused
      auditail.yaml:2:10  sources             must be a list, not a mapping
      auditail.yaml:4:5   outputs[0]          must be a mapping (key: value), not the number 1
      auditail.yaml:5:4   outputs[1]          is empty: give it a value, or remove the line
      auditail.yaml:6:13  outputs[2].name     must be text, not the number 2026; put quotes around it
      auditail.yaml:6:41  outputs[2].filter   must be a mapping (key: value), not a list
      auditail.yaml:6:54  outputs[2].sources  must be a list, not "search"
      auditail.yaml:7:1   telemetry           is empty: give it a value, or remove the line
      auditail.yaml:8:6   log                 must be a mapping (key: value), not "info""
    `);
  });

  it('tells one mistake in the YAML once, not each word behind it', () => {
    const labels = `  - { name: o, type: loki, url: 'http://a', labels: { job: \${JOB}, team: a } }\n  - { name: p, type: stdout }\n`;
    expect(report(`${SOURCES}outputs:\n${labels}`)).toMatchInlineSnapshot(`
      "refused
      auditail.yaml:4:61  \${…} is not filled in, and is no YAML within { }; write the value itself, or { env: NAME } where a reference is taken"
    `);
  });

  it.each([
    ['/log/audit-2026-11-23T04-45-26.969.log', true],
    ['/log/audit-2026-11-23T04-45-26.969.log.gz', true],
    ['/log/audit-old.log', false],
    ['/elsewhere/audit-2026-11-23T04-45-26.969.log', false],
  ])('an output file %s beside the log /log/audit.log is read as a backup of it: %s', (place, refused) => {
    const yaml = `sources: [{ name: a, type: file, path: /log/audit.log }]\noutputs: [{ name: o, type: file, path: ${place} }]\n`;
    expect(report(yaml).includes('has the name of a backup of the log')).toBe(refused);
  });

  it('a label that looks as if something were filled in is warned of: it may be meant', () => {
    const yaml = `${SOURCES}outputs:\n  - name: o\n    type: loki\n    url: http://a\n    labels: { job: '\${JOB}', team: a }\n`;
    expect(report(yaml)).toContain(
      'auditail.yaml:7:20  outputs[0].labels.job  warning: ${JOB} is sent as it stands: nothing is filled in',
    );
  });

  it('of nesting at the very top are told', () => {
    expect(report('- a\n- b\n')).toMatchInlineSnapshot(`
      "refused
      auditail.yaml:1:1  must be a mapping (key: value), not a list"
    `);
    expect(report('just text')).toMatchInlineSnapshot(`
      "refused
      auditail.yaml:1:1  must be a mapping (key: value), not "just text""
    `);
    expect(report('{}')).toMatchInlineSnapshot(`
      "refused
      auditail.yaml:1:1  sources  is required
      auditail.yaml:1:1  outputs  is required"
    `);
  });

  it('with the names of built-in properties are mistakes like any other', () => {
    expect(
      report(`${SOURCES}${OUTPUTS}__proto__: { listen: x }\nconstructor: 1\ntoString: 2\n`),
    ).toMatchInlineSnapshot(`
      "refused
      auditail.yaml:5:1  __proto__    unknown option
      auditail.yaml:6:1  constructor  unknown option
      auditail.yaml:7:1  toString     unknown option"
    `);
  });
});

describe('what only shows when things are seen together', () => {
  it('is checked: names, sources, destinations', () => {
    const yaml = `
sources:
  - { name: a, type: file, path: /var/log/a/audit.log }
  - { name: A, type: file, path: /var/log/a/../a/audit.log }
  - { name: p, type: stdin }
  - { name: q, type: stdin }
outputs:
  - { name: one, type: elasticsearch, url: 'http://localhost:1', index: audit, sources: [a, bb] }
  - name: two
    type: elasticsearch
    url: http://localhost:1
    index: audit
    sources: [a]
    filter: { drop: [{ name: leases, when: 'verb == "get"' }] }
  - { name: three, type: elasticsearch, url: 'http://localhost:1', index: audit, sources: [p] }
  - { name: two, type: elasticsearch, url: 'http://localhost:1', index: audit, sources: [a] }
  - { name: f, type: file, path: /var/log/a/audit.log }
  - { name: g, type: file, path: out.ndjson }
  - { name: h, type: file, path: ./out.ndjson }
`;
    expect(report(yaml)).toMatchInlineSnapshot(`
      "refused
      auditail.yaml:4:13   sources[1].name        sources[0] is called that already; names are unique
      auditail.yaml:4:34   sources[1].path        is the same file as sources[0].path
      auditail.yaml:6:22   sources[3].type        there is one standard input, and another source reads it already
      auditail.yaml:8:93   outputs[0].sources[1]  no source is called "bb"; there are a, A, p, q
      auditail.yaml:9:5    outputs[1]             writes into the same index as outputs[0], with another filter; give each its own
      auditail.yaml:16:5   outputs[3]             warning: delivers the same events to the same place as outputs[0]: all of it is sent twice and kept once
      auditail.yaml:16:13  outputs[3].name        outputs[1] is called that already; names are unique
      auditail.yaml:17:34  outputs[4].path        is the log that is read: every event would come back for ever
      auditail.yaml:18:34  outputs[5].path        warning: is relative: taken from the working directory, now /cwd/out.ndjson
      auditail.yaml:19:34  outputs[6].path        is the same file as outputs[5].path
      auditail.yaml:19:34  outputs[6].path        warning: is relative: taken from the working directory, now /cwd/out.ndjson"
    `);
  });

  it('is checked: indexes and data streams', () => {
    const names = ['Audit', '-audit', 'a b', 'audit-{yyyy.MM.dd}', 'audit-{yyyy.mm.dd}', '..', 'x'.repeat(256)];
    const outputs = names.map(
      (name, at) => `  - { name: o${at}, type: elasticsearch, url: 'http://localhost:1', index: '${name}' }\n`,
    );
    const yaml = `${SOURCES}outputs:\n${outputs.join('')}
  - { name: neither, type: elasticsearch, url: 'http://localhost:1' }
  - { name: both, type: elasticsearch, url: 'http://localhost:1', index: a, dataStream: b }
  - { name: daily, type: elasticsearch, url: 'http://localhost:1', dataStream: 'a-{yyyy.MM.dd}' }
`;
    expect(report(yaml)).toMatchInlineSnapshot(`
      "refused
      auditail.yaml:4:72   outputs[0].index       must be lower case: audit
      auditail.yaml:5:72   outputs[1].index       must not begin with -, _ or +
      auditail.yaml:6:72   outputs[2].index       must not hold " "
      auditail.yaml:8:72   outputs[4].index       has a placeholder that is not known; {yyyy.MM.dd} is, or another order of yyyy, MM and dd
      auditail.yaml:9:72   outputs[5].index       is no name
      auditail.yaml:10:72  outputs[6].index       must be 255 bytes at most
      auditail.yaml:12:5   outputs[7]             needs index (e.g. audit-{yyyy.MM.dd}) or dataStream (e.g. logs-kubernetes.audit-default)
      auditail.yaml:13:77  outputs[8].dataStream  takes either index or dataStream, not both
      auditail.yaml:14:80  outputs[9].dataStream  is one fixed name: a data stream rolls over by itself"
    `);
  });

  it('is checked: paths of logs', () => {
    fs.mkdirSync(path.join(folder, 'logs'), { recursive: true });
    const paths = [
      '/var/log/audit*.log',
      '-',
      path.join(folder, 'logs'),
      '/var/log/nowhere/',
      'audit.log',
      path.join(folder, 'audit.log'),
    ];
    const sources = paths.map((name, at) => `  - { name: s${at}, type: file, path: '${name}' }\n`);
    expect(report(`stateDirectory: ${folder}/state\nsources:\n${sources.join('')}${OUTPUTS}`)).toMatchInlineSnapshot(`
      "refused
      auditail.yaml:1:17  stateDirectory   warning: lies in the log's own directory /tmp: whatever fills or cleans that takes the state with it
      auditail.yaml:3:35  sources[0].path  must be the live file itself, as in the API server's --audit-log-path; its backups are found without a pattern
      auditail.yaml:4:35  sources[1].path  - is no file; to read a pipe, use a source of type stdin (or --stdin)
      auditail.yaml:5:35  sources[2].path  is a directory; name the file in it, e.g. /tmp/logs/audit.log
      auditail.yaml:6:35  sources[3].path  is a directory; name the file in it, e.g. /var/log/nowhere/audit.log
      auditail.yaml:7:35  sources[4].path  warning: is relative: taken from the working directory, now /cwd/audit.log"
    `);
  });

  it('is checked: what Loki would refuse', () => {
    const labels = Array.from({ length: 13 }, (_, at) => `l${at}: x`).join(', ');
    const yaml = `${SOURCES}outputs:
  - { name: a, type: loki, url: 'http://localhost:1', labels: { app.kubernetes.io/name: x, __job: y } }
  - { name: b, type: loki, url: 'http://localhost:1', labels: { ${labels} } }
  - { name: c, type: loki, url: 'http://localhost:1', labels: {}, batch: { maxBytes: 8Mi } }
`;
    expect(report(yaml)).toMatchInlineSnapshot(`
      "refused
      auditail.yaml:4:65  outputs[0].labels["app.kubernetes.io/name"]  is no label for Loki: letters, digits and underscores, not beginning with a digit or two underscores
      auditail.yaml:4:92  outputs[0].labels.__job                      is no label for Loki: letters, digits and underscores, not beginning with a digit or two underscores
      auditail.yaml:5:63  outputs[1].labels                            are 13; Loki takes 12 besides those that are added
      auditail.yaml:6:63  outputs[2].labels                            must be one label at least, e.g. job: kube-audit
      auditail.yaml:6:86  outputs[2].batch.maxBytes                    warning: is more than Loki takes in one push; batches will be cut below 4Mi"
    `);
  });

  it('is checked: what takes events in the order in which they were made', () => {
    const yaml = `${SOURCES}outputs:
  - { name: a, type: loki, url: 'http://localhost:1', order: live-first }
  - { name: b, type: stdout, order: live-first, filter: { throttle: [{ name: t, qps: 1, burst: 5 }] } }
  - { name: c, type: http, url: 'http://localhost:1', order: live-first }
`;
    expect(report(yaml)).toMatchInlineSnapshot(`
      "refused
      auditail.yaml:4:62  outputs[0].order  must be oldest-first: Loki refuses events that are much older than the newest it has
      auditail.yaml:5:37  outputs[1].order  must be oldest-first: a throttle counts events in the order in which they were made"
    `);
  });

  it('is checked: that secrets are there, and not on display', () => {
    fs.writeFileSync(path.join(folder, 'token'), 't\n');
    fs.writeFileSync(path.join(folder, 'empty'), '\n');
    const yaml = `metadata: { node: { env: NODE_NAME }, cluster: { file: ${folder}/empty } }
${SOURCES}outputs:
  - name: a
    type: elasticsearch
    index: audit
    url: http://es.example:9200
    headers: { X-Key: { env: KEY }, 'bad header': x }
    auth: { basic: { username: auditail, password: hunter2 } }
    tls: { ca: { file: ${folder}/no-such-ca.pem }, cert: { file: ${folder}/token }, verify: false }
  - name: b
    type: loki
    url: http://localhost:3100
    tenant: { env: TENANT }
    auth: { bearer: { file: ${folder}/token }, apiKey: { env: SET } }
`;
    expect(report(yaml, { environment: { SET: 'x' } })).toMatchInlineSnapshot(`
      "refused
      auditail.yaml:8:10    outputs[0].url                    warning: sends the credentials in clear text; use https://
      auditail.yaml:9:23    outputs[0].headers.X-Key          the environment variable KEY is not set
      auditail.yaml:9:37    outputs[0].headers["bad header"]  is no name for a header
      auditail.yaml:10:52   outputs[0].auth.basic.password    warning: is a secret in plain text; { env: NAME } or { file: PATH } keeps it out of this file
      auditail.yaml:11:10   outputs[0].tls                    a client certificate needs both cert and key; key is missing
      auditail.yaml:11:16   outputs[0].tls.ca                 cannot be read: ENOENT: no such file or directory, open '/tmp/no-such-ca.pem'
      auditail.yaml:11:129  outputs[0].tls.verify             warning: the receiver is not verified: anybody on the way can read the trail and the credentials
      auditail.yaml:15:13   outputs[1].tenant                 the environment variable TENANT is not set
      auditail.yaml:16:11   outputs[1].auth                   takes one of basic, bearer and apiKey, not several"
    `);
  });

  it('is checked: ${…}, which nobody fills in', () => {
    const yaml = `${SOURCES}outputs:
  - name: a
    type: http
    url: http://localhost/\${PATH}
    auth: { bearer: $TOKEN }
    filter: { drop: [{ name: r, when: 'requestURI.contains("\${x}")' }] }
`;
    expect(report(yaml)).toMatchInlineSnapshot(`
      "refused
      auditail.yaml:6:10  outputs[0].url          \${PATH} is not filled in; write the value itself, or { env: PATH } where a reference is taken
      auditail.yaml:7:21  outputs[0].auth.bearer  $TOKEN is not filled in; write the value itself, or { env: TOKEN } where a reference is taken"
    `);
  });
});

describe('headers of http outputs', () => {
  it('may hold templates, whose mistakes are told with their place', () => {
    const yaml = `metadata: { cluster: prod }
${SOURCES}outputs:
  - name: a
    type: http
    url: http://localhost/
    headers: { A: "\${cluster}/\${source} $\${x}", B: "\${nod}", C: "\${node}", D: "\${verb}", E: "\${auditID" }
  - name: b
    type: http
    format: event
    url: http://localhost/
    headers: { D: "\${verb} \${user.username}", Content-Length: "7", E: $TOKEN }
  - name: c
    type: loki
    url: http://localhost/
    labels: { job: a }
    headers: { A: "\${cluster}" }
`;
    expect(report(yaml)).toMatchInlineSnapshot(`
      "refused
      auditail.yaml:8:52   outputs[0].headers.B               \${nod} is not known; did you mean \${node}?
      auditail.yaml:8:65   outputs[0].headers.C               \${node} cannot be filled in: metadata.node is not set
      auditail.yaml:8:79   outputs[0].headers.D               \${verb} cannot be filled in: a request holds one event only with format: event
      auditail.yaml:8:93   outputs[0].headers.E               has a \${ without an end; for the characters themselves write $\${
      auditail.yaml:13:47  outputs[1].headers.Content-Length  is set by auditail itself, from what it sends
      auditail.yaml:13:71  outputs[1].headers.E               $TOKEN is not filled in; write the value itself, or { env: TOKEN } where a reference is taken
      auditail.yaml:18:19  outputs[2].headers.A               \${cluster} is not filled in; write the value itself, or { env: cluster } where a reference is taken"
    `);
    expect(
      report(
        `metadata: { cluster: prod }\n${SOURCES}outputs:\n  - { name: a, type: http, url: 'http://localhost/', headers: { A: '\${cluster}/\${source}' } }\n`,
      ),
    ).toMatch(/^(?!refused)/);
  });
});

describe('filter expressions', () => {
  it('are compiled, and their mistakes pointed at, in outputs with other mistakes too', () => {
    const yaml = `${SOURCES}outputs:
  - name: a
    type: htp
    filter:
      keep: [{ name: k, when: verb == "get" }]
      drop:
        - { name: k, when: verbb == "delete" }
        - name: long
          when: |
            verb == "get" &&
              verbb == "list"
        - { name: gone, wen: verb }
        - { name: empty, when: '' }
`;
    expect(report(yaml)).toMatchInlineSnapshot(`
      "refused
      auditail.yaml:5:11   outputs[0].type                 must be one of elasticsearch, loki, http, file, stdout, not "htp"; did you mean "http"?
      auditail.yaml:9:19   outputs[0].filter.drop[0].name  keep[0] is called that already; names of rules are unique within an output
      auditail.yaml:9:28   outputs[0].filter.drop[0].when  no such field: verbb
                             > verbb == "delete"
                               ^
      auditail.yaml:11:17  outputs[0].filter.drop[1].when  no such field: verbb
                             >   verbb == "list"
                                 ^"
    `);
  });
});

describe('what is no configuration at all', () => {
  it.each([
    ['an empty file', ''],
    ['a file of comments', '# nothing\n\n'],
    ['a key twice', `${SOURCES}${OUTPUTS}log: { level: info, level: warn }\nlog: {}\n`],
    ['a tab', 'sources:\n\t- name: a\n'],
    ['several documents', `${SOURCES}${OUTPUTS}---\n${SOURCES}`],
    ['a bracket that is never closed', 'sources: [ { name: a\n'],
    ['an alias of nothing', 'sources: *nothing\n'],
    ['a tag', `${SOURCES}${OUTPUTS}stateDirectory: !env STATE\n`],
    ['a merge key', `base: &b { name: a }\n${SOURCES}outputs: [{ <<: *b, type: stdout }]\n`],
    ['bytes that are no text', Buffer.from([0x6c, 0x6f, 0x67, 0x3a, 0xff, 0xfe])],
    ['a mapping that holds itself', 'sources: &s\n  - *s\n'],
  ])('%s is told in a sentence', (_what, yaml) => {
    expect(report(yaml)).toMatchSnapshot();
  });

  it('a few aliases that expand to millions of values are refused at once', () => {
    const levels = Array.from(
      { length: 12 },
      (_, at) => `l${at + 1}: &l${at + 1} [${Array(9).fill(`*l${at}`).join(', ')}]`,
    );
    const started = performance.now();
    expect(report(`l0: &l0 x\n${levels.join('\n')}\n`)).toMatchInlineSnapshot(`
      "refused
      auditail.yaml:2:10  cannot be read: excessive alias count indicates a resource exhaustion attack"
    `);
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it('nesting without end is refused', () => {
    expect(report(`a: ${'['.repeat(200_000)}`)).toMatch(/^refused\nauditail\.yaml:1:\d+ {2}is nested too deeply$/);
  });

  it('a file that is not there, is a directory, may not be read, or is far too large', () => {
    const large = path.join(folder, 'large.yaml');
    fs.writeFileSync(large, Buffer.alloc(2 ** 20 + 1, '#'));
    expect(words(load({ file: path.join(folder, 'missing.yaml') }))).toMatchInlineSnapshot(`
      "refused
      missing.yaml  is not there"
    `);
    expect(words(load({ file: folder })).replace(folder, '/tmp')).toMatchInlineSnapshot(`
      "refused
      /tmp  is a directory; name the file in it, e.g. auditail.yaml"
    `);
    expect(words(load({ file: large }))).toMatchInlineSnapshot(`
      "refused
      large.yaml  is larger than 1 MiB: that is no configuration"
    `);
    expect(words(load({ file: '/dev/null' }))).toMatchInlineSnapshot(`
      "refused
      /dev/null  is no file"
    `);
  });
});

describe('flags and environment', () => {
  const flags = {
    auditLogPath: '/var/log/audit.log',
    output: 'elasticsearch',
    url: 'http://localhost:9200',
    index: 'audit',
  };

  it('are enough for one source and one output', () => {
    const loaded = load({
      flags: { ...flags, stateDir: '/srv/state', telemetryListen: 'off', logLevel: 'debug', compression: 'gzip' },
    });
    expect(loaded).toMatchObject({
      ok: true,
      file: undefined,
      config: {
        stateDirectory: '/srv/state',
        sources: [{ name: 'kube-apiserver', type: 'file', path: '/var/log/audit.log' }],
        outputs: [
          {
            name: 'elasticsearch',
            type: 'elasticsearch',
            url: 'http://localhost:9200',
            index: 'audit',
            compression: 'gzip',
          },
        ],
        telemetry: { listen: 'off' },
        log: { level: 'debug' },
      },
    });
  });

  it('know every output, and a list of URLs, labels, and a pipe', () => {
    const loki = load({
      flags: { stdin: 'true', output: 'loki', url: 'http://a:1, http://b:1', labels: 'job=kube-audit,zone=a=b' },
    });
    expect(loki).toMatchObject({
      ok: true,
      config: {
        sources: [{ name: 'stdin', type: 'stdin' }],
        outputs: [{ url: ['http://a:1', 'http://b:1'], labels: { job: 'kube-audit', zone: 'a=b' } }],
      },
    });
    const file = load({ flags: { auditLogPath: '/a.log', outputPath: '/srv/out.ndjson' } });
    expect(file).toMatchObject({
      ok: true,
      config: { outputs: [{ name: 'file', type: 'file', path: '/srv/out.ndjson' }] },
    });
    expect(load({ flags: { auditLogPath: '/a.log', output: 'stdout' } })).toMatchObject({ ok: true });
  });

  it('win over the file, flags over the environment, and a source by flag over another by variable', () => {
    const environment = {
      AUDITAIL_URL: 'http://from-environment/',
      AUDITAIL_LOG_LEVEL: 'warn',
      AUDITAIL_STDIN: 'true',
    };
    const loaded = loadText(`${SOURCES}${OUTPUTS}log: { level: error }\n`, {
      flags: { auditLogPath: '/from/flag.log', url: 'http://from-flag/' },
      environment,
    });
    expect(loaded).toMatchObject({
      ok: true,
      config: {
        sources: [{ name: 'kube-apiserver', path: '/from/flag.log' }],
        outputs: [{ name: 'hook', type: 'http', url: 'http://from-flag/' }],
        log: { level: 'warn' },
      },
    });
  });

  it('point at the flag or variable where a value is wrong', () => {
    const given = { ...flags, url: 'localhost:9200', labels: 'job', logLevel: 'verbose' };
    expect(
      words(load({ flags: given, environment: { AUDITAIL_TELEMETRY_LISTEN: 'nowhere', AUDITAIL_STATE_DIRR: 'x' } })),
    ).toMatchInlineSnapshot(`
      "refused
      --labels                   outputs[0].labels  must be name=value, several with commas between them
      AUDITAIL_STATE_DIRR                           warning: is no variable of auditail; did you mean AUDITAIL_STATE_DIR?
      --url                      outputs[0].url     must be an http:// or https:// URL
      --labels                   outputs[0].labels  no option of type elasticsearch
      AUDITAIL_TELEMETRY_LISTEN  telemetry.listen   must be host:port, such as 127.0.0.1:9465, or off
      --log-level                log.level          must be one of debug, info, warn, error, not "verbose""
    `);
  });

  it('cannot say which of several outputs or sources they mean', () => {
    const two = `${SOURCES}  - { name: b, type: file, path: /b.log }\n${OUTPUTS}  - { name: c, type: stdout }\n`;
    expect(report(two, { flags: { auditLogPath: '/c.log', url: 'http://localhost/' } })).toMatchInlineSnapshot(`
      "refused
      --audit-log-path  sources  the configuration has 2 sources; this works with one source only: change the file
      --url             outputs  the configuration has 2 outputs; this works with one output only: change the file"
    `);
  });

  it('cannot turn an output or source into another kind', () => {
    expect(report(`${SOURCES}${OUTPUTS}`, { flags: { stdin: 'true', output: 'loki' } })).toMatchInlineSnapshot(`
      "refused
      --stdin   sources[0]       the configuration's source is of type file; there can be only one of them here
      --output  outputs[0].type  the configuration's output is of type http, and cannot become another one from here"
    `);
    expect(words(load({ flags: { ...flags, stdin: 'true' } }))).toMatchInlineSnapshot(`
      "refused
      --stdin  sources[0]  --audit-log-path names another source; there can be only one of them here"
    `);
  });

  it('say what is missing', () => {
    expect(words(load({ flags: { auditLogPath: '/a.log' } }))).toMatchInlineSnapshot(`
      "refused
      --output  outputs  is required"
    `);
    expect(words(load({ flags: { output: 'stdout' } }))).toMatchInlineSnapshot(`
      "refused
      --audit-log-path  sources  is required"
    `);
    expect(words(load({ flags: { auditLogPath: '/a.log', url: 'http://localhost/' } }))).toMatchInlineSnapshot(`
      "refused
      --url  outputs[0].type  says where to, but not to what: add --output elasticsearch, loki or http"
    `);
    expect(words(load({ flags: flags, environment: { AUDITAIL_STDIN: 'maybe' } }))).toBe('ok\n');
    expect(
      words(load({ flags: { output: 'stdout' }, environment: { AUDITAIL_STDIN: 'maybe' } })),
    ).toMatchInlineSnapshot(`
      "refused
      AUDITAIL_STDIN  must be true or false, not "maybe""
    `);
  });

  it('leave the choice of the file: --config, AUDITAIL_CONFIG, then the default one', () => {
    const file = path.join(folder, 'chosen.yaml');
    fs.writeFileSync(file, `${SOURCES}${OUTPUTS}`);
    expect(load({ environment: { AUDITAIL_CONFIG: file } })).toMatchObject({ ok: true, file });
    expect(load({ file, environment: { AUDITAIL_CONFIG: '/not/this.yaml' } })).toMatchObject({ ok: true, file });
    expect(load({ defaultFile: file, flags: { logLevel: 'warn' } })).toMatchObject({
      ok: true,
      file,
      config: { log: { level: 'warn' } },
    });
    expect(load({ defaultFile: file, flags })).toMatchObject({ ok: true, file: undefined });
  });

  it('nothing at all is answered with the shortest command that works', () => {
    expect(() => load({})).toThrow(
      expect.objectContaining({ code: 'AUD_USAGE', hint: expect.stringContaining('--audit-log-path') }),
    );
  });
});
