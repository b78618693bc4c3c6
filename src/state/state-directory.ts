import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { AuditailError } from '../errors.ts';
import { closeAfter, REAL_FILES, syncDirectory, writeFully } from './files.ts';
import type { StateFiles } from './files.ts';
import { unwritable } from './unwritable.ts';

const OUTPUTS = 'outputs';
const CHECKPOINTS = 'checkpoints';
const NAME = /^[A-Za-z0-9._-]{1,128}$/;

/**
 * All that survives a restart, under one directory:
 *
 *     agent.sock                                   control socket of the running agent
 *     lock/owner.<generation>                      who owns the directory (lock.ts)
 *     outputs/<output>/checkpoints/<source>/       checkpoint, checkpoint.1, journals (checkpoint-store.ts)
 *     outputs/<output>/ledger.jsonl                the account (ledger.ts), ledger.jsonl.1 … older
 *     outputs/<output>/dead-letter/                events set aside (dead-letter.ts)
 *
 * Directories are 0700 and files 0600.
 */
export interface StateDirectory {
  readonly path: string;
  /** Creates what an output needs, durably, and gives back its directory. */
  makeOutput(output: string): Promise<string>;
  /** Creates the directory of the checkpoint of an output and a source, durably. */
  makeCheckpoint(output: string, source: string): Promise<string>;
}

/**
 * Opens the state directory and creates it where it isn't there. Tries a write, so that what cannot work is said at the
 * start: AUD_STATE_UNWRITABLE, with the owner and the mode of the directory.
 */
export async function openStateDirectory(directory: string, files: StateFiles = REAL_FILES): Promise<StateDirectory> {
  const root = path.resolve(directory);
  try {
    await files.makeDirectory(root);
    closeToOthers(root);
    await tryWrite(files, root);
  } catch (error) {
    throw unwritable(root, error);
  }
  return {
    path: root,
    makeOutput: (output) => make(files, root, outputDirectory(root, output)),
    makeCheckpoint: (output, source) => make(files, root, checkpointDirectory(root, output, source)),
  };
}

export function outputDirectory(root: string, output: string): string {
  return path.join(root, OUTPUTS, safeName(output));
}

export function checkpointDirectory(root: string, output: string, source: string): string {
  return path.join(outputDirectory(root, output), CHECKPOINTS, safeName(source));
}

/** Names of the outputs that have state. */
export function listOutputs(root: string, files: StateFiles = REAL_FILES): Promise<readonly string[]> {
  return files.list(path.join(root, OUTPUTS));
}

/** Names of the sources that an output has a checkpoint for. */
export function listSources(root: string, output: string, files: StateFiles = REAL_FILES): Promise<readonly string[]> {
  return files.list(path.join(outputDirectory(root, output), CHECKPOINTS));
}

/** The configuration takes no other names; this holds whatever else may call. */
function safeName(name: string): string {
  if (NAME.test(name) && name !== '.' && name !== '..') return name;
  throw new AuditailError('AUD_INTERNAL', `${JSON.stringify(name)} is no name for a file in the state directory`);
}

/**
 * A kubelet creates hostPath directories as 0755. An empty one is ours to close; one with something in it may be
 * somebody's `/tmp`, and is left as it is: our own folders and files in it are closed anyway.
 */
function closeToOthers(root: string): void {
  const stat = fs.statSync(root);
  if ((stat.mode & 0o077) === 0 || stat.uid !== process.geteuid?.()) return;
  if (fs.readdirSync(root).length === 0) fs.chmodSync(root, 0o700);
}

async function tryWrite(files: StateFiles, root: string): Promise<void> {
  const probe = path.join(root, `.write-${randomBytes(6).toString('hex')}.tmp`);
  const fd = await files.open(probe, 'wx');
  try {
    await closeAfter(files, fd, async () => {
      await writeFully(files, fd, Buffer.from('auditail\n'));
      await files.sync(fd);
    });
  } finally {
    await files.remove(probe);
  }
}

/** Creates a directory below the root and makes each name on the way to it durable. */
async function make(files: StateFiles, root: string, directory: string): Promise<string> {
  try {
    await files.makeDirectory(directory);
    for (let at = directory; at !== root; at = path.dirname(at)) await syncDirectory(files, path.dirname(at));
  } catch (error) {
    throw unwritable(directory, error);
  }
  return directory;
}
