import fs from 'node:fs';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { FileSourceConfig } from '../config/schema.ts';
import { messageOf, systemCode } from '../errors.ts';
import { LogNames } from '../log/file-name.ts';
import type { Finding } from '../output/output.ts';
import { ownerOf } from './owner.ts';

/** Where the kernel lists what is mounted in this namespace. */
const MOUNTS = '/proc/self/mountinfo';

/** Looks at a log as the agent would find it: there, readable, with its backups, on a mount that rotates. */
export function checkSource(source: FileSourceConfig, mounts: string = readMounts()): readonly Finding[] {
  const names = new LogNames(path.resolve(source.path));
  const stat = statOf(names);
  if ('finding' in stat) return [stat.finding];
  const findings = [checkMount(names, mounts), checkContent(names, stat), checkBackups(names)];
  if (source.retain.pins === 'auto') findings.push(checkPins(names));
  return findings.filter((finding) => finding !== undefined);
}

function statOf(names: LogNames): fs.Stats | { readonly finding: Finding } {
  const file = names.path(names.live);
  try {
    const stat = fs.statSync(file);
    if (stat.isFile()) return stat;
    const hint = stat.isFIFO() ? 'For a pipe use a source of type stdin (--stdin).' : undefined;
    return { finding: error(`${file} is no regular file`, hint) };
  } catch (thrown) {
    if (systemCode(thrown) !== 'ENOENT') return { finding: denied(file, thrown) };
    if (!fs.existsSync(names.directory)) {
      return {
        finding: error(
          `${names.directory} is not there`,
          'In a pod, mount the directory of the audit log with a hostPath volume. Managed control planes (EKS, GKE, AKS) have no such file.',
        ),
      };
    }
    const hint = `Is the API server started with --audit-log-path=${file}? The agent waits for the file.`;
    return { finding: { level: 'warning', text: `${file} is not there yet`, hint } };
  }
}

/** The first directory on the way that may not be entered, or else the file itself. */
function denied(file: string, thrown: unknown): Finding {
  if (systemCode(thrown) !== 'EACCES' && systemCode(thrown) !== 'EPERM') {
    return error(`${file} cannot be read: ${messageOf(thrown)}`);
  }
  const parts = file.split(path.sep);
  const onTheWay = parts.map((_, at) => parts.slice(0, at + 1).join(path.sep) || path.sep);
  // The first name that may not even be looked at: what lies before it is closed.
  const hidden = onTheWay.findIndex(isHidden);
  const closed = hidden > 0 ? (onTheWay[hidden - 1] as string) : file;
  const hint =
    process.geteuid?.() === 0
      ? 'Even root may not: look for SELinux or AppArmor (ausearch -m avc), or a user namespace.'
      : 'The API server creates the log for its own user only: run as that user or as root, or with the capability DAC_READ_SEARCH.';
  return error(
    `${file} cannot be read by user id ${process.geteuid?.() ?? '?'}: ${closed} has ${ownerOf(closed)}`,
    hint,
  );
}

function isHidden(file: string): boolean {
  try {
    fs.statSync(file);
    return false;
  } catch (thrown) {
    // What may not be looked at is what is searched for; whatever else is wrong with it is not.
    return systemCode(thrown) === 'EACCES';
  }
}

/** A file that is mounted by itself keeps its inode: the API server cannot rename it, or the agent never sees the next. */
function checkMount(names: LogNames, mounts: string): Finding | undefined {
  const file = names.path(names.live);
  if (!mountPoints(mounts).includes(file)) return undefined;
  return error(
    `${file} is mounted as a single file: after a rotation this is not the log any more`,
    `Mount the directory ${names.directory} instead, here and in the API server's pod.`,
  );
}

function mountPoints(mounts: string): readonly string[] {
  return mounts.split('\n').map((line) => unescapeMount(line.split(' ')[4] ?? ''));
}

/** The kernel writes spaces, tabs, newlines and backslashes as octal numbers (proc(5)). */
function unescapeMount(field: string): string {
  return field.replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

function readMounts(): string {
  try {
    return fs.readFileSync(MOUNTS, 'utf8');
  } catch {
    // Not on Linux, or no /proc: nothing can be said about mounts then.
    return '';
  }
}

function checkContent(names: LogNames, stat: fs.Stats): Finding {
  const file = names.path(names.live);
  let head: Buffer;
  try {
    head = readHead(file);
  } catch (thrown) {
    return denied(file, thrown);
  }
  const text = `${file} can be read: ${stat.size} bytes, ${ownerOf(file)}`;
  if (stat.size > 0 && head[0] !== 0x7b) {
    return {
      level: 'warning',
      text: `${file} can be read, but does not begin as JSON`,
      hint: 'The API server has to write JSON: --audit-log-format=json, its default.',
    };
  }
  return { level: 'ok', text };
}

function readHead(file: string): Buffer {
  const fd = fs.openSync(file, 'r');
  try {
    const head = Buffer.alloc(1);
    return head.subarray(0, fs.readSync(fd, head, 0, 1, 0));
  } finally {
    fs.closeSync(fd);
  }
}

function checkBackups(names: LogNames): Finding {
  let present: readonly string[];
  try {
    present = fs.readdirSync(names.directory);
  } catch (thrown) {
    return error(
      `${names.directory} cannot be listed: ${messageOf(thrown)}`,
      'Without the list of its files no rotation can be followed: the directory needs read and execute permission.',
    );
  }
  const backups = present.flatMap((name) => names.parse(name) ?? []).sort((a, b) => a.instantMs - b.instantMs);
  const oldest = backups[0];
  if (oldest !== undefined) {
    const compressed = backups.filter((backup) => backup.compressed).length;
    const text = `${backups.length} backups, ${compressed} of them compressed; the oldest is ${oldest.name}`;
    return { level: 'ok', text };
  }
  const foreign = present.filter((name) => name.startsWith(`${names.live}.`) || name.startsWith(`${names.live}-`));
  if (foreign.length === 0) return { level: 'ok', text: `no backups of ${names.live} yet` };
  return {
    level: 'warning',
    text: `${foreign[0]} looks like another program rotates the log`,
    hint: 'Let the API server do it (--audit-log-maxsize, --audit-log-maxbackup): what others rename or truncate cannot be followed without gaps.',
  };
}

/** Tries what pins need: a hard link inside the log's directory. */
function checkPins(names: LogNames): Finding {
  const directory = path.join(names.directory, '.auditail');
  const existed = fs.existsSync(directory);
  const link = path.join(directory, `check-${randomBytes(6).toString('hex')}`);
  try {
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
    fs.linkSync(names.path(names.live), link);
    fs.unlinkSync(link);
    return { level: 'ok', text: 'unread files can be pinned, so that their deletion loses nothing' };
  } catch (thrown) {
    return {
      level: 'warning',
      text: `unread files cannot be pinned: ${messageOf(thrown)}`,
      hint: 'Files that are deleted while the agent is down are lost then. Mount the directory writable, or set retain.pins: off to accept that.',
    };
  } finally {
    if (!existed) removeIfEmpty(directory);
  }
}

function removeIfEmpty(directory: string): void {
  if (fs.existsSync(directory) && fs.readdirSync(directory).length === 0) fs.rmdirSync(directory);
}

function error(text: string, hint?: string): Finding {
  return { level: 'error', text, ...(hint === undefined ? {} : { hint }) };
}
