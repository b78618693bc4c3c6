/**
 * The measurements of a benchmark, in a file of JSON lines: each is there as soon as it was taken, so that a run that is
 * broken off leaves what it has, and one that is started again with `--add` goes on with it.
 */
import { appendFileSync, existsSync, readFileSync, rmSync } from 'node:fs';
import type { Machine } from '../machine.ts';
import type { Results } from '../targets.ts';

/** Once for each time the benchmark is started. */
export interface Run extends Machine {
  readonly command: string;
  readonly trail: { readonly bytes: number; readonly lines: number; readonly kept: Readonly<Record<string, number>> };
  /** By name. */
  readonly programs: Readonly<Record<string, string>>;
  /** How each shipper is called, by its name. */
  readonly commands: Readonly<Record<string, string>>;
}

export interface Measurement {
  readonly scenario: string;
  readonly id: string;
  readonly name: string;
  /** Null where it came to no end; `error` says why. */
  readonly figures: Readonly<Record<string, number>> | null;
  readonly error?: string;
  /** What others took of the processors meanwhile, as a share of all of them. */
  readonly others: number;
}

type Line = { readonly run: Run } | { readonly measurement: Measurement };

export class BenchRecord {
  readonly #path: string;
  readonly runs: Run[] = [];
  readonly measurements: Measurement[] = [];

  /** `add`: goes on with what the file has. */
  constructor(path: string, add: boolean) {
    this.#path = path;
    if (!add) rmSync(path, { force: true });
    if (!existsSync(path)) return;
    const lines = readFileSync(path, 'utf8').split('\n');
    for (const line of lines.filter((text) => text !== '')) this.#take(JSON.parse(line) as Line);
  }

  begin(run: Run): void {
    this.#write({ run });
  }

  note(measurement: Measurement): void {
    this.#write({ measurement });
  }

  /** By scenario and shipper, in the order in which they came first. */
  results(): Results {
    const results: Record<string, { id: string; name: string; figures: Readonly<Record<string, number>>[] }[]> = {};
    for (const { scenario, id, name, figures } of this.measurements) {
      const rows = (results[scenario] ??= []);
      let row = rows.find((one) => one.id === id);
      if (row === undefined) rows.push((row = { id, name, figures: [] }));
      if (figures !== null) row.figures.push(figures);
    }
    return results;
  }

  failures(scenario: string, id: string): number {
    return this.measurements.filter((one) => one.scenario === scenario && one.id === id && one.figures === null).length;
  }

  #write(line: Line): void {
    this.#take(line);
    appendFileSync(this.#path, `${JSON.stringify(line)}\n`);
  }

  #take(line: Line): void {
    if ('run' in line) this.runs.push(line.run);
    else this.measurements.push(line.measurement);
  }
}
