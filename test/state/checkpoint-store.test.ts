import fs from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AuditailError } from '../../src/errors.ts';
import { CheckpointStore } from '../../src/state/checkpoint-store.ts';
import type { Loaded } from '../../src/state/checkpoint-store.ts';
import type { Checkpoint } from '../../src/state/checkpoint.ts';
import { readCheckpoint } from '../../src/state/read-checkpoint.ts';
import { REAL_FILES } from '../../src/state/files.ts';
import { faultyFiles, systemError } from './faulty-files.ts';
import { checkpointOf, openFence, segmentRecord, stepOf } from './samples.ts';
import { scratchDirectory } from './scratch.ts';

let directory: string;

beforeEach(() => {
  directory = scratchDirectory();
});

afterEach(() => {
  fs.rmSync(directory, { recursive: true, force: true });
});

async function opened(generation = 1): Promise<CheckpointStore> {
  const store = new CheckpointStore(directory, openFence(generation));
  await store.load();
  return store;
}

function loadAgain(generation = 2): Promise<Loaded> {
  return new CheckpointStore(directory, openFence(generation)).load();
}

/** What the next agent would find if this one died now. */
async function loadedCheckpoint(): Promise<Checkpoint | null> {
  const { checkpoint, damaged, newestMissing } = await readCheckpoint(directory);
  expect({ damaged, newestMissing }).toEqual({ damaged: [], newestMissing: false });
  return checkpoint;
}

function superseded(): void {
  throw new AuditailError('AUD_STATE_LOCKED', 'superseded');
}

function damage(name: string): void {
  const file = path.join(directory, name);
  const bytes = fs.readFileSync(file);
  const at = bytes.length - 10;
  bytes[at] = (bytes[at] as number) ^ 1;
  fs.writeFileSync(file, bytes);
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return error instanceof AuditailError ? error.code : String(error);
  }
  return 'none';
}

