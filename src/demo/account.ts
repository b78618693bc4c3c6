import { styleText } from 'node:util';
import { count } from './display.ts';
import { MAX_IN_FLIGHT, type Scene } from './scene.ts';

/** How the demo came out: the balance as lines to print, and whether it holds. */
export interface Account {
  readonly lines: readonly string[];
  readonly holds: boolean;
}

/** A batch goes to Loki in one request for each audit level: Metadata, Request, RequestResponse. */
const LOKI_REQUESTS = 3;

/**
 * Holds what each receiver has against what was written, by the content of the events. Elasticsearch must have none
 * twice. Loki and HTTP cannot tell a copy; they may have twice only what was in flight when the agent was killed.
 */
export function account(scene: Scene, kills: number): Account {
  const heading = ['', 'written', 'delivered', 'lost', 'changed', 'twice'];
  const rows = scene.endpoints.map(({ title, endpoint }) => {
    const balance = endpoint.tally.against(scene.written);
    const requests = endpoint === scene.receiver.loki ? LOKI_REQUESTS : 1;
    const inFlight = kills * MAX_IN_FLIGHT * requests * endpoint.largestRequest;
    const allowed = endpoint === scene.receiver.elasticsearch ? 0 : inFlight;
    const holds = balance.missing.length === 0 && balance.foreign.length === 0 && balance.repeated <= allowed;
    const delivered = scene.written.size - balance.missing.length;
    const numbers = [scene.written.size, delivered, balance.missing.length, balance.foreign.length, balance.repeated];
    const remark =
      endpoint === scene.receiver.elasticsearch
        ? `${count(endpoint.conflicts)} sent again after the kill, known by their ids`
        : `sent again after the kill; up to ${count(inFlight)} may have been in flight`;
    return { holds, cells: [title, ...numbers.map(count)], remark };
  });
  const holds = rows.every((row) => row.holds);
  return {
    holds,
    lines: [
      '',
      styleText('bold', line(heading)),
      ...rows.map((row) => `${styleText(row.holds ? 'green' : 'red', line(row.cells))}   ${row.remark}`),
      '',
      holds
        ? styleText(
            'green',
            'Every event arrived at all three, whole. Nothing was lost, and Elasticsearch has nothing twice.',
          )
        : styleText('red', 'The balance does not hold. Please report this.'),
    ],
  };
}

function line(cells: readonly string[]): string {
  return cells.map((cell, column) => (column === 0 ? cell.padEnd(15) : cell.padStart(10))).join('');
}
