import { join } from 'node:path';
import { stringify } from 'yaml';
import { REPOSITORY } from './source-files.ts';

/** Certificates that were made for the tests. */
export const TLS = join(REPOSITORY, 'test/fixtures/tls');

/** For `--audit-webhook-config-file` of an API server whose client is `client one`. */
export function webhookKubeconfig(server: string): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'auditail', cluster: { server, 'certificate-authority': join(TLS, 'ca.pem') } }],
    users: [
      {
        name: 'kube-apiserver',
        user: { 'client-certificate': join(TLS, 'client-one.pem'), 'client-key': join(TLS, 'client-one.key') },
      },
    ],
    contexts: [{ name: 'default', context: { cluster: 'auditail', user: 'kube-apiserver' } }],
    'current-context': 'default',
  });
}
