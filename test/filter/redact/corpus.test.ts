import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { EventView } from '../../../src/event/event-view.ts';
import { applySplices } from '../../../src/event/splice.ts';
import { Edits } from '../../../src/filter/edits.ts';
import { createRedactor } from '../../../src/filter/redact/redactor.ts';
import { shared } from '../../support/shared.ts';
import { differences } from './alike.ts';
import { config, stringsOf } from './redacting.ts';
import { secretsIn } from './secrets-in.ts';

/** Cheap signs that an event may hold something secret, or has been changed; the others are compared as bytes only. */
const WORTH_A_LOOK = /secret|token|password|eyJ|bearer|stringData|last-applied/i;

interface Told {
  events: number;
  changed: number;
  secrets: number;
}

/** Redacts a trail, and throws where a secret goes out or something else does not. */
function redactAll(bytes: Buffer): Told {
  const told: Told = { events: 0, changed: 0, secrets: 0 };
  const redactor = createRedactor(config(true, []));
  const [view, edits, scratch] = [new EventView(), new Edits(), { bytes: Buffer.alloc(0) }];
  for (let start = 0; start < bytes.length; ) {
    const lineFeed = bytes.indexOf(0x0a, start);
    const end = lineFeed === -1 ? bytes.length : lineFeed;
    if (view.read(bytes, start, end) === null) {
      told.events += 1;
      redactor.find(view, edits);
      const splices = edits.take(view);
      const line = bytes.toString('utf8', view.start, view.end);
      if (splices !== null || WORTH_A_LOOK.test(line)) {
        const length = splices === null ? 0 : applySplices(bytes, view.start, view.end, splices, scratch);
        const out = splices === null ? line : scratch.bytes.toString('utf8', 0, length);
        told.secrets += compare(
          JSON.parse(line) as Record<string, unknown>,
          JSON.parse(out) as Record<string, unknown>,
        );
        if (splices !== null) told.changed += 1;
      }
    }
    start = end + 1;
  }
  return told;
}

/** How many secret values there were; none of them went out. */
function compare(before: Record<string, unknown>, after: Record<string, unknown>): number {
  const secrets = secretsIn(before);
  const strings = stringsOf(after);
  for (const secret of secrets) {
    if (strings.some((text) => text.includes(secret))) throw new Error(`${secret} went out: ${JSON.stringify(after)}`);
  }
  const { annotations: had, ...bare } = before;
  const { annotations: has, ...out } = after;
  const { 'auditail.io/redacted': marks, ...others } = (has ?? {}) as Record<string, unknown>;
  const wrong = differences({ ...bare, had: had ?? {} }, { ...out, had: others }, () => marks !== undefined);
  if (wrong.length > 0) throw new Error(wrong.join('\n'));
  return secrets.size;
}

test('of what a real API server wrote of Secrets, tokens and failures, nothing secret goes out', () => {
  const bytes = readFileSync(join(import.meta.dirname, '../../fixtures/events/secrets.log'));
  const told = redactAll(bytes);
  expect(told).toEqual({ events: 33, changed: 28, secrets: 67 });
});

/** How often something is shown that is to stay; what failures quote goes as a whole. */
function shown(line: string): number {
  const { requestObject, responseObject } = JSON.parse(line) as Record<string, { readonly kind?: string }>;
  return (
    JSON.stringify([requestObject, responseObject?.kind === 'Status' ? null : responseObject]).split('keepme').length -
    1
  );
}

test('nothing of it goes out in base64 or in a failure either', () => {
  // All values that were secret there begin with one word; names, labels and configuration say that they are to stay.
  const bytes = readFileSync(join(import.meta.dirname, '../../fixtures/events/secrets.log'));
  const [view, edits, scratch] = [new EventView(), new Edits(), { bytes: Buffer.alloc(0) }];
  const redactor = createRedactor(config(true, []));
  const kept = { before: 0, after: 0 };
  for (const line of bytes.toString().trimEnd().split('\n')) {
    const own = Buffer.from(line);
    expect(view.read(own, 0, own.length)).toBeNull();
    redactor.find(view, edits);
    const length = applySplices(own, 0, own.length, edits.take(view) ?? [], scratch);
    const out = scratch.bytes.toString('utf8', 0, length);
    expect(out).not.toMatch(/hunter2|aHVudGVyM|H4sI/);
    kept.before += shown(line);
    kept.after += shown(out);
  }
  expect(kept.after).toBe(kept.before);
});

describe.each(['sample.log', 'odd-bytes.log', 'torn-enospc.log'])('the recorded trail %s', (name) => {
  const path = shared(`corpus/${name}`);
  test.skipIf(path === undefined)('lets nothing secret out (skipped where the corpus is not there)', () => {
    expect(redactAll(readFileSync(path as string)).events).toBeGreaterThan(0);
  });
});

const rotated = shared('corpus/rotated-gz/audit-2026-11-23T05-04-24.987.log.gz');
test.skipIf(rotated === undefined)(
  'a compressed backup lets nothing secret out (skipped where the corpus is not there)',
  () => {
    expect(redactAll(gunzipSync(readFileSync(rotated as string))).events).toBeGreaterThan(0);
  },
);

const mixed = shared('corpus/mixed.log.zst');
test.skipIf(mixed === undefined)(
  'a large trail lets nothing secret out (skipped where the corpus is not there)',
  () => {
    const told = redactAll(zstdDecompressSync(readFileSync(mixed as string)));
    expect(told).toMatchObject({ events: 64_389, changed: 62 });
  },
  120_000,
);
