import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../errors.ts';
import type { Logger } from 'pino';
import type { Supervisor } from './supervisor.ts';
import type { WatchedFiles } from './watched-files.ts';

/** A change is taken at the second look that finds the files the same. */
const LOOK_MS = 2000;

/** Has the configuration read anew when its files change, until the signal comes. */
export async function watchConfiguration(
  supervisor: Pick<Supervisor, 'files' | 'reload'>,
  watched: WatchedFiles,
  { signal, logger, lookMs = LOOK_MS }: { signal: AbortSignal; logger: Logger; lookMs?: number },
): Promise<void> {
  while (!signal.aborted) {
    try {
      await sleep(lookMs, undefined, { signal, ref: false });
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    try {
      if (!(await watched.haveChanged())) continue;
      // Before they are read: what changes from here on is seen at the next look.
      await watched.take();
      await supervisor.reload();
      await watched.watch(supervisor.files);
    } catch (error) {
      logger.error({ reason: messageOf(error) }, 'the files of the configuration could not be looked at');
    }
  }
}
