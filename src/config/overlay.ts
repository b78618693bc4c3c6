import type { Path, Place, Problem } from './problem.ts';
import { formatPath } from './problem.ts';
import type { Given, SettingName } from './settings.ts';

type Mapping = Readonly<Record<string, unknown>>;

/** The value of a configuration with the settings laid over it, and which setting each changed path came from. */
export interface Overlaid {
  readonly value: unknown;
  /** Where a path was set by a setting (`--url`), by `formatPath`. */
  readonly origins: ReadonlyMap<string, string>;
  readonly problems: readonly Problem[];
}

/** Settings with a fixed place in the configuration. */
const GLOBAL: Readonly<Partial<Record<SettingName, Path>>> = {
  stateDir: ['stateDirectory'],
  telemetryListen: ['telemetry', 'listen'],
  logLevel: ['log', 'level'],
};

/** Settings of the one output. */
const OUTPUT: Readonly<Partial<Record<SettingName, string>>> = {
  output: 'type',
  url: 'url',
  index: 'index',
  dataStream: 'dataStream',
  labels: 'labels',
  format: 'format',
  compression: 'compression',
  outputPath: 'path',
};

/**
 * Lays settings over what the file says. Those of a source or an output work where the file has one of these or none;
 * which of several they would mean, nobody could say.
 */
export function overlaySettings(base: unknown, given: readonly Given[]): Overlaid {
  const overlay = new Overlay(base);
  for (const setting of given) overlay.apply(setting);
  overlay.finish();
  return overlay;
}

/** Whether the settings describe a source or an output, so that no file is needed for it. */
export function describesPipeline(given: readonly Given[]): boolean {
  return given.some(({ name }) => name === 'auditLogPath' || name === 'stdin' || OUTPUT[name] !== undefined);
}

class Overlay implements Overlaid {
  value: unknown;
  readonly origins = new Map<string, string>();
  readonly problems: Problem[] = [];

  constructor(base: unknown) {
    this.value = base;
  }

  apply(given: Given): void {
    const path = GLOBAL[given.name];
    const outputKey = OUTPUT[given.name];
    if (path !== undefined) this.#set(path, given.text, given.origin);
    else if (outputKey !== undefined) this.#setOutput(outputKey, given);
    else if (given.name === 'stdin') this.#setStdin(given);
    else this.#setSource('file', { path: given.text }, given);
  }

  /** Fills in what follows from what was given. */
  finish(): void {
    const created = this.origins.get('outputs[0]');
    if (created === undefined) return;
    const output = (this.value as { readonly outputs: readonly [Mapping] }).outputs[0];
    const type = output['type'] ?? (output['path'] === undefined ? undefined : 'file');
    if (type === undefined) {
      this.#refuse(
        created,
        'outputs[0].type',
        'says where to, but not to what: add --output elasticsearch, loki or http',
      );
    }
    this.#set(['outputs', 0], { name: type ?? 'output', type: type ?? 'http', ...output }, created);
  }

  #setStdin(given: Given): void {
    if (/^(false|0|no)$/i.test(given.text)) return;
    if (!/^(true|1|yes)$/i.test(given.text))
      this.#refuse(given.origin, '', `must be true or false, not ${JSON.stringify(given.text)}`);
    this.#setSource('stdin', {}, given);
  }

  #setSource(type: 'file' | 'stdin', keys: Mapping, given: Given): void {
    const sources = this.#list('sources', 'source', given);
    if (sources === undefined) return;
    const existing = sources[0];
    if (existing !== undefined && existing['type'] !== type) {
      const before = this.origins.get('sources[0]');
      const other =
        before === undefined
          ? `the configuration's source is of type ${existing['type']}`
          : `${before} names another source`;
      this.#refuse(given.origin, 'sources[0]', `${other}; there can be only one of them here`);
      return;
    }
    const source = existing ?? { name: type === 'file' ? 'kube-apiserver' : 'stdin', type };
    this.#set(['sources'], [{ ...source, ...keys }], given.origin);
    this.origins.delete('sources');
    if (existing === undefined) this.origins.set('sources[0]', given.origin);
    for (const key of Object.keys(keys)) this.origins.set(`sources[0].${key}`, given.origin);
  }

  #setOutput(key: string, given: Given): void {
    const outputs = this.#list('outputs', 'output', given);
    if (outputs === undefined) return;
    const existing = outputs[0];
    const madeHere = existing === undefined || this.origins.has('outputs[0]');
    if (key === 'type' && !madeHere && existing['type'] !== given.text) {
      const message = `the configuration's output is of type ${existing['type']}, and cannot become another one from here`;
      this.#refuse(given.origin, 'outputs[0].type', message);
      return;
    }
    this.#set(['outputs'], [{ ...existing, [key]: this.#outputValue(key, given) }], given.origin);
    this.origins.delete('outputs');
    if (existing === undefined) this.origins.set('outputs[0]', given.origin);
    this.origins.set(`outputs[0].${key}`, given.origin);
  }

  #outputValue(key: string, given: Given): unknown {
    if (key === 'url' && given.text.includes(',')) return given.text.split(',').map((url) => url.trim());
    if (key !== 'labels') return given.text;
    const pairs = given.text.split(',').map((pair) => /^\s*([^=]+)=(.*)$/s.exec(pair));
    if (pairs.every((pair) => pair !== null)) return Object.fromEntries(pairs.map(([, name, value]) => [name, value]));
    this.#refuse(given.origin, 'outputs[0].labels', 'must be name=value, several with commas between them');
    return {};
  }

  /** The sources or outputs there are, of which there may be one; `undefined` where a setting cannot be applied. */
  #list(key: 'sources' | 'outputs', word: string, given: Given): readonly Mapping[] | undefined {
    const list = isMapping(this.value) ? (this.value[key] ?? []) : undefined;
    // A shape that is wrong is the schema's to complain about.
    if (!Array.isArray(list) || !list.every(isMapping)) return undefined;
    if (list.length <= 1) return list;
    this.#refuse(
      given.origin,
      key,
      `the configuration has ${list.length} ${key}; this works with one ${word} only: change the file`,
    );
    return undefined;
  }

  #set(path: Path, to: unknown, origin: string): void {
    this.value = withValue(this.value, path, to);
    this.origins.set(formatPath(path), origin);
  }

  #refuse(origin: string, path: string, message: string): void {
    this.problems.push({ level: 'error', place: placeOfSetting(origin), path, message });
  }
}

/** Place of what was given by a flag or an environment variable. */
export function placeOfSetting(origin: string): Place {
  return { text: origin, line: 0, column: 0 };
}

function withValue(base: unknown, path: Path, to: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return to;
  if (typeof key === 'number') {
    return Array.isArray(base) ? base.with(key, withValue(base[key], rest, to)) : base;
  }
  if (base !== undefined && base !== null && !isMapping(base)) return base;
  const mapping = base ?? {};
  return { ...mapping, [key]: withValue((mapping as Mapping)[key], rest, to) };
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
