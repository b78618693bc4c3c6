import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { REPOSITORY } from '../support/source-files.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const folder = join(REPOSITORY, 'deploy/stdin');
const FIFO = '/run/auditail/audit.fifo';

function read(name: string): string {
  return readFileSync(join(folder, name), 'utf8');
}

interface Container {
  readonly name: string;
  readonly command: readonly string[];
  readonly restartPolicy?: string;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}

it('everybody means the same pipe, and holds it open for reading and writing', () => {
  expect(read('auditail.socket')).toContain(`\nListenFIFO=${FIFO}\n`);
  expect(read('kube-apiserver.service.d-audit.conf')).toContain(`\nStandardOutput=file:${FIFO}\n`);
  const { spec } = parse(read('static-pod.yaml')) as {
    spec: { initContainers: readonly Container[]; containers: readonly Container[] };
  };
  const [make, hold, auditail] = spec.initContainers;
  expect(make?.command.at(-1)).toContain(`mkfifo -m 0600 ${FIFO}`);
  for (const sidecar of [hold, auditail]) {
    expect(sidecar?.restartPolicy).toBe('Always');
    expect(sidecar?.command.at(-1)).toContain(` <>${FIFO}`);
  }
  expect(spec.containers[0]?.command).toContain(`--log-file=${FIFO}`);
  for (const { volumeMounts } of [...spec.initContainers, ...spec.containers])
    expect(volumeMounts).toContainEqual({ name: 'audit-pipe', mountPath: '/run/auditail' });
});

it('systemd never closes the pipe, however often auditail fails', () => {
  expect(read('auditail.socket')).toContain('\nTriggerLimitIntervalSec=0\n');
  expect(read('auditail.service.d-stdin.conf')).toContain('\nRestartPreventExitStatus=\n');
});

it('the webhook is the same for the API server and for auditail', () => {
  const { sources } = parse(readFileSync(join(REPOSITORY, 'config/webhook.yaml'), 'utf8')) as {
    sources: readonly { listen: string }[];
  };
  const { clusters } = parse(readFileSync(join(REPOSITORY, 'config/webhook.kubeconfig'), 'utf8')) as {
    clusters: readonly { cluster: { server: string } }[];
  };
  expect(clusters[0]?.cluster.server).toBe(`https://${sources[0]?.listen}/`);
});

function isThere(): boolean {
  try {
    execFileSync('systemd-analyze', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    // The answer.
    return false;
  }
}

describe.skipIf(!isThere())('the units before systemd (skipped where there is no systemd-analyze)', () => {
  it('have nothing that systemd does not know', () => {
    const directory = temporaryDirectory();
    const place = (name: string, text: string) => {
      const file = join(directory, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text.replace('/usr/local/bin/auditail', '/bin/true'));
      return file;
    };
    place('auditail.service.d/stdin.conf', read('auditail.service.d-stdin.conf'));
    const service = place('auditail.service', readFileSync(join(REPOSITORY, 'deploy/auditail.service'), 'utf8'));
    const socket = place('auditail.socket', read('auditail.socket'));
    const answer = execFileSync('systemd-analyze', ['verify', socket, service], { encoding: 'utf8' });
    expect(answer).toBe('');
  });
});
