import { readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { FaultyFiles } from './support/faulty-files.ts';
import { descriptorsBelow, FollowedLog } from './support/followed-log.ts';

const LINE = 'x'.repeat(40);

interface Story {
  readonly log: FollowedLog;
  /** Content of each file that was written, oldest first. */
  readonly written: readonly string[];
}

async function attempt(act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    // What a reader is told is the injected failure, and nothing that came of it.
    expect(String(error)).toContain('injected');
  }
}

/** A writer's day: rotations, a compression, a deletion, and an agent that reads a bit at a time and restarts. */
async function story(files: FaultyFiles, pins: boolean): Promise<Story> {
  const log = new FollowedLog({ files, pins, maxHeldFiles: 4 });
  const writer = log.write();
  const written = [''];
  let number = 0;
  const write = (count: number) => {
    for (let line = 0; line < count; line += 1) {
      const text = `{"line":${number++},"pad":"${LINE}"}\n`;
      writer.write(text);
      written[written.length - 1] += text;
    }
  };
  const rotate = () => {
    written.push('');
    return writer.rotate();
  };
  write(5);
  await attempt(() => log.start());
  await attempt(() => log.reader.read(1));
  write(3);
  const first = rotate();
  write(4);
  await log.look();
  await attempt(() => log.reader.read(1));
  writeFileSync(`${first}.gz`, gzipSync(readFileSync(first)));
  await log.look();
  unlinkSync(first);
  const second = rotate();
  write(4);
  await log.look(2);
  rmSync(second);
  await log.look(2);
  await attempt(() => log.reader.read(2));
  await attempt(() => log.stop());
  rotate();
  write(2);
  await attempt(() => log.start());
  await attempt(() => log.reader.read());
  return { log, written };
}

/** From here on no call fails: all must come out, once, or be told as lost. */
async function settle({ log, written }: Story): Promise<void> {
  log.now += 61_000;
  await log.catchUp();
  await log.catchUp();
  const given = [...log.reader.given.values()];
  for (const text of given) expect(written.some((file) => file.startsWith(text))).toBe(true);
  const missing = written.filter((file) => file !== '' && !given.includes(file));
  const { losses } = log.reader;
  expect(losses.filter(({ reason }) => reason !== 'deleted')).toEqual([]);
  const letGo = log.kinds().filter((kind) => kind === 'let-go');
  expect(losses.length + letGo.length).toBeGreaterThanOrEqual(missing.length);
  expect(losses.filter(({ proof }) => proof === 'certain').length).toBeLessThanOrEqual(missing.length);
  await log.stop();
  log.writer.abandon();
  expect(descriptorsBelow(log.directory)).toBe(0);
}

async function countCalls(pins: boolean): Promise<number> {
  const files = new FaultyFiles();
  const told = await story(files, pins);
  if (pins) expect(told.log.reader.losses).toEqual([]);
  const { length } = files.calls;
  await settle(told);
  return length;
}

/** What keeps a file that its writer deletes: when that fails, and the agent restarts, a loss is no fault of the log. */
const KEEPS = ['link', 'makeDirectory', 'factsOfName', 'list', 'open', 'facts', 'factsOf', 'read'];

describe.each(['EIO', 'ENOENT'])('whichever call fails with %s', (code) => {
  it.each([true, false])(
    'everything written is given out once or told as lost, and no descriptor leaks (pins: %s)',
    async (pins) => {
      const count = await countCalls(pins);
      for (let nth = 0; nth < count; nth += 1) {
        const files = new FaultyFiles(nth, code);
        try {
          const told = await story(files, pins);
          await settle(told);
          if (pins && told.log.reader.losses.length > 0) expect(KEEPS).toContain(files.failed);
        } catch (error) {
          throw new Error(`call ${nth} of ${count}, ${files.failed}, failed with ${code}`, { cause: error });
        }
      }
    },
  );
});
