import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { stringify } from 'yaml';
import { auditail } from '../cli/fake-terminal.ts';
import { Agent } from '../support/agent.ts';
import { startApiServer } from '../support/kube-apiserver.ts';
import { startLoki } from '../support/real-loki.ts';
import { startOpenSearch } from '../support/real-opensearch.ts';
import { ask } from '../support/real-receiver.ts';
import { shared } from '../support/shared.ts';

const folders = {
  apiServer: shared('servers/kube-apiserver'),
  openSearch: shared('servers/opensearch'),
  loki: shared('servers/loki'),
};
const skipped = Object.values(folders).includes(undefined);
const title = 'reconcile before a real API server, OpenSearch and Loki';

describe.skipIf(skipped)(skipped ? `${title} (skipped: the servers are not there to start)` : title, () => {
  test('all counts agree, and an event that is removed from the index is missed', async () => {
    const server = await startApiServer(folders.apiServer ?? '', { AUDIT_MAXSIZE: '1', AUDIT_POLICY: 'all' });
    onTestFinished(() => server.stop());
    const openSearch = await startOpenSearch(folders.openSearch ?? '');
    onTestFinished(() => openSearch.stop());
    const loki = await startLoki(folders.loki ?? '');
    onTestFinished(() => loki.stop());

    const stateDirectory = join(server.directory, 'state');
    const configFile = join(server.directory, 'auditail.yaml');
    const tokenFile = join(server.directory, 'token');
    writeFileSync(tokenFile, 'admin-token');
    const search = await openSearch.prepare('reconciled');
    const drop = [{ name: 'leases', when: 'objectRef.resource == "leases"' }];
    writeFileSync(
      configFile,
      stringify({
        stateDirectory,
        sources: [{ name: 'api', type: 'file', path: server.auditLog, retain: { minFree: '0%' } }],
        outputs: [
          { name: 'search', ...search, filter: { drop } },
          { name: 'logs', ...(await loki.prepare('reconciled')), filter: { redact: { enabled: false } } },
        ],
        telemetry: { listen: 'off' },
      }),
    );
    const agent = new Agent({ configFile, stateDirectory, bytesWritten: () => 0 });
    agent.start();
    onTestFinished(async () => {
      if (agent.running) await agent.kill();
    });
    for (let at = 0; at < 300; at += 1) {
      const data = { text: 'x'.repeat(5000) };
      const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `made-${at}` }, data };
      await server.send('POST', '/api/v1/namespaces/default/configmaps', object);
    }
    await agent.waitFor('files that were rotated', async () => ((await agent.status())?.sources[0]?.segments ?? 0) > 2);

    const args = ['reconcile', '--config', configFile, '--api-server', server.url];
    const api = ['--api-token', tokenFile, '--api-insecure'];
    const agreed = await auditail([...args, ...api, '--wait', '60s']);
    process.stderr.write(`${agreed.out}${agreed.error}`);
    expect([agreed.exit, agreed.out]).toEqual([0, expect.not.stringContaining('differs')]);
    expect(agreed.out.match(/^agrees/gm)).toHaveLength(4);

    // Without rights it says so, and what else there is to compare is compared.
    const anonymous = await auditail([...args, '--api-insecure', '--wait', '1s']);
    expect(anonymous.out).toContain('unknown  the API server could not be asked: HTTP 403');
    const unknown = await auditail([...args, '--api-token', tokenFile, '--wait', '1s']);
    expect(unknown.out).toContain('unknown  the API server could not be asked: no answer (tls)');

    const index = `${String(search['url'])}/reconciled`;
    const { hits } = (await ask('POST', `${index}/_search`, { size: 1, _source: false })) as unknown as {
      hits: { hits: { _id: string }[] };
    };
    await ask('DELETE', `${index}/_doc/${hits.hits[0]?._id}`);
    const missed = await auditail([...args, ...api, '--wait', '60s']);
    expect([missed.exit, missed.out]).toEqual([
      3,
      expect.stringMatching(/^differs {2}search delivered .* its receiver has/m),
    ]);
  });
});
