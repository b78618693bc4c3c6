import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { configSchema, type FileSourceConfig } from '../../../src/config/schema.ts';
import { Cursor } from '../../../src/log/cursor.ts';
import { createCriSource } from '../../../src/source/cri/cri.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { framed } from './cri-lines.ts';

/** What kubelet keeps of one container, and what it does with it. */
class Container {
  readonly root = temporaryDirectory();
  readonly pattern = join(this.root, 'kube-system_kube-apiserver-*/kube-apiserver/*.log');
  #pod = 'kube-system_kube-apiserver-node_1';
  #restarts = 0;
  #stamp = 0;

  get live(): string {
    return join(this.root, this.#pod, 'kube-apiserver', `${this.#restarts}.log`);
  }

  write(bytes: string | Buffer): void {
    mkdirSync(dirname(this.live), { recursive: true });
    appendFileSync(this.live, bytes);
  }

  /** The file gets a stamp, those before it are compressed, and the runtime opens a new one. */
  rotate({ reopen = true } = {}): string {
    this.#stamp += 1;
    const rotated = `${this.live}.20261123-0445${String(this.#stamp).padStart(2, '0')}`;
    renameSync(this.live, rotated);
    if (reopen) writeFileSync(this.live, '');
    return rotated;
  }

  compress(path: string): void {
    writeFileSync(`${path}.tmp`, gzipSync(readFileSync(path)));
    renameSync(`${path}.tmp`, `${path}.gz`);
    unlinkSync(path);
  }

  restart(): void {
    this.#restarts += 1;
    this.write('');
  }

  replacePod(): void {
    this.#pod = `${this.#pod}1`;
    this.#restarts = 0;
    this.write('');
  }
}

async function follow(container: Container, settings: object = {}, stateDirectory = temporaryDirectory()) {
  const sources = [{ name: 'api', type: 'file', format: 'cri', path: container.pattern, ...settings }];
  const config = configSchema.parse({ sources, outputs: [{ name: 'o', type: 'stdout' }] })
    .sources[0] as FileSourceConfig;
  const said: string[] = [];
  const source = createCriSource({
    config,
    stateDirectory,
    activePollMs: 5,
    reference: () => null,
    anomaly: (kind) => void said.push(kind),
  });
  source.log.register({ name: 'reader', remembered: () => [] }, []);
  await source.log.begin();
  const stop = new AbortController();
  const following = source.follow(stop.signal);
  const end = async () => {
    stop.abort();
    await following;
    await source.log.close();
  };
  onTestFinished(end);
  const cursor = new Cursor(source.log, new Map(), { maxLineBytes: 1 << 26, enter: () => [] });
  const got = { text: '', losses: [] as string[] };
  const readOn = async (): Promise<void> => {
    await source.log.refresh();
    for (let piece = await cursor.next(); piece !== null; piece = await cursor.next()) {
      if (piece.kind === 'lines' || piece.kind === 'torn')
        got.text += piece.bytes.toString('latin1', piece.start, piece.end);
      else if (piece.kind === 'loss') got.losses.push(piece.loss.reason);
      else if (piece.kind === 'end') await source.log.settled(piece.segment, 'reader');
    }
  };
  const eventually = async (holds: () => boolean): Promise<void> => {
    for (let tries = 0; tries < 1000 && !holds(); tries += 1) {
      await readOn();
      await sleep(5);
    }
  };
  const comes = async (whole: string): Promise<void> => {
    await eventually(() => got.text.length >= whole.length);
    expect(got.text).toBe(whole);
  };
  return { source, said, comes, eventually, got, end, stateDirectory };
}

const LINES = Array.from(
  { length: 40 },
  (_, at) => `{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"${at}"}`,
);
const LONG = `{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"long","x":"${'y'.repeat(50_000)}"}`;

function text(...lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

describe("a container's log", () => {
  it('comes without frames and without stderr, long lines joined', async () => {
    const container = new Container();
    container.write(framed([LINES[0] as string, LONG], { stderr: () => true }));
    const { comes, eventually, source } = await follow(container);
    await comes(text(LINES[0] as string, LONG));
    container.write(framed([LINES[1] as string]));
    await comes(text(LINES[0] as string, LONG, LINES[1] as string));
    expect(source.status()).toMatchObject({ readable: true, type: 'file', origin: container.pattern });
    await eventually(() => source.caughtUp?.() === true);
    expect(source.caughtUp?.()).toBe(true);
  });

  it('goes on where kubelet rotated in the middle of a line', async () => {
    const container = new Container();
    const raw = framed([LINES[0] as string, LONG, LINES[1] as string]);
    const cut = raw.indexOf(10, 20_000) + 1;
    container.write(raw.subarray(0, cut));
    const { comes, eventually, got, said, stateDirectory } = await follow(container);
    await eventually(() => spooled(stateDirectory) > 30_000);
    const rotated = container.rotate();
    container.write(raw.subarray(cut));
    container.compress(rotated);
    await comes(text(LINES[0] as string, LONG, LINES[1] as string));
    expect(got.losses).toEqual([]);
    expect(said).not.toContain('unreadable-backup');
  });

  it('reads what was rotated and compressed before it came, in order', async () => {
    const container = new Container();
    for (let part = 0; part < 5; part += 1) {
      container.write(framed(LINES.slice(part * 8, part * 8 + 8)));
      if (part === 4) break;
      const rotated = container.rotate();
      if (part < 3) container.compress(rotated);
    }
    const { comes } = await follow(container);
    await comes(text(...LINES));
  });

  it('follows it over a restart of the container and a new pod', async () => {
    const container = new Container();
    container.write(framed(LINES.slice(0, 10)));
    const { comes } = await follow(container);
    await comes(text(...LINES.slice(0, 10)));
    container.restart();
    container.write(framed(LINES.slice(10, 20)));
    await comes(text(...LINES.slice(0, 20)));
    container.replacePod();
    container.write(framed(LINES.slice(20, 30)));
    await comes(text(...LINES.slice(0, 30)));
    container.rotate();
    container.write(framed(LINES.slice(30)));
    await comes(text(...LINES));
  });

  it('loses nothing of a pod beside which another of that name appears and writes too', async () => {
    const container = new Container();
    container.write(framed(LINES.slice(0, 5)));
    const { comes, eventually, got } = await follow(container);
    await comes(text(...LINES.slice(0, 5)));
    const real = container.live;
    container.replacePod();
    for (let at = 5; at < 35; at += 3) {
      container.write(framed([`{"forged":${at}}`]));
      appendFileSync(real, framed(LINES.slice(at, at + 2)));
      await sleep(at % 2 === 0 ? 30 : 2);
      appendFileSync(real, framed(LINES.slice(at + 2, at + 3)));
    }
    const missing = () => LINES.slice(0, 35).filter((line) => !got.text.includes(`${line}\n`));
    await eventually(() => missing().length === 0);
    expect(missing()).toEqual([]);
  });

  it('does not glue a new event to one that a container left half written when it was killed', async () => {
    const container = new Container();
    const raw = framed([LONG]);
    container.write(raw.subarray(0, raw.indexOf(10) + 1));
    const { comes } = await follow(container);
    const half = LONG.slice(0, 16 * 1024);
    container.restart();
    container.write(framed([LINES[0] as string]));
    await comes(`${half}\n${LINES[0]}\n`);
  });

  it('reads on in a file that is still written to after it was renamed', async () => {
    const container = new Container();
    container.write(framed(LINES.slice(0, 5)));
    const { comes } = await follow(container);
    await comes(text(...LINES.slice(0, 5)));
    const rotated = container.rotate({ reopen: false });
    appendFileSync(rotated, framed(LINES.slice(5, 7)));
    await comes(text(...LINES.slice(0, 7)));
    container.write(framed(LINES.slice(7)));
    await comes(text(...LINES));
  });

  it('says that a file was deleted before it was read', async () => {
    const container = new Container();
    container.write(framed(LINES.slice(0, 5)));
    const first = await follow(container);
    await first.comes(text(...LINES.slice(0, 5)));
    await first.end();
    container.write(framed(LINES.slice(5, 10)));
    rmSync(container.live);
    container.restart();
    container.write(framed(LINES.slice(10)));
    const second = await follow(container, {}, first.stateDirectory);
    await second.comes(text(...LINES.slice(0, 5), ...LINES.slice(10)));
    await second.eventually(() => second.got.losses.length > 0);
    expect(second.got.losses).toEqual(['deleted']);
  });

  it('leaves out what startAt says, and says so', async () => {
    const container = new Container();
    container.write(framed(LINES.slice(0, 5)));
    const { comes, eventually, got } = await follow(container, { startAt: 'newest' });
    await eventually(() => got.losses.length > 0);
    container.write(framed(LINES.slice(5)));
    await comes(text(...LINES.slice(5)));
    expect(got.losses).toEqual(['not-taken']);
  });

  it('waits until there is a pod', async () => {
    const container = new Container();
    const { comes, source } = await follow(container);
    expect(source.status()).toMatchObject({ readable: false });
    container.write(framed(LINES));
    await comes(text(...LINES));
  });

  it('copies nothing twice and leaves nothing out, whenever it is killed', async () => {
    const container = new Container();
    const raw = framed([...LINES.slice(0, 10), LONG, ...LINES.slice(10)]);
    let written = 0;
    let stateDirectory = temporaryDirectory();
    const whole = text(...LINES.slice(0, 10), LONG, ...LINES.slice(10));
    for (let round = 1; round <= 6; round += 1) {
      // Before a rotation the runtime has written whole lines of its own.
      const part = Math.floor((raw.length * round) / 6);
      const upTo = round === 3 ? raw.indexOf(10, part) + 1 : part;
      container.write(raw.subarray(written, upTo));
      written = upTo;
      const running = await follow(container, {}, stateDirectory);
      const complete = raw.lastIndexOf(10, upTo - 1) + 1;
      const from = stateDirectory;
      await running.eventually(() => spooled(from) >= Math.min(whole.length, decodedLength(raw.subarray(0, complete))));
      // A kill leaves the state as it is at any moment: a copy of it is what the next run finds.
      const left = temporaryDirectory();
      // The position first: in a copy, as on the disk, it may be behind the spool, and never ahead.
      mkdirSync(join(left, 'spool/api'), { recursive: true });
      for (const name of ['position.json', 'audit.log'])
        cpSync(join(stateDirectory, 'spool/api', name), join(left, 'spool/api', name));
      await running.end();
      stateDirectory = left;
      if (round === 3) container.rotate();
    }
    const last = await follow(container, {}, stateDirectory);
    await last.comes(whole);
  });
});

/** Bytes in all files of the spool. */
function spooled(stateDirectory: string): number {
  const live = join(stateDirectory, 'spool/api/audit.log');
  return statSync(live, { throwIfNoEntry: false })?.size ?? 0;
}

function decodedLength(raw: Buffer): number {
  const lines = raw.toString('latin1').split('\n').slice(0, -1);
  return lines.reduce(
    (sum, line) => sum + line.length - 'T stdout F '.length - 29 + (line.includes('stdout F') ? 1 : 0),
    0,
  );
}