describe('what is stored', () => {
  test('nothing, on a first run', async () => {
    expect(await loadedCheckpoint()).toBeNull();
  });

  test('comes back whole after a save', async () => {
    const store = await opened();
    const checkpoint = checkpointOf(7, [segmentRecord(1, 10), segmentRecord(2, 20)]);
    await store.save(checkpoint);
    expect(await loadedCheckpoint()).toEqual(checkpoint);
  });

  test('comes back whole after a note, with and without a save before it', async () => {
    const store = await opened();
    store.note(checkpointOf(1));
    expect(await loadedCheckpoint()).toEqual(checkpointOf(1));
    await store.save(checkpointOf(2));
    store.note(checkpointOf(3));
    store.note(checkpointOf(4, [segmentRecord(2, 5)]));
    expect(await loadedCheckpoint()).toEqual(checkpointOf(4, [segmentRecord(2, 5)]));
  });

  test('is the save, where the notes before it are older', async () => {
    const store = await opened();
    store.note(checkpointOf(1));
    await store.save(checkpointOf(2));
    expect(stepOf(await loadedCheckpoint())).toBe(2);
  });

  test('is the note that was taken during the save, at whatever instant the agent dies', async () => {
    const store = await opened();
    await store.save(checkpointOf(1));
    const saving = store.save(checkpointOf(2));
    store.note(checkpointOf(3));
    expect(stepOf(await loadedCheckpoint())).toBe(3);
    await saving;
    expect(stepOf(await loadedCheckpoint())).toBe(3);
    store.note(checkpointOf(4));
    expect(stepOf(await loadedCheckpoint())).toBe(4);
  });

  test('is the last of several saves and notes that overlap', async () => {
    const store = await opened();
    const saves = [store.save(checkpointOf(1))];
    store.note(checkpointOf(2));
    saves.push(store.save(checkpointOf(3)), store.save(checkpointOf(4)));
    store.note(checkpointOf(5));
    await Promise.all(saves);
    expect(stepOf(await loadedCheckpoint())).toBe(5);
  });

  test('goes on over restarts, each with a generation of its own', async () => {
    for (let generation = 1; generation < 6; generation += 1) {
      const store = new CheckpointStore(directory, openFence(generation));
      expect(stepOf((await store.load()).checkpoint)).toBe((generation - 1) * 10);
      await store.save(checkpointOf(generation * 10 - 1));
      store.note(checkpointOf(generation * 10));
      await store.close();
    }
  });

  test('is the newest note, also where several agents in turn took notes only', async () => {
    const first = await opened(1);
    await first.save(checkpointOf(1));
    for (let step = 2; step < 9; step += 1) first.note(checkpointOf(step));
    for (let generation = 2; generation < 5; generation += 1) {
      const next = new CheckpointStore(directory, openFence(generation));
      expect(stepOf((await next.load()).checkpoint)).toBe(6 + generation);
      next.note(checkpointOf(7 + generation));
    }
    expect(stepOf(await loadedCheckpoint())).toBe(11);
  });

  test('is the note that was taken during a save that failed only after its rename', async () => {
    let fail = false;
    const files = faultyFiles(
      REAL_FILES,
      (name) => (fail && name === 'closeNow' ? 'fail' : 'pass'),
      () => systemError('EIO'),
    );
    const store = new CheckpointStore(directory, openFence(), { files });
    await store.load();
    store.note(checkpointOf(1));
    fail = true;
    const saving = store.save(checkpointOf(2));
    store.note(checkpointOf(3));
    expect(await codeOf(saving)).toBe('AUD_STATE_UNWRITABLE');
    expect(stepOf(await loadedCheckpoint())).toBe(3);
    store.note(checkpointOf(4));
    expect(stepOf(await loadedCheckpoint())).toBe(4);
  });

  test('can be read by a command while the agent runs, which changes nothing', async () => {
    const store = await opened();
    await store.save(checkpointOf(1));
    store.note(checkpointOf(2));
    const before = fs.readdirSync(directory);
    expect(stepOf((await readCheckpoint(directory)).checkpoint)).toBe(2);
    expect(fs.readdirSync(directory)).toEqual(before);
  });

  test('is for its owner only, and no heap of files', async () => {
    const store = await opened();
    for (let step = 1; step < 8; step += 1) {
      store.note(checkpointOf(step));
      await store.save(checkpointOf(step));
    }
    store.note(checkpointOf(8));
    const names = fs.readdirSync(directory);
    expect(names.sort()).toEqual(['checkpoint', 'checkpoint.1', 'journal-7-1', 'journal-8-1']);
    for (const name of names) expect(fs.statSync(path.join(directory, name)).mode & 0o777).toBe(0o600);
  });

  test('needs load first', async () => {
    const store = new CheckpointStore(directory, openFence());
    expect(() => store.note(checkpointOf(1))).toThrow(expect.objectContaining({ code: 'AUD_INTERNAL' }));
    expect(await codeOf(store.save(checkpointOf(1)))).toBe('AUD_INTERNAL');
  });
});

