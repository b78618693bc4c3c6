import { appendFileSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { FileSourceConfig } from '../../src/config/schema.ts';
import { createFileSource } from '../../src/source/file.ts';
import type { Source } from '../../src/source/source.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

function scene(retain: Partial<FileSourceConfig['retain']> = {}): { path: string; source: Source; kinds: string[] } {
  const root = temporaryDirectory();
  const path = join(root, 'log', 'audit.log');
  mkdirSync(join(root, 'log'));
  const kinds: string[] = [];
  const source = createFileSource({
    config: {
      name: 'audit',
      type: 'file',
      path,
      format: 'json',
      startAt: 'oldest',
      maxReadRate: 'off',
      retain: { pins: 'auto', maxBytes: 1000, minFree: '15%', ...retain },
      spool: { maxBytes: 1 << 20, whenFull: 'block', fsync: 'off' },
    },
    stateDirectory: root,
    activePollMs: 5,
    reference: () => null,
    anomaly: (kind) => kinds.push(kind),
  });
  source.log.register({ name: 'reader', remembered: () => [] }, []);
  onTestFinished(() => source.log.close());
  return { path, source, kinds };
}

describe('the file source', () => {
  it('follows the log until it is told to stop, and wakes those who wait for it', async () => {
    const { path, source } = scene();
    writeFileSync(path, '{"a":1}\n');
    await source.log.begin();
    const stop = new AbortController();
    const following = source.follow(stop.signal);
    const beat = source.log.pulse.wait(10_000, stop.signal);
    appendFileSync(path, '{"b":2}\n');
    await beat;
    expect(source.log.live?.size).toBe(16);
    stop.abort();
    await following;
  });

  it('says in its status what is there, what is pinned, and what was odd', async () => {
    const { path, source, kinds } = scene();
    expect(source.status()).toMatchObject({ readable: false, words: 'not looked at yet' });
    await source.log.begin();
    expect(source.status().words).toContain('not there yet');
    writeFileSync(path, '{"a":1}\n');
    await source.log.refresh(true);
    const backup = path.replace('.log', '-2026-11-23T04-45-26.969.log');
    renameSync(path, backup);
    writeFileSync(path, '{"b":2}\n');
    await source.log.refresh(true);
    expect(source.status()).toMatchObject({
      name: 'audit',
      type: 'file',
      origin: path,
      readable: true,
      words: '',
      segments: 2,
      bytes: 16,
      rotations: 1,
      pinnedFiles: 0,
      anomalies: { unreadable: 1, readable: 1 },
    });
    renameSync(backup, `${backup}.away`);
    await source.log.refresh(true);
    expect(source.status()).toMatchObject({ pinnedFiles: 1, pinnedBytes: 8, openDeletedBytes: 0 });
    expect(kinds).toEqual(['unreadable', 'readable']);
  });
});
