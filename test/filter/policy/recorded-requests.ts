import { createServer } from 'node:https';
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { Agent, request } from 'undici';
import type { ApiServer } from '../../support/kube-apiserver.ts';

const GROUP = 'shop.example.com';
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';
const PARTIAL_LIST = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';
const OWNED = [{ manager: 'somebody', operation: 'Update', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: {} }];

interface Options {
  readonly body?: unknown;
  readonly type?: string;
  readonly accept?: string;
  readonly token?: string;
}

/**
 * Sends the same requests in the same order to an API server, each with an audit id of its own, so that what two servers
 * of different policies record of them can be compared: every kind of body that the API server records.
 */
export async function sendRecordedRequests({ url, directory }: ApiServer): Promise<void> {
  const tls = new Agent({ connect: { rejectUnauthorized: false } });
  let count = 0;
  async function send(method: string, path: string, { body, type, accept, token }: Options = {}): Promise<unknown> {
    count += 1;
    const reply = await request(`${url}${path}`, {
      method: method as 'GET',
      dispatcher: tls,
      headers: {
        authorization: `Bearer ${token ?? 'admin-token'}`,
        'content-type': type ?? 'application/json',
        accept: accept ?? 'application/json',
        'audit-id': `request-${String(count).padStart(2, '0')}`,
        'user-agent': 'recorded',
      },
      body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await reply.body.text();
    return text.startsWith('{') && !text.includes('\n{') ? JSON.parse(text) : text;
  }
  const maps = '/api/v1/namespaces/shop/configmaps';
  const webhook = await startWebhook(join(directory, 'pki'));
  try {
    await send('GET', '/version');
    await send('POST', '/api/v1/namespaces', { body: { metadata: { name: 'shop' } } });
    const map = { metadata: { name: 'prices', managedFields: OWNED }, data: { apple: '"managedFields":[1]' } };
    await send('POST', maps, { body: map });
    const stored = (await send('GET', `${maps}/prices`)) as { data: Record<string, string> };
    await send('PUT', `${maps}/prices`, { body: { ...stored, data: { ...stored.data, pear: '2' } } });
    const patch = { metadata: { managedFields: [], labels: { a: 'b' } }, data: { managedFields: 'x' } };
    await send('PATCH', `${maps}/prices`, { body: patch, type: 'application/merge-patch+json' });
    const applied = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'applied' },
      data: { managedFields: 'y' },
    };
    await send('PATCH', `${maps}/applied?fieldManager=me`, { body: applied, type: 'application/apply-patch+yaml' });
    await send('POST', maps, { body: { metadata: { generateName: 'x-' }, data: {} } });
    await send('GET', maps);
    await send('GET', maps, { accept: TABLE });
    await send('GET', `${maps}?includeObject=Object`, { accept: TABLE });
    await send('GET', `${maps}?includeObject=None`, { accept: TABLE });
    await send('GET', maps, { accept: PARTIAL_LIST });
    await send('GET', `${maps}?fieldSelector=metadata.name%3Dprices`);
    await send('GET', `${maps}?watch=1&timeoutSeconds=1`);
    await send('GET', `${maps}/not-there`);
    await send('GET', maps, { token: 'no-such-token' });
    await send('POST', maps, { body: { metadata: { name: 'prices' } } });
    await send('POST', maps, { body: '{"metadata":' });
    const deployment = deploymentOf('till');
    await send('POST', '/apis/apps/v1/namespaces/shop/deployments', { body: deployment });
    const scale = (await send('GET', '/apis/apps/v1/namespaces/shop/deployments/till/scale')) as object;
    await send('PUT', '/apis/apps/v1/namespaces/shop/deployments/till/scale', {
      body: { ...scale, spec: { replicas: 0 } },
    });
    await send('POST', '/api/v1/namespaces/shop/serviceaccounts', { body: { metadata: { name: 'clerk' } } });
    const token = { spec: { expirationSeconds: 3600 } };
    await send('POST', '/api/v1/namespaces/shop/serviceaccounts/clerk/token', { body: token });
    await send('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { body: DEFINITION });
    const things = `/apis/${GROUP}/v1/namespaces/shop/things`;
    const thing = { apiVersion: `${GROUP}/v1`, kind: 'Thing', metadata: { name: 'bag', managedFields: OWNED } };
    for (let tries = 0; tries < 60; tries += 1) {
      const reply = await request(`${url}${things}`, {
        dispatcher: tls,
        headers: { authorization: 'Bearer admin-token' },
      });
      await reply.body.dump();
      if (reply.statusCode === 200) break;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    await send('POST', things, { body: { ...thing, items: [{ metadata: { managedFields: [1] } }], note: 'a' } });
    await send('POST', things, { body: { ...thing, metadata: { name: 'box' }, items: ['a', 2] } });
    const bag = (await send('GET', `${things}/bag`)) as object;
    await send('PUT', `${things}/bag`, { body: { ...bag, rows: [{ object: { metadata: { managedFields: [1] } } }] } });
    await send('GET', things);
    await send('GET', things, { accept: TABLE });
    await send('POST', '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations', {
      body: webhookConfiguration(webhook.url, readFileSync(join(directory, 'pki/ca.crt'))),
    });
    for (let tries = 0; tries < 60 && webhook.calls() === 0; tries += 1) {
      const headers = { authorization: 'Bearer admin-token', 'content-type': 'application/json' };
      const body = JSON.stringify({ metadata: { name: 'probe', labels: { mutate: 'yes' } } });
      const reply = await request(`${url}${maps}?dryRun=All`, { method: 'POST', dispatcher: tls, headers, body });
      await reply.body.dump();
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    await send('POST', maps, { body: { metadata: { name: 'mutated', labels: { mutate: 'yes' } } } });
    await send('DELETE', `${maps}/applied`, { body: { propagationPolicy: 'Background' } });
    await send('DELETE', `${things}/bag`);
    await send('DELETE', maps);
  } finally {
    webhook.close();
    await tls.close();
  }
}

const DEFINITION = {
  metadata: { name: `things.${GROUP}` },
  spec: {
    group: GROUP,
    scope: 'Namespaced',
    names: { plural: 'things', kind: 'Thing' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};

function deploymentOf(name: string): object {
  const labels = { app: name };
  const template = {
    metadata: { labels, annotations: { managedFields: 'z' } },
    spec: { containers: [{ name: 'c', image: 'i' }] },
  };
  return { metadata: { name }, spec: { replicas: 0, selector: { matchLabels: labels }, template } };
}

function webhookConfiguration(url: string, ca: Buffer): object {
  return {
    metadata: { name: 'mutator' },
    webhooks: [
      {
        name: 'mutator.example.com',
        clientConfig: { url, caBundle: ca.toString('base64') },
        rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }],
        objectSelector: { matchLabels: { mutate: 'yes' } },
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
      },
    ],
  };
}

/** An admission webhook that adds a label, with the certificate of the API server itself. */
async function startWebhook(pki: string) {
  let calls = 0;
  const options = { cert: readFileSync(join(pki, 'apiserver.crt')), key: readFileSync(join(pki, 'apiserver.key')) };
  const server = createServer(options, async (incoming, reply) => {
    let text = '';
    for await (const chunk of incoming) text += String(chunk);
    const { uid } = (JSON.parse(text) as { request: { uid: string } }).request;
    const patch = Buffer.from(JSON.stringify([{ op: 'add', path: '/metadata/labels/mutated', value: 'yes' }]));
    const response = { uid, allowed: true, patchType: 'JSONPatch', patch: patch.toString('base64') };
    reply.setHeader('content-type', 'application/json');
    reply.end(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response }));
    calls += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `https://localhost:${port}/`, calls: () => calls, close: () => server.close() };
}