describe('the journal', () => {
  test('follows segments that go, come, change and change places', async () => {
    const store = await opened();
    const base = Array.from({ length: 60 }, (_, number) => segmentRecord(number));
    await store.save(checkpointOf(0, base));
    const changed = segmentRecord(30, 77);
    const added = segmentRecord(99);
    const lists = [
      base,
      [],
      base.slice(3),
      base.slice(40),
      base.with(30, changed),
      [...base.slice(2).with(28, changed), added],
      [...base.slice(0, 5), added, ...base.slice(5)],
      base.toReversed(),
      [...base.slice(50), ...base.slice(0, 20), changed],
    ];
    for (const [step, segments] of lists.entries()) {
      store.note(checkpointOf(step, segments));
      expect(await loadedCheckpoint()).toEqual(checkpointOf(step, segments));
    }
  });

  test('has the rotations that came after the save, though the log adds them to the same list', async () => {
    const store = await opened();
    const rotations = [1, 2];
    await store.save({ ...checkpointOf(1), rotations });
    rotations.push(3);
    store.note({ ...checkpointOf(2), rotations });
    expect((await loadedCheckpoint())?.rotations).toEqual([1, 2, 3]);
  });

  test('writes a few hundred bytes a note, however many segments there are', async () => {
    const store = await opened();
    const segments = Array.from({ length: 5000 }, (_, number) => segmentRecord(number));
    await store.save(checkpointOf(0, segments));
    store.note(checkpointOf(1, segments.with(2500, segmentRecord(2500, 1))));
    expect(fs.statSync(path.join(directory, 'journal-2-1')).size).toBeLessThan(2000);
  });

  test('does not grow without bound when nothing is saved', async () => {
    const store = await opened();
    const segments = Array.from({ length: 3000 }, (_, number) => segmentRecord(number));
    for (let step = 1; step <= 12; step += 1) store.note(checkpointOf(step, segments));
    expect(fs.statSync(path.join(directory, 'journal-0-1')).size).toBeLessThan(4 * 1024 * 1024);
    expect(await loadedCheckpoint()).toEqual(checkpointOf(12, segments));
  });

  test('is read to its last complete line when its tail is torn, without a word', async () => {
    const store = await opened();
    await store.save(checkpointOf(1));
    store.note(checkpointOf(2));
    const journal = path.join(directory, 'journal-2-1');
    const complete = fs.statSync(journal).size;
    store.note(checkpointOf(3));
    for (let size = fs.statSync(journal).size - 2; size >= complete; size -= 97) {
      fs.truncateSync(journal, size);
      expect(stepOf(await loadedCheckpoint())).toBe(2);
    }
  });

  test('of another file is never applied, though its number is the same', async () => {
    const store = await opened();
    await store.save(checkpointOf(1));
    const foreign = scratchDirectory();
    const other = new CheckpointStore(foreign, openFence());
    await other.load();
    await other.save(checkpointOf(50));
    other.note(checkpointOf(51));
    fs.copyFileSync(path.join(foreign, 'journal-2-1'), path.join(directory, 'journal-2-9'));
    fs.rmSync(foreign, { recursive: true });
    expect(stepOf(await loadedCheckpoint())).toBe(1);
  });
});

describe('damage', () => {
  test('of the newest file falls back to the one before, with its notes, and is said', async () => {
    const store = await opened();
    await store.save(checkpointOf(1));
    store.note(checkpointOf(2));
    await store.save(checkpointOf(3));
    damage('checkpoint');
    const { checkpoint, findings } = await loadAgain();
    expect(stepOf(checkpoint)).toBe(2);
    expect(findings).toEqual([expect.objectContaining({ what: 'damaged', file: path.join(directory, 'checkpoint') })]);
    const [finding] = findings;
    expect(finding?.words).toMatch(/^the checksum is/);
    expect(fs.existsSync(finding?.movedTo ?? '')).toBe(true);
  });

  test('of the very first file falls back to the notes before it', async () => {
    const store = await opened();
    store.note(checkpointOf(1));
    await store.save(checkpointOf(2));
    damage('checkpoint');
    const { checkpoint, findings } = await loadAgain();
    expect(stepOf(checkpoint)).toBe(1);
    expect(findings).toHaveLength(1);
  });

  test('of the previous file is said and costs nothing', async () => {
    const store = await opened();
    await store.save(checkpointOf(1));
    await store.save(checkpointOf(2));
    damage('checkpoint.1');
    const { checkpoint, findings } = await loadAgain();
    expect(stepOf(checkpoint)).toBe(2);
    expect(findings.map(({ what }) => what)).toEqual(['damaged']);
  });

  test('of both is an error with a way out, and leaves them where they are', async () => {
    const store = await opened();
    await store.save(checkpointOf(1));
    await store.save(checkpointOf(2));
    damage('checkpoint');
    fs.writeFileSync(path.join(directory, 'checkpoint.1'), '');
    const before = fs.readdirSync(directory);
    await expect(loadAgain()).rejects.toMatchObject({
      code: 'AUD_STATE_DAMAGED',
      hint: expect.stringContaining('sent again') as string,
    });
    expect(fs.readdirSync(directory)).toEqual(before);
  });

  test('is kept three times at most', async () => {
    for (let time = 1; time <= 5; time += 1) {
      const store = new CheckpointStore(directory, openFence(time), { now: () => time * 1000 });
      await store.load();
      await store.save(checkpointOf(time));
      await store.save(checkpointOf(time));
      damage('checkpoint');
    }
    await loadAgain(6);
    const kept = fs.readdirSync(directory).filter((name) => name.includes('damaged'));
    expect(kept).toHaveLength(3);
    expect(kept.some((name) => name.includes('00-02'))).toBe(false);
  });

  test('of any single byte of the file is noticed', async () => {
    const store = await opened();
    store.note(checkpointOf(1));
    await store.save(checkpointOf(2));
    const file = path.join(directory, 'checkpoint');
    const bytes = fs.readFileSync(file);
    for (let at = 0; at < bytes.length; at += 1) {
      const spoilt = Buffer.from(bytes);
      spoilt[at] = (spoilt[at] as number) ^ 0x10;
      fs.writeFileSync(file, spoilt);
      const { checkpoint, damaged } = await readCheckpoint(directory);
      expect([at, stepOf(checkpoint), damaged.length]).toEqual([at, 1, 1]);
    }
  });

  test('a missing newest file is said', async () => {
    const store = await opened();
    await store.save(checkpointOf(1));
    await store.save(checkpointOf(2));
    fs.rmSync(path.join(directory, 'checkpoint'));
    const { checkpoint, findings } = await loadAgain();
    expect(stepOf(checkpoint)).toBe(1);
    expect(findings.map(({ what }) => what)).toEqual(['missing']);
  });

  test('a file of a newer version is refused, not taken for damaged', async () => {
    const head = '{"format":"auditail-checkpoint","version":2,"sequence":9,"note":9,"bytes":3';
    const crc = crc32('{}\n', crc32(head)).toString(16).padStart(8, '0');
    fs.writeFileSync(path.join(directory, 'checkpoint'), `${head},"crc32":"${crc}"}\n{}\n`);
    await expect(loadAgain()).rejects.toMatchObject({ code: 'AUD_STATE_VERSION' });
  });
});

