import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StdinSourceConfig } from '../config/schema.ts';
import { messageOf } from '../errors.ts';
import { maxHeldFiles } from '../log/descriptors.ts';
import { LOG_FILES } from '../log/files.ts';
import { Log, type Anomaly } from '../log/log.ts';
import type { EventReference } from '../log/loss.ts';
import { Anomalies, logStatus } from './log-status.ts';
import type { Source } from './source.ts';
import { Spool } from './spool.ts';

export interface StdinSourceOptions {
  readonly config: StdinSourceConfig;
  readonly stateDirectory: string;
  readonly input: Readable;
  reference(line: Buffer): EventReference | null;
  readonly anomaly: Anomaly;
}

const SEGMENT_BYTES = 16 * 1024 * 1024;
const SYNC_MS = 1000;
const RETRY_MS = 500;

/**
 * A pipe: `kube-apiserver --audit-log-path=- | auditail --stdin`. Its bytes go to a spool at once, so that a slow
 * output does not block the API server; the spool is then followed like any log.
 */
export function createStdinSource({ config, stateDirectory, input, reference, anomaly }: StdinSourceOptions): Source {
  const anomalies = new Anomalies();
  const spool = new Spool(join(stateDirectory, 'spool', config.name, 'audit.log'), SEGMENT_BYTES);
  const note: Anomaly = (kind, words, fields) => {
    anomalies.count(kind);
    anomaly(kind, words, fields);
  };
  const log = new Log({
    name: config.name,
    path: spool.path,
    files: LOG_FILES,
    stateDirectory,
    pins: false,
    spool: true,
    retention: { maxBytes: Number.MAX_SAFE_INTEGER, minFree: { bytes: 0 } },
    maxHeldFiles: maxHeldFiles(),
    reference,
    anomaly: note,
  });
  const room = async (needed: number, signal: AbortSignal) => {
    for (let told = false; !signal.aborted && spooledBytes(log) + needed > config.spool.maxBytes; ) {
      if (!told) note('spool-full', 'the spool is full', { maxBytes: config.spool.maxBytes, whenFull: config.spool.whenFull });
      told = true;
      if (config.spool.whenFull === 'dropOldest') {
        if (!(await log.dropOldest())) await spool.rotate();
        await log.refresh(true);
      } else await log.pulse.wait(RETRY_MS, signal);
    }
  };
  return {
    name: config.name,
    type: config.type,
    origin: '-',
    log,
    follow: async (signal) => {
      await spool.open();
      await log.refresh(true);
      const syncing = syncRegularly(spool, note, signal);
      const stop = () => input.destroy();
      signal.addEventListener('abort', stop, { once: true });
      try {
        for await (const chunk of input) {
          await room((chunk as Buffer).length, signal);
          await appendUntilDone(spool, chunk as Buffer, note, signal);
          await log.refresh();
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        signal.removeEventListener('abort', stop);
        await spool.close();
        await log.refresh(true);
        await syncing.stop();
      }
    },
    status: () => logStatus(config.name, config.type, '-', log, anomalies),
  };
}

function spooledBytes(log: Log): number {
  return log.segments.reduce((sum, segment) => sum + (segment.gone === null ? segment.size : 0), 0);
}

/** A full disk makes the pipe wait; nothing is dropped for it. */
async function appendUntilDone(spool: Spool, chunk: Buffer, note: Anomaly, signal: AbortSignal): Promise<void> {
  for (let told = false; !signal.aborted; told = true) {
    try {
      await spool.append(chunk);
      return;
    } catch (error) {
      if (!told) note('spool-unwritable', 'the spool cannot be written: the pipe waits', { reason: messageOf(error) });
      await sleep(RETRY_MS);
    }
  }
}

function syncRegularly(spool: Spool, note: Anomaly, signal: AbortSignal): { stop(): Promise<void> } {
  const ended = new AbortController();
  const either = AbortSignal.any([signal, ended.signal]);
  const running = (async () => {
    while (!either.aborted) {
      await sleep(SYNC_MS, undefined, { signal: either }).catch(() => undefined);
      try {
        await spool.sync();
      } catch (error) {
        note('spool-unsynced', 'the spool could not be forced to disk', { reason: messageOf(error) });
      }
    }
  })();
  return {
    stop: async () => {
      ended.abort();
      await running;
    },
  };
}
