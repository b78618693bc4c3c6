import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { createHttpOutput } from '../../../src/output/http/http.ts';
import { createTransport } from '../../../src/output/http-transport.ts';
import { deliver } from '../../../src/pipeline/delivery.ts';
import { Evidence } from '../../../src/pipeline/evidence.ts';
import { type AuditWebhook, startAuditWebhook } from '../../support/audit-webhook.ts';
import { auditLine, batchOf } from '../support/batch.ts';
import { outputConfig } from '../support/network-output.ts';

const RECORDED = readFileSync(new URL('../../fixtures/events.log', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n');

/** Delivers the lines as a pipeline does, but without its waits. */
async function ship(webhook: AuditWebhook, lines: readonly string[], settings: Readonly<Record<string, unknown>>) {
  const config = outputConfig('http', { url: webhook.url, ...settings });
  const output = createHttpOutput(config, {}, createTransport(config, { userAgent: 'auditail/test', environment: {} }));
  const batch = batchOf(output, lines);
  const never = new AbortController().signal;
  const context = {
    output,
    retry: { initialDelay: 1, maxDelay: 1 },
    evidence: new Evidence(),
    random: () => 0.5,
    answered: () => undefined,
    waiting: () => undefined,
    suspect: () => undefined,
    tooLarge: () => undefined,
    ordered: false,
    batch: async () => batch,
    sleep: async () => undefined,
  };
  const delivered = await deliver(batch.count, context, never);
  await output.close();
  return delivered;
}

function ids(events: readonly { readonly auditID?: unknown }[]): readonly unknown[] {
  return events.map(({ auditID }) => auditID);
}

it.each(['eventList', 'event', 'json'])('gives a webhook like that of Falco recorded events as %s', async (format) => {
  await using webhook = await startAuditWebhook();
  expect((await ship(webhook, RECORDED, { format, batch: { maxInFlight: 1 } })).rejected).toEqual([]);
  expect(webhook.dropped).toEqual([]);
  expect(webhook.events).toEqual(RECORDED.map((line) => JSON.parse(line) as unknown));
});

it('splits what the webhook calls a bad request for its size, and sets aside the one event that is too large', async () => {
  await using webhook = await startAuditWebhook({ maxBatchBytes: 4000, maxEventBytes: 262_144 });
  const lines = Array.from({ length: 20 }, (_, at) =>
    auditLine({ auditID: `e${at}`, requestURI: at === 7 ? '/x'.repeat(3000) : '/' }),
  );
  const { rejected } = await ship(webhook, lines, { format: 'eventList' });
  expect(rejected.map(({ item, words }) => [item, words])).toEqual([[7, 'bad request: http: request body too large']]);
  expect(ids(webhook.events).toSorted()).toEqual(
    ids(lines.map((line) => JSON.parse(line)))
      .toSpliced(7, 1)
      .toSorted(),
  );
});

it('would lose a packed body behind a 200, as would lines: the documentation says what to set', async () => {
  await using webhook = await startAuditWebhook();
  await ship(webhook, [auditLine()], { format: 'eventList', compression: 'gzip' });
  expect(webhook).toMatchObject({ events: [], dropped: ['no JSON'] });
  const text = readFileSync(new URL('../../../docs/outputs.md', import.meta.url), 'utf8').replaceAll(/\s+/g, ' ');
  expect(text).toContain('Falco takes no packed body: leave `compression` at `none`.');
});
