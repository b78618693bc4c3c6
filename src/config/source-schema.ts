import * as z from 'zod';
import { isAddress, name, reference } from './common-schema.ts';
import { DEFAULT_MIN_FREE } from './quantity.ts';
import { bytes, bytesOr, durationOr, sizeOrPercentage } from './units.ts';

const sourceName = name(
  'Names the source in metrics, logs, the ledger and file names. Keep it: the state is filed under it.',
);

const maxReadRate = bytesOr(
  ['off'],
  'Bytes per second that each output reads of it at most (`20Mi`), so that a backlog does not starve the node; no less than 1.25 times what the log grows by. It gives way while a file might be gone, or a spool full, before it is read.',
  { min: 2 ** 20 },
).prefault('off');

function spool(description: string) {
  return z
    .strictObject({
      maxBytes: bytes('Bound on the spool.', { min: 2 ** 20 }).prefault('1Gi'),
      whenFull: z
        .enum(['block', 'dropOldest'])
        .default('block')
        .describe('Take nothing more until there is room, or let the oldest go with a record in the ledger.'),
      fsync: z
        .enum(['off', 'grouped', 'each'])
        .default('grouped')
        .describe(
          'What a power failure may take: all that the kernel has not written (`off`); what came since one forced write for many (`grouped`: of a pipe, once a second; of posts, before the answer, one for all that wait); nothing (`each`: a forced write for each chunk or post).',
        ),
    })
    .prefault({})
    .describe(description);
}

const fileSource = z.strictObject({
  name: sourceName,
  type: z.literal('file').describe('Follows the file that the API server writes, with its backups.'),
  path: z
    .string()
    .min(1)
    .describe(
      "The API server's `--audit-log-path`; the names of the backups follow from it. With `format: cri`, the files that kubelet keeps of the container, such as `/var/log/pods/kube-system_kube-apiserver-*/kube-apiserver/*.log`.",
    ),
  format: z
    .enum(['json', 'cri'])
    .default('json')
    .describe(
      '`json` as the API server writes it; `cri` for a pod whose API server writes to stdout (`--audit-log-path=-`), in the frame of the container runtime.',
    ),
  startAt: durationOr(
    ['oldest', 'newest'],
    'Where a first run starts: the oldest backup, the end of the live file, or so long ago. What is left out stands in the ledger.',
  ).prefault('oldest'),
  maxReadRate,
  retain: z
    .strictObject({
      pins: z
        .enum(['auto', 'off'])
        .default('auto')
        .describe(
          'Hard-link unread files into `<log directory>/.auditail` where the directory can be written, so that they survive their deletion.',
        ),
      maxBytes: bytes('Bound on what pins and deleted but open files may hold.').prefault('2Gi'),
      minFree: sizeOrPercentage("Space to leave free on the log's filesystem.").prefault(DEFAULT_MIN_FREE),
    })
    .prefault({})
    .describe(
      'What is kept of the log that the writer deletes before it was read. Past either bound the oldest is let go and recorded as lost.',
    ),
  spool: spool(
    'With `format: cri`: the files in the state directory into which the container’s log is copied, since kubelet keeps little of it.',
  ),
});

const stdinSource = z.strictObject({
  name: sourceName,
  type: z.literal('stdin').describe('Reads a pipe: `kube-apiserver --audit-log-path=- | auditail --stdin …`.'),
  maxReadRate,
  spool: spool(
    'The files in the state directory in which the events wait, so that a slow output does not block the API server.',
  ),
});

const webhookSource = z.strictObject({
  name: sourceName,
  type: z.literal('webhook').describe('Takes what the API server posts with `--audit-webhook-config-file`.'),
  listen: z
    .string()
    .refine(isAddress, 'must be host:port, such as 127.0.0.1:9444')
    .describe('Address to listen on as host:port. Only a loopback address may do without `tls`.'),
  tls: z
    .strictObject({
      cert: z.string().min(1).describe('Path of the certificate, PEM; read again when it changes, as the others are.'),
      key: z.string().min(1).describe('Path of its key.'),
      clientCA: z
        .string()
        .min(1)
        .optional()
        .describe('Path of the authority that signed the API server’s client certificate; no other client may post.'),
      clients: z
        .array(z.string().min(1))
        .min(1)
        .optional()
        .describe(
          'Common names of the client certificates that may post; all that `clientCA` signed where it is not set. (The authority of a cluster also signs every kubelet.)',
        ),
    })
    .optional()
    .describe('TLS, and who may post.'),
  bearer: reference(
    'Token that a post must carry, as `user.token` in the kubeconfig. It is sent over TLS only.',
  ).optional(),
  maxBodyBytes: bytes('A larger post is refused with 413, and the API server drops it after five tries.', {
    min: 2 ** 20,
    max: 2 ** 29,
  }).prefault('64Mi'),
  maxConnections: z
    .number()
    .int()
    .min(1)
    .default(1024)
    .describe('Connections at a time. In blocking mode the API server opens one for each request that it serves.'),
  maxReadRate,
  spool: spool('The files in the state directory in which the events wait. A post is answered when they are on disk.'),
});

export const sourceSchema = z.discriminatedUnion('type', [fileSource, stdinSource, webhookSource]);
