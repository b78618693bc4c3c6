import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configSchema } from '../src/config/schema.ts';
import { SpoolSpace } from '../src/source/spool-space.ts';
import { createSpooledLog, type SpooledLog } from '../src/source/spooled-log.ts';
import { GroupCommit } from '../src/source/webhook/group-commit.ts';

/*
 * What durability costs: node bench/spool.bench.ts [directory on the disk that is meant]
 * A pipe's bytes in chunks of 64 KiB, and posts of 20 KB from so many clients that wait for their answer.
 */
const root = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'auditail-spool-'));
const CHUNK = Buffer.from(`${'x'.repeat(1023)}\n`.repeat(64));
const POST = `${'x'.repeat(1023)}\n`.repeat(20);
const SECONDS = 3;

let number = 0;

async function spooled(fsync: 'off' | 'grouped' | 'each'): Promise<{ opened: SpooledLog; space: SpoolSpace }> {
  const [config] = configSchema.parse({
    sources: [{ name: 'pipe', type: 'stdin', spool: { fsync, maxBytes: '64Gi' } }],
    outputs: [{ name: 'o', type: 'stdout' }],
  }).sources;
  if (config?.type !== 'stdin') throw new Error('no source');
  number += 1;
  const opened = createSpooledLog({
    name: 'pipe',
    limits: config.spool,
    stateDirectory: join(root, String(number)),
    reference: () => null,
    anomaly: (kind, words) => {
      if (kind !== 'readable' && kind !== 'unreadable') console.error(kind, words);
    },
  });
  await opened.spool.open('cut');
  await opened.log.refresh(true);
  return { opened, space: new SpoolSpace(opened, config.spool) };
}

async function pipe(fsync: 'off' | 'grouped' | 'each'): Promise<void> {
  const { opened } = await spooled(fsync);
  const cpu = process.cpuUsage();
  const start = performance.now();
  let bytes = 0;
  let syncs = 0;
  let syncedAt = start;
  while (performance.now() - start < SECONDS * 1000) {
    CHUNK.write(String(bytes));
    for (let rest = CHUNK; rest.length > 0; ) rest = rest.subarray(await opened.spool.append(rest));
    await opened.log.refresh();
    bytes += CHUNK.length;
    const now = performance.now();
    if (fsync === 'each' || (fsync === 'grouped' && now - syncedAt >= 1000)) {
      await opened.spool.sync();
      syncedAt = now;
      syncs += 1;
    }
  }
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const row = { MBps: bytes / 1e6 / seconds, cpuSecondsPerGB: (user + system) / 1e6 / (bytes / 1e9), forced: syncs };
  console.log(`pipe, ${fsync}:`, JSON.stringify(rounded(row)));
  await opened.spool.close();
  await opened.log.close();
  rmSync(join(root, String(number)), { recursive: true });
}

async function posts(fsync: 'off' | 'grouped' | 'each', clients: number): Promise<void> {
  const { opened, space } = await spooled(fsync);
  const commit = new GroupCommit(opened, space, fsync);
  const took: number[] = [];
  let posted = 0;
  const end = performance.now() + SECONDS * 1000;
  const client = async (): Promise<void> => {
    while (performance.now() < end) {
      const before = performance.now();
      posted += 1;
      const post = Buffer.from(POST);
      // As events do, files have to begin differently.
      post.write(String(posted));
      if ((await commit.add(post)) !== 'stored') throw new Error('not stored');
      took.push(performance.now() - before);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  await commit.idle();
  took.sort((a, b) => a - b);
  const at = (share: number) => took[Math.floor(took.length * share)] ?? 0;
  const row = {
    perSecond: took.length / SECONDS,
    perForcedWrite: took.length / commit.groups,
    p50ms: at(0.5),
    p99ms: at(0.99),
  };
  console.log(`${clients} clients, ${fsync}:`, JSON.stringify(rounded(row)));
  await opened.spool.close();
  await opened.log.close();
  rmSync(join(root, String(number)), { recursive: true });
}

function rounded(row: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(row).map(([key, value]) => [key, Math.round(value * 100) / 100]));
}

try {
  for (const fsync of ['off', 'grouped', 'each'] as const) await pipe(fsync);
  for (const clients of [1, 16, 100])
    for (const fsync of ['off', 'grouped', 'each'] as const) await posts(fsync, clients);
} finally {
  rmSync(root, { recursive: true, force: true });
}
