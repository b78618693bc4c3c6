import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import type { Told } from '../../src/alert/receiver.ts';
import { openReceiver } from '../../src/alerting.ts';
import { alertReceiverSchema } from '../../src/config/alert-schema.ts';
import { configSchema } from '../../src/config/schema.ts';
import { EventView } from '../../src/event/event-view.ts';
import { type Reply, startReceiver } from '../output/support/receiver.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { notification } from './notifications.ts';

const NOW = { userAgent: 'auditail/test', logger: pino({ level: 'silent' }) };
const LIVE = new AbortController().signal;

async function tell(type: string, reply: Reply, more: object = {}) {
  await using receiver = await startReceiver(() => reply);
  const config = alertReceiverSchema.parse({ name: 'r', type, url: `${receiver.url}/base/hook`, ...more });
  const opened = openReceiver(config, { outputs: [], metadata: { cluster: 'prod' } }, NOW);
  const told = await opened.tell(notification(), LIVE);
  await opened.close();
  return { told, received: receiver.received };
}

const ANSWERS: readonly (readonly [Reply, Told['outcome']])[] = [
  [{ status: 200 }, 'told'],
  [{ status: 204 }, 'told'],
  [{ status: 500, body: 'oops' }, 'retry'],
  [{ status: 429, headers: { 'retry-after': '7' } }, 'retry'],
  [{ status: 302, headers: { location: 'https://elsewhere' } }, 'hold'],
  [{ status: 401 }, 'hold'],
  [{ status: 404, body: 'no_team' }, 'hold'],
  [{ status: 400, body: 'invalid_payload' }, 'refused'],
];

describe.each(['webhook', 'alertmanager', 'slack'])('%s', (type) => {
  test.each(ANSWERS)('takes the answer %j as %s', async (reply, outcome) => {
    const { told } = await tell(type, reply);
    expect(told.outcome).toBe(outcome);
    if (reply.status === 429) expect(told).toMatchObject({ retryAfterMs: 7000 });
  });

  test('waits for a receiver that is not there', async () => {
    const config = alertReceiverSchema.parse({ name: 'r', type, url: 'http://127.0.0.1:9/x' });
    const opened = openReceiver(config, { outputs: [], metadata: {} }, NOW);
    expect(await opened.tell(notification(), LIVE)).toMatchObject({ outcome: 'retry', reason: 'refused' });
    await opened.close();
  });
});

test('a webhook gets one document, and the same key whenever it is sent', async () => {
  const { received } = await tell('webhook', { status: 200 });
  expect(received[0]).toMatchObject({ method: 'POST', url: '/base/hook' });
  expect(received[0]?.headers).toMatchObject({
    'content-type': 'application/json',
    'idempotency-key': '0123456789abcdef0123456789abcdef',
  });
  expect(JSON.parse(received[0]?.body.toString() ?? '')).toMatchObject({
    version: 1,
    status: 'firing',
    rule: 'exec-into-pod',
    cluster: 'prod',
    summary: 'eve ran a command in <!channel> *db* "x"',
    startsAt: '2026-11-23T10:00:00.000Z',
    group: { 'user.username': 'eve' },
    events: [{ auditID: 'x-1' }],
  });
});

test('Alertmanager gets the alert by its labels, and it lasts until the next word of it', async () => {
  const { received } = await tell('alertmanager', { status: 200 });
  expect(received[0]?.url).toBe('/base/hook/api/v2/alerts');
  const [alert] = JSON.parse(received[0]?.body.toString() ?? '') as { labels: unknown; endsAt: string }[];
  expect(alert?.labels).toEqual({
    alertname: 'exec-into-pod',
    severity: 'high',
    source: 'audit',
    team: 'sec',
    cluster: 'prod',
    user_username: 'eve',
    objectRef_namespace: 'shop',
  });
  const lastsMs = Date.parse(alert?.endsAt ?? '') - Date.now();
  expect(lastsMs).toBeGreaterThan(3_600_000);
  expect(lastsMs).toBeLessThan(3_900_000);
});

test('Slack gets text in which nothing of the event acts', async () => {
  const { received } = await tell('slack', { status: 200, body: 'ok' });
  const { text } = JSON.parse(received[0]?.body.toString() ?? '') as { text: string };
  expect(text).toContain('*exec-into-pod* (high)');
  expect(text).not.toContain('<!channel>');
  expect(text).toContain('*What to do:* Ask them &amp; look.');
  expect(text).toContain('<https://example.test/exec|runbook>');
});

test('the address of a Slack webhook may stand in a variable', async () => {
  await using receiver = await startReceiver(() => ({ status: 200 }));
  process.env['AUDITAIL_TEST_SLACK'] = `${receiver.url}/services/T/B/x`;
  const config = alertReceiverSchema.parse({ name: 'r', type: 'slack', url: { env: 'AUDITAIL_TEST_SLACK' } });
  const opened = openReceiver(config, { outputs: [], metadata: {} }, NOW);
  expect(await opened.tell(notification(), LIVE)).toEqual({ outcome: 'told' });
  await opened.close();
  expect(receiver.received[0]?.url).toBe('/services/T/B/x');
  delete process.env['AUDITAIL_TEST_SLACK'];
});

test('an output of the agent gets the alert as an event of its own', async () => {
  const path = join(temporaryDirectory(), 'alerts.log');
  const { outputs } = configSchema.parse({
    sources: [{ name: 'kube', type: 'file', path: '/x' }],
    outputs: [{ name: 'store', type: 'file', path }],
  });
  const config = alertReceiverSchema.parse({ name: 'r', type: 'output', output: 'store' });
  const opened = openReceiver(config, { outputs, metadata: {} }, NOW);
  expect(await opened.tell(notification(), LIVE)).toEqual({ outcome: 'told' });
  await opened.close();
  const bytes = readFileSync(path);
  expect(new EventView().read(bytes, 0, bytes.length)).toBeNull();
  expect(JSON.parse(bytes.toString())).toMatchObject({
    verb: 'alert',
    user: { username: 'eve' },
    objectRef: { resource: 'pods', subresource: 'exec', namespace: 'shop' },
    stageTimestamp: '2026-11-23T10:00:05.000Z',
    annotations: { 'alert.auditail.io/rule': 'exec-into-pod', 'alert.auditail.io/auditIDs': 'x-1' },
  });
});
