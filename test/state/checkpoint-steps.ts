import type { CheckpointStore } from '../../src/state/checkpoint-store.ts';
import { checkpointOf } from './samples.ts';

export interface Progress {
  /** The newest step that a note or a save has confirmed. */
  confirmed: number;
  /** The newest step that was passed in. */
  passedIn: number;
  readonly errors: string[];
}

/** Notes and saves by turns, and at once, as a pipeline does; goes on after errors. */
export async function runSteps(store: CheckpointStore, progress: Progress, confirmed?: () => void): Promise<void> {
  function confirm(step: number): void {
    progress.confirmed = Math.max(progress.confirmed, step);
    confirmed?.();
  }
  function fail(error: unknown): void {
    progress.errors.push(String(error));
  }
  function note(step: number): void {
    progress.passedIn = step;
    try {
      store.note(checkpointOf(step));
      confirm(step);
    } catch (error) {
      fail(error);
    }
  }
  async function save(step: number): Promise<void> {
    progress.passedIn = step;
    await store.save(checkpointOf(step)).then(() => confirm(step), fail);
  }
  try {
    await store.load();
  } catch (error) {
    fail(error);
    await store.load().catch(() => undefined);
  }
  note(1);
  await save(2);
  note(3);
  const saving = save(4);
  note(5);
  await saving;
  note(6);
  await Promise.all([save(7), save(8)]);
  note(9);
  note(10);
  try {
    await store.close();
  } catch (error) {
    fail(error);
  }
}
