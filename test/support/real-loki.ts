import { setTimeout as sleep } from 'node:timers/promises';
import { ask, type RealReceiver, serverScripts } from './real-receiver.ts';
import { contentName } from './witness.ts';

/** Lines come whole, so that their content can be compared; the ladder for longer ones has tests of its own. */
const MAX_LINE = '2Mi';
const LIMITS =
  '  max_line_size: 2MB\n  ingestion_rate_mb: 64\n  ingestion_burst_size_mb: 64\n  per_stream_rate_limit: 64MB\n  per_stream_rate_limit_burst: 64MB';
const SERVER = '  grpc_server_max_recv_msg_size: 104857600\n  grpc_server_max_send_msg_size: 104857600';
const PAGE = 1000;

interface Streams {
  readonly data: { readonly result: readonly { readonly values: readonly (readonly [string, string])[] }[] };
}

/** `folder`: that of its start scripts. */
export async function startLoki(folder: string): Promise<RealReceiver> {
  const server = await serverScripts(folder, 'LOKI', { LOKI_LIMITS: LIMITS, LOKI_SERVER: SERVER });
  const begun = Date.now();
  await server.up();
  return {
    async prepare(run) {
      return { type: 'loki', url: server.url, labels: { job: run }, maxLineBytes: MAX_LINE };
    },
    /**
     * Not ended but stopped, like a stuck machine: after it was ended without `flush_on_shutdown`, Loki 3.7 lacks lines that
     * it had acknowledged, and that stand in its write-ahead log (docs/outputs.md).
     */
    async outage(ms) {
      process.kill(server.pid(), 'SIGSTOP');
      await sleep(ms);
      process.kill(server.pid(), 'SIGCONT');
    },
    async held(run) {
      const query = encodeURIComponent(`sum(count_over_time({job="${run}"}[1d]))`);
      const counted = (await ask('GET', `${server.url}/loki/api/v1/query?query=${query}`)) as {
        data: { result: { value: [number, string] }[] };
      };
      const stored = Number(counted.data.result[0]?.value[1] ?? 0);
      return { names: await lines(server.url, run, begun - 3_600_000), stored };
    },
    stop: () => server.remove(),
  };
}

/** Pages overlap by a nanosecond: lines of one instant may stand on both sides of an edge. */
async function lines(url: string, run: string, sinceMs: number): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const query = encodeURIComponent(`{job="${run}"}`);
  const end = BigInt(Date.now() + 3_600_000) * 1_000_000n;
  for (let start = BigInt(sinceMs) * 1_000_000n; ; ) {
    const range = `start=${start}&end=${end}&limit=${PAGE}&direction=forward`;
    const { data } = (await ask('GET', `${url}/loki/api/v1/query_range?query=${query}&${range}`)) as unknown as Streams;
    const values = data.result.flatMap((stream) => stream.values);
    for (const [, line] of values) found.add(contentName(Buffer.from(line)));
    if (values.length < PAGE) return found;
    const last = values.reduce((latest, [at]) => (BigInt(at) > latest ? BigInt(at) : latest), start);
    if (last === start) throw new Error(`more than ${PAGE} lines at ${last}`);
    start = last;
  }
}
