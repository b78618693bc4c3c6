import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { LogNames } from '../../log/file-name.ts';
import { isMissing, missing, type FileFacts, type LogFiles, type NameFacts } from '../../log/files.ts';

/** A file of a container's log as kubelet names it: `0.log`, `0.log.20261123-044526`, the same with `.gz`. */
interface KubeletFile {
  readonly path: string;
  readonly directory: string;
  /** How often the container had been started before. */
  readonly restarts: number;
  /** `20261123-044526`, empty where it has not been rotated. */
  readonly stamp: string;
  readonly compressed: boolean;
}

const NAME = /^(\d+)\.log(?:\.(\d{8}-\d{6})(\.gz)?)?$/;
const QUARTER_MS = 15 * 60_000;

/**
 * The files that kubelet keeps of a container, shown as a log is that the API server writes itself: one live file, and
 * backups named for the instant at which they were closed. A container that is started again, or a pod that takes the
 * place of another (a static pod whose manifest was changed), goes on in another file or directory; here that is a
 * rotation like any other. What stands in the files is not touched.
 */
export class KubeletFiles implements LogFiles {
  /** The live file, by the name under which the log knows it. */
  readonly livePath: string;
  readonly #pattern: readonly string[];
  readonly #files: LogFiles;
  readonly #names: LogNames;
  #paths = new Map<string, string>();
  #live: string | null = null;

  /** `pattern`: such as `/var/log/pods/kube-system_kube-apiserver-*_*` + `/kube-apiserver/*.log`. */
  constructor(pattern: string, files: LogFiles) {
    const directory = dirname(pattern);
    this.#pattern = directory.split('/');
    this.livePath = join(directory, `${basename(directory)}.log`);
    this.#names = new LogNames(this.livePath);
    this.#files = files;
  }

  async list(directory: string): Promise<string[]> {
    if (directory !== this.#names.directory) return [];
    await this.#scan();
    return [...this.#paths.keys()];
  }

  async open(path: string): Promise<number> {
    const real = this.#real(path);
    if (real === null) throw missing(path);
    return this.#files.open(real);
  }

  async factsOf(path: string): Promise<FileFacts | null> {
    if (path === this.#names.directory) return this.#directoryFacts();
    if (path === this.livePath) await this.#findLive();
    const real = this.#real(path);
    return real === null ? null : this.#files.factsOf(real);
  }

  async factsOfName(path: string): Promise<NameFacts | null> {
    const real = this.#real(path);
    return real === null ? null : this.#files.factsOfName(real);
  }

  close(fd: number): Promise<void> {
    return this.#files.close(fd);
  }

  facts(fd: number): Promise<FileFacts> {
    return this.#files.facts(fd);
  }

  read(fd: number, into: Buffer, at: number, length: number, offset: number): Promise<number> {
    return this.#files.read(fd, into, at, length, offset);
  }

  /** Kubelet removes the directory of a pod as a whole: nothing is linked or made in it. */
  link(_from: string, to: string): Promise<void> {
    return Promise.reject(missing(to));
  }

  unlink(path: string): Promise<void> {
    return Promise.reject(missing(path));
  }

  makeDirectory(path: string): Promise<void> {
    return Promise.reject(missing(path));
  }

  /** Of where the directories are looked for: those themselves come and go. */
  space(): Promise<{ free: number; total: number }> {
    const fixed = this.#pattern.findIndex((part) => part.includes('*'));
    return this.#files.space(fixed === -1 ? this.#names.directory : this.#pattern.slice(0, fixed).join('/') || '/');
  }

  #real(path: string): string | null {
    return path === this.livePath ? this.#live : (this.#paths.get(basename(path)) ?? null);
  }

  /** Any change of one of the directories, and any new one, changes the time. */
  async #directoryFacts(): Promise<FileFacts | null> {
    let facts: FileFacts | null = null;
    let mtimeMs = 0;
    for (const directory of await this.#directories()) {
      const own = await this.#files.factsOf(directory);
      facts = own ?? facts;
      mtimeMs += own?.mtimeMs ?? 0;
    }
    return facts === null ? null : { ...facts, mtimeMs };
  }

  /** The directories that fit the pattern now. */
  async #directories(): Promise<readonly string[]> {
    let found = [this.#pattern[0] ?? ''];
    for (const part of this.#pattern.slice(1)) {
      if (!part.includes('*')) {
        found = found.map((parent) => `${parent}/${part}`);
        continue;
      }
      const fits = new RegExp(`^${part.split('*').map(escape).join('.*')}$`);
      const deeper = await Promise.all(
        found.map(async (parent) =>
          (await namesIn(parent === '' ? '/' : parent))
            .filter((name) => fits.test(name))
            .map((name) => `${parent}/${name}`),
        ),
      );
      found = deeper.flat().toSorted();
    }
    return found;
  }

  async #kubeletFiles(): Promise<readonly KubeletFile[]> {
    const files: KubeletFile[] = [];
    for (const directory of await this.#directories()) {
      for (const name of await namesIn(directory)) {
        const match = NAME.exec(name);
        if (match === null) continue;
        const [, restarts, stamp = '', gz] = match;
        files.push({
          path: join(directory, name),
          directory,
          restarts: Number(restarts),
          stamp,
          compressed: gz !== undefined,
        });
      }
    }
    return files;
  }

