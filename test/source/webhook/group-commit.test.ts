import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { configSchema, type WebhookSourceConfig } from '../../../src/config/schema.ts';
import { SpoolSpace } from '../../../src/source/spool-space.ts';
import { createSpooledLog } from '../../../src/source/spooled-log.ts';
import { GroupCommit } from '../../../src/source/webhook/group-commit.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { readFileSync } from 'node:fs';

async function setUp(fsync: 'off' | 'grouped' | 'each') {
  const stateDirectory = temporaryDirectory();
  const sources = [{ name: 'hook', type: 'webhook', listen: '127.0.0.1:1', spool: { fsync } }];
  const config = configSchema.parse({ sources, outputs: [{ name: 'o', type: 'stdout' }] })
    .sources[0] as WebhookSourceConfig;
  const said: string[] = [];
  const spooled = createSpooledLog({
    name: 'hook',
    limits: config.spool,
    stateDirectory,
    reference: () => null,
    anomaly: (kind) => void said.push(kind),
  });
  let syncs = 0;
  const { spool } = spooled;
  const sync = spool.sync.bind(spool);
  const faults = { sync: 0, write: 0 };
  spool.sync = async () => {
    syncs += 1;
    if (faults.sync-- > 0) throw new Error('input/output error');
    await sync();
  };
  const appendWhole = spool.appendWhole.bind(spool);
  spool.appendWhole = async (lines) => {
    if (faults.write-- > 0) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    await appendWhole(lines);
  };
  await spool.open('cut');
  onTestFinished(() => spool.close());
  await spooled.log.refresh(true);
  const commit = new GroupCommit(spooled, new SpoolSpace(spooled, config.spool), fsync);
  const text = () => readFileSync(join(stateDirectory, 'spool/hook/audit.log'), 'utf8');
  return { commit, spooled, said, faults, text, syncs: () => syncs };
}

const POSTS = Array.from({ length: 100 }, (_, at) => Buffer.from(`line ${at}\n`));

describe('posts that come at once', () => {
  it('are forced to disk together', async () => {
    const { commit, syncs, text } = await setUp('grouped');
    const commits = await Promise.all(POSTS.map((post) => commit.add(post)));
    expect(new Set(commits)).toEqual(new Set(['stored']));
    expect(syncs()).toBeLessThanOrEqual(2);
    expect(text()).toBe(POSTS.join(''));
  });

  it('are forced to disk one by one where that is asked for', async () => {
    const { commit, syncs } = await setUp('each');
    await Promise.all(POSTS.map((post) => commit.add(post)));
    expect(syncs()).toBe(100);
  });

  it('are all refused, and none of them is in the spool, where they cannot be forced to disk', async () => {
    const { commit, faults, text, said } = await setUp('grouped');
    await commit.add(Buffer.from('before\n'));
    faults.sync = 1;
    const commits = await Promise.all(POSTS.map((post) => commit.add(post)));
    expect(commits[0]).toBe('failed');
    expect(said).toContain('spool-unwritable');
    const stored = POSTS.filter((_, at) => commits[at] === 'stored');
    expect(text()).toBe(`before\n${stored.join('')}`);
    expect(await commit.add(Buffer.from('after\n'))).toBe('stored');
    expect(text()).toBe(`before\n${stored.join('')}after\n`);
  });

  it('are refused while the disk is full, told once, and taken again when it is not', async () => {
    const { commit, faults, said, text } = await setUp('grouped');
    faults.write = 3;
    for (let tries = 0; tries < 3; tries += 1) expect(await commit.add(Buffer.from('a\n'))).toBe('failed');
    expect(await commit.add(Buffer.from('a\n'))).toBe('stored');
    expect(said.filter((kind) => kind === 'spool-unwritable')).toHaveLength(1);
    expect(text()).toBe('a\n');
  });
});
