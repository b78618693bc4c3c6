import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { sourceSchema } from '../../src/config/source-schema.ts';
import type { FileSourceConfig, WebhookSourceConfig } from '../../src/config/schema.ts';
import { checkCri } from '../../src/inspect/check-cri.ts';
import { checkWebhook } from '../../src/inspect/check-webhook.ts';
import { REPOSITORY } from '../support/source-files.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const TLS = join(REPOSITORY, 'test/fixtures/tls');

function webhook(tls?: object): WebhookSourceConfig {
  return sourceSchema.parse({ name: 'hook', type: 'webhook', listen: '127.0.0.1:9444', tls }) as WebhookSourceConfig;
}

function container(path: string): FileSourceConfig {
  return sourceSchema.parse({ name: 'api', type: 'file', format: 'cri', path }) as FileSourceConfig;
}

it('says where a webhook listens, and how long its certificate is good', async () => {
  const files = { cert: join(TLS, 'server.pem'), key: join(TLS, 'server.key') };
  expect(await checkWebhook(webhook())).toEqual([{ level: 'ok', text: 'takes posts on http://127.0.0.1:9444' }]);
  expect(await checkWebhook(webhook(files))).toMatchObject([
    { level: 'ok', text: expect.stringContaining('127.0.0.1') },
  ]);
  const late = Date.parse('2300-01-01');
  expect(await checkWebhook(webhook(files), late)).toMatchObject([
    { level: 'error', text: expect.stringContaining('expired') },
  ]);
  const missing = { ...files, key: join(TLS, 'none.key') };
  expect(await checkWebhook(webhook(missing))).toMatchObject([
    { level: 'error', text: expect.stringContaining('none.key') },
  ]);
  const other = { ...files, key: join(TLS, 'wrong-name.key') };
  expect(await checkWebhook(webhook(other))).toMatchObject([{ level: 'error', text: expect.stringContaining('fit') }]);
});

it("says what there is of a container's log", async () => {
  const root = temporaryDirectory();
  const pattern = join(root, 'kube-system_kube-apiserver-*/kube-apiserver/*.log');
  expect(await checkCri(container(pattern))).toMatchObject([
    { level: 'warning', text: expect.stringContaining('no file') },
  ]);
  const directory = join(root, 'kube-system_kube-apiserver-node_1/kube-apiserver');
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, '0.log.20261123-044526'), '');
  writeFileSync(join(directory, '0.log'), '');
  expect(await checkCri(container(pattern))).toMatchObject([
    { level: 'ok', text: expect.stringContaining('one live file, 1 that are closed') },
  ]);
});
