import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkState } from '../../src/inspect/check-state.ts';
import { CheckpointStore } from '../../src/state/checkpoint-store.ts';
import { Ledger } from '../../src/state/ledger.ts';
import { lockState } from '../../src/state/lock.ts';
import { openStateDirectory } from '../../src/state/state-directory.ts';
import { checkpoint, madeState } from '../cli/made-state.ts';
import { auditail } from '../cli/fake-terminal.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** A state directory that has been used, and a file of somebody else's. */
async function scene() {
  const root = await madeState();
  const victim = path.join(temporaryDirectory(), 'victim');
  fs.writeFileSync(victim, 'precious\n');
  return { root, victim, output: path.join(root, 'outputs/hook') };
}

function replaced(file: string, by: (file: string) => void): void {
  fs.rmSync(file, { force: true });
  by(file);
}

describe('somebody who can make names in the state directory', () => {
  it('cannot have a file elsewhere written to through the ledger', async () => {
    const { root, victim, output } = await scene();
    replaced(path.join(output, 'ledger.jsonl'), (file) => fs.symlinkSync(victim, file));
    const lock = await lockState(root);
    await expect(Ledger.open(output, lock)).rejects.toMatchObject({
      code: 'AUD_STATE_UNWRITABLE',
      hint: expect.stringContaining('symbolic link'),
    });
    await lock.release();
    expect(fs.readFileSync(victim, 'utf8')).toBe('precious\n');
  });

  it('cannot have a file elsewhere emptied through any name that a checkpoint is written under', async () => {
    const { root, victim } = await scene();
    const state = await openStateDirectory(root);
    const folder = await state.makeCheckpoint('hook', 'api');
    const names = new Set(['checkpoint', 'checkpoint.1', 'checkpoint.tmp', ...fs.readdirSync(folder)]);
    for (const name of names) {
      const file = path.join(folder, name);
      replaced(file, () => fs.symlinkSync(victim, file));
    }
    const lock = await lockState(root);
    const store = new CheckpointStore(folder, lock);
    // Whether it then works or refuses to: what stands elsewhere stays as it is.
    await store
      .load()
      .then(() => store.save(checkpoint()))
      .then(() => store.close())
      .catch(() => undefined);
    await lock.release();
    expect(fs.readFileSync(victim, 'utf8')).toBe('precious\n');
  });

  it('cannot make the agent or a command stand still before a FIFO', async () => {
    const { root, output } = await scene();
    for (const name of ['ledger.jsonl', 'checkpoints/api/checkpoint'])
      replaced(path.join(output, name), (file) => execFileSync('mkfifo', [file]));
    const lock = await lockState(root);
    const folder = path.join(output, 'checkpoints/api');
    const store = new CheckpointStore(folder, lock);
    await Promise.allSettled([store.load()]);
    await lock.release();
    expect((await auditail(['status', '--state-dir', root])).out).toContain('hook/api');
    // They end, whatever they say.
    for (const more of ['--ledger', '--json'])
      expect([0, 1]).toContain((await auditail(['status', more, '--state-dir', root])).exit);
  });

  it('is what check warns of', async () => {
    const { root } = await scene();
    const levels = async () => (await checkState(root)).map(({ level }) => level);
    expect(await levels()).toEqual(['ok']);
    fs.chmodSync(root, 0o777);
    expect(await levels()).toEqual(['ok', 'warning']);
  });

  it('a checkpoint that was changed by hand is noticed, and another output’s is refused', async () => {
    const { root, output } = await scene();
    const file = path.join(output, 'checkpoints/api/checkpoint');
    const text = fs.readFileSync(file, 'latin1');
    expect(text).toContain('"settled":1000');
    fs.writeFileSync(file, text.replace('"settled":1000', '"settled":9999'), 'latin1');
    fs.rmSync(`${file}.1`, { force: true });
    const changed = await auditail(['state', 'list', '--state-dir', root]);
    expect([changed.exit, changed.out]).toEqual([1, expect.stringMatching(/damaged|checksum/i)]);
  });
});

it('the state directory itself may be a symbolic link', async () => {
  const folder = temporaryDirectory();
  fs.mkdirSync(path.join(folder, 'disk'), { mode: 0o700 });
  fs.symlinkSync(path.join(folder, 'disk'), path.join(folder, 'state'));
  const state = await openStateDirectory(path.join(folder, 'state'));
  await state.makeOutput('hook');
  expect(fs.readdirSync(path.join(folder, 'disk'))).toContain('outputs');
});
