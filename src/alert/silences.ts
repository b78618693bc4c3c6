import type { Engine, Input } from './engine.ts';

type Tick = Extract<Input, { type: 'tick' }>;

/** Notices that events of a kind stay away while the clock goes on. A clock that is set changes nothing of that. */
export class Silences {
  readonly #engine: Engine;
  /** By rule: the last event that was seen (its time), and when that was noticed, by the clock that is never set. */
  readonly #seen = new Map<string, { readonly timeMs: number | undefined; readonly atMs: number }>();
  readonly #silent = new Set<string>();
  #beganMs = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  begin(monotonicMs: number): void {
    this.#beganMs = monotonicMs;
    for (const [name, state] of this.#engine.states) {
      if (this.#isSilence(name) && state.alerts.size > 0) this.#silent.add(name);
    }
  }

  /** Rules that fall silent now, and those that are heard again. */
  look(monotonicMs: number, nowMs: number, caughtUp: boolean): Pick<Tick, 'silent' | 'heard'> {
    const silent: { rule: string; sinceMs: number }[] = [];
    const heard: string[] = [];
    for (const { name, kind } of this.#engine.rules) {
      if (kind.type !== 'silence') continue;
      const timeMs = this.#engine.watch.lastSeenOf(name);
      let seen = this.#seen.get(name);
      if (seen === undefined || seen.timeMs !== timeMs) {
        // Before the first look nobody knows when it came: the silence counts from the beginning.
        if (seen !== undefined && this.#silent.delete(name)) heard.push(name);
        seen = { timeMs, atMs: seen === undefined ? this.#beganMs : monotonicMs };
        this.#seen.set(name, seen);
      }
      // As long as there is something to read, what is missed may be in it.
      if (!caughtUp) this.#seen.set(name, { ...seen, atMs: Math.max(seen.atMs, monotonicMs - kind.forMs + 1000) });
      else if (monotonicMs - seen.atMs >= kind.forMs && !this.#silent.has(name)) {
        this.#silent.add(name);
        silent.push({ rule: name, sinceMs: timeMs ?? nowMs - (monotonicMs - seen.atMs) });
      }
    }
    return { silent, heard };
  }

  #isSilence(name: string): boolean {
    return this.#engine.rules.some((rule) => rule.name === name && rule.kind.type === 'silence');
  }
}
