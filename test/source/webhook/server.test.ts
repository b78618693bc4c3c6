import { expect, it } from 'vitest';
import { configSchema, type WebhookSourceConfig } from '../../../src/config/schema.ts';
import { Credentials } from '../../../src/source/webhook/credentials.ts';
import { WebhookServer } from '../../../src/source/webhook/server.ts';
import { freePort } from '../../support/free-port.ts';

it('acknowledges nothing where a post cannot be handled, says so, and goes on', async () => {
  const listen = `127.0.0.1:${await freePort()}`;
  const sources = [{ name: 'hook', type: 'webhook', listen }];
  const [config] = configSchema.parse({ sources, outputs: [{ name: 'o', type: 'stdout' }] }).sources;
  const said: string[] = [];
  let posts = 0;
  const server = new WebhookServer({
    config: config as WebhookSourceConfig,
    credentials: new Credentials(config as WebhookSourceConfig),
    headMs: 1000,
    refused: (kind, words) => void said.push(`${kind}: ${words}`),
    handle: async (_, response) => {
      posts += 1;
      if (posts === 1) throw new RangeError('out of memory');
      response.end();
    },
  });
  await server.listen();
  const post = () => fetch(`http://${listen}/`, { method: 'POST', body: '{}', headers: { connection: 'close' } });
  await expect(post()).rejects.toThrow();
  expect((await post()).status).toBe(200);
  expect(said).toEqual(['webhook-fault: out of memory']);
  await server.close(0);
});
