import path from 'node:path';
import { parseDocument } from 'yaml';

/** How an API server is started, as far as it concerns its audit log. */
export interface ApiServerFlags {
  /** `log-path` for `--audit-log-path` and so on; the last one wins, as it does for the API server. */
  readonly flags: ReadonlyMap<string, string>;
  /** A path of its container as a path of the node, and how it is mounted; the path itself where nothing is. */
  hostPath(containerPath: string): { readonly path: string; readonly mount: 'directory' | 'file' | 'none' };
}

/** Reads a static pod's manifest, or a configuration of k3s and RKE2. `null`: there is no API server in it. */
export function readApiServerFlags(text: string): ApiServerFlags | null {
  const document = parseDocument(text, { logLevel: 'silent' });
  if (document.errors.length > 0) return null;
  const found = record(document.toJS({ maxAliasCount: 100 }));
  const rancher = found['kube-apiserver-arg'];
  if (rancher !== undefined) {
    const flags = flagsIn(strings(rancher).map((text_) => `--${text_}`));
    return { flags, hostPath: (file) => ({ path: file, mount: 'none' }) };
  }
  const spec = record(found['spec']);
  for (const container of list(spec['containers']).map(record)) {
    const words = [...strings(container['command']), ...strings(container['args'])].flatMap(shellWords);
    if (!words.some((word) => /(?:^|\/)(?:kube-apiserver|hyperkube)$/.test(word) || word.startsWith('--audit-')))
      continue;
    return { flags: flagsIn(words), hostPath: (file) => onHost(file, container, spec) };
  }
  return null;
}

function flagsIn(words: readonly string[]): ReadonlyMap<string, string> {
  const flags = new Map<string, string>();
  for (const [at, word] of words.entries()) {
    const [, name, equals, value = ''] = /^--?audit-([a-z-]+)(=)?(.*)$/s.exec(word) ?? [];
    if (name === undefined) continue;
    const next = words[at + 1];
    const isApart = equals === undefined && next !== undefined && !next.startsWith('--');
    flags.set(name, equals === undefined ? (isApart ? next : 'true') : value);
  }
  return flags;
}

/** kOps and OpenShift start it through a shell: `/bin/sh -c "exec kube-apiserver --audit-log-path=…"`. */
function shellWords(text: string): readonly string[] {
  if (!/\s--/.test(text)) return [text];
  return text.split(/\s+/).map((word) => word.replaceAll(/["'\\]/g, ''));
}

function onHost(file: string, container: Fields, spec: Fields): ReturnType<ApiServerFlags['hostPath']> {
  const mounts = list(container['volumeMounts'])
    .map(record)
    .map((mount) => ({ name: String(mount['name']), at: path.posix.normalize(String(mount['mountPath'])) }))
    .filter(({ at }) => file === at || file.startsWith(`${at.replace(/\/$/, '')}/`))
    .sort((a, b) => b.at.length - a.at.length);
  const [mount] = mounts;
  const volume = list(spec['volumes'])
    .map(record)
    .find(({ name }) => name === mount?.name);
  const source = record(volume?.['hostPath'])['path'];
  if (mount === undefined || typeof source !== 'string') return { path: file, mount: 'none' };
  return {
    path: path.posix.join(source, file.slice(mount.at.length)),
    mount: file === mount.at ? 'file' : 'directory',
  };
}

type Fields = Readonly<Record<string, unknown>>;

function record(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

function strings(value: unknown): readonly string[] {
  return (typeof value === 'string' ? [value] : list(value)).filter((one) => typeof one === 'string');
}