describe('an agent that was superseded', () => {
  test('can neither save nor note', async () => {
    let fence = openFence(1);
    const paused = new CheckpointStore(directory, { generation: 1, check: () => fence.check() });
    await paused.load();
    await paused.save(checkpointOf(1));
    const successor = await opened(2);
    await successor.save(checkpointOf(9));
    fence = { generation: 1, check: superseded };
    expect(() => paused.note(checkpointOf(2))).toThrow(expect.objectContaining({ code: 'AUD_STATE_LOCKED' }));
    expect(await codeOf(paused.save(checkpointOf(2)))).toBe('AUD_STATE_LOCKED');
    expect(stepOf(await loadedCheckpoint())).toBe(9);
    expect(fs.readdirSync(directory).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test('cannot put its file in front of a newer one', async () => {
    const store = await opened();
    await store.save(checkpointOf(1));
    await store.save(checkpointOf(2));
    const [newest, previous] = ['checkpoint', 'checkpoint.1'].map((name) => path.join(directory, name)) as [
      string,
      string,
    ];
    fs.renameSync(newest, `${newest}.swap`);
    fs.renameSync(previous, newest);
    fs.renameSync(`${newest}.swap`, previous);
    expect(stepOf(await loadedCheckpoint())).toBe(2);
  });

  test('does not win even when it was past the check already', async () => {
    let successor: CheckpointStore | undefined;
    const paused = new CheckpointStore(directory, openFence(1));
    await paused.load();
    await paused.save(checkpointOf(1));
    await paused.save(checkpointOf(2));
    // Its file is written and its check done; before the rename the whole take-over happens.
    const late = new CheckpointStore(directory, openFence(1), {
      files: {
        ...REAL_FILES,
        sync: async (fd) => {
          successor ??= await opened(2);
          await successor.save(checkpointOf(9));
          successor.note(checkpointOf(10));
          await REAL_FILES.sync(fd);
        },
      },
    });
    await late.load();
    expect(await codeOf(late.save(checkpointOf(3)))).toBe('AUD_STATE_UNWRITABLE');
    expect(stepOf(await loadedCheckpoint())).toBe(10);
  });
});