  /**
   * The file that is written to: that of the last start, in the directory where something happened last. While kubelet
   * rotates there is none, but the directory still is the one.
   */
  async #findLive(files?: readonly KubeletFile[]): Promise<void> {
    const all = files ?? (await this.#kubeletFiles());
    let newest = { directory: '', at: Number.NEGATIVE_INFINITY };
    for (const directory of new Set(all.map((file) => file.directory))) {
      const times = [(await this.#files.factsOf(directory))?.mtimeMs ?? 0];
      for (const file of all) {
        if (file.directory === directory && file.stamp === '')
          times.push((await this.#files.factsOf(file.path))?.mtimeMs ?? 0);
      }
      const at = Math.max(...times);
      if (at > newest.at) newest = { directory, at };
    }
    const own = all.filter(({ directory }) => directory === newest.directory);
    const last = Math.max(...own.map(({ restarts }) => restarts));
    this.#live = own.find(({ restarts, stamp }) => restarts === last && stamp === '')?.path ?? null;
  }

  /** Reads the directories, and gives each file the name of a backup. */
  async #scan(): Promise<void> {
    const files = await this.#kubeletFiles();
    await this.#findLive(files);
    const closed = new Map<string, { atMs: number; files: KubeletFile[] }>();
    const offsetMs = await this.#clockOffsetMs(files);
    for (const file of files) {
      if (file.path === this.#live) continue;
      const stem = file.compressed ? file.path.slice(0, -3) : file.path;
      const facts = file.stamp === '' ? await this.#files.factsOf(file.path) : null;
      const atMs = file.stamp === '' ? (facts?.mtimeMs ?? 0) : stampMs(file.stamp) - offsetMs;
      const entry = closed.get(stem) ?? { atMs: Math.floor(atMs), files: [] };
      entry.files.push(file);
      closed.set(stem, entry);
    }
    const paths = new Map<string, string>();
    let before = Number.NEGATIVE_INFINITY;
    for (const [, entry] of [...closed].sort(([a, one], [b, other]) => one.atMs - other.atMs || (a < b ? -1 : 1))) {
      before = Math.max(entry.atMs, before + 1);
      const name = this.#names.backup(before);
      for (const { path, compressed } of entry.files) paths.set(compressed ? `${name}.gz` : name, path);
    }
    this.#paths = paths;
  }

  /**
   * Kubelet stamps with its local time, and the agent may live in another zone: a file that was rotated keeps the time
   * of its last write, which tells the difference.
   */
  async #clockOffsetMs(files: readonly KubeletFile[]): Promise<number> {
    const plain = files.filter(({ stamp, compressed }) => stamp !== '' && !compressed);
    const last = plain.toSorted((a, b) => (a.stamp < b.stamp ? -1 : 1)).at(-1);
    const facts = last === undefined ? null : await this.#files.factsOf(last.path);
    if (last === undefined || facts === null) return -new Date().getTimezoneOffset() * 60_000;
    return Math.round((stampMs(last.stamp) - facts.mtimeMs) / QUARTER_MS) * QUARTER_MS;
  }
}

function escape(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

/** As if the stamp were UTC. */
function stampMs(stamp: string): number {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)$/.exec(stamp) ?? [];
  return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
