import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { startApiServer } from '../support/kube-apiserver.ts';
import { Load } from '../support/load.ts';
import { shared } from '../support/shared.ts';
import { REPOSITORY } from '../support/source-files.ts';
import { noSystemdMachine, SystemdMachine } from '../support/systemd-machine.ts';
import { answers, deployed, execLine, expectBothAlike, pipeScene, settled } from './pipe-scene.ts';

/*
 * deploy/stdin/static-pod.yaml: accepted by a real API server, and its commands run as they are. systemd plays kubelet: a
 * unit for each container, started in their order and again when they end.
 */
const folder = shared('servers/kube-apiserver');
const reason = folder === undefined ? 'there is no API server to start' : noSystemdMachine();
const PROGRAM = ['node', '/opt/auditail/auditail.mjs'];
/** The API server's image has it as /go-runner. */
const RUNNER = join(process.env['SERVERS_CACHE'] ?? '/var/tmp/auditail-servers', 'kube-log-runner');

interface Container {
  readonly name: string;
  readonly command: readonly string[];
  readonly restartPolicy?: string;
}

const { spec, ...object } = parse(deployed('stdin/static-pod.yaml')) as {
  readonly spec: { readonly initContainers: readonly Container[]; readonly containers: readonly Container[] };
};

/** A runtime signals the first process of a container alone; an API server that is told twice to end leaves at once. */
const CONTAINER = '[Service]\nKillMode=mixed\nStandardError=journal\n';

function unitOf({ command, restartPolicy }: Container): string {
  const kind = restartPolicy === undefined ? 'Type=oneshot\nRemainAfterExit=yes\n' : 'Restart=always\n';
  return `${CONTAINER}${kind}${execLine(command)}`;
}

describe.skipIf(reason !== '')(`the static pod${reason === '' ? '' : ` (skipped: ${reason})`}`, () => {
  beforeAll(() => {
    execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: REPOSITORY });
    if (existsSync(RUNNER)) return;
    const build = ['build', '-trimpath', '-o', RUNNER, 'k8s.io/component-base/logs/kube-log-runner'];
    execFileSync('go', build, { cwd: join(folder ?? '', 'src'), env: { ...process.env, CGO_ENABLED: '0' } });
  });

  test('is a pod that an API server takes', async () => {
    const server = await startApiServer(folder ?? '');
    onTestFinished(() => server.stop());
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } };
    await server.send('POST', '/api/v1/namespaces/kube-system/serviceaccounts', account);
    const path = '/api/v1/namespaces/kube-system/pods?dryRun=All&fieldValidation=Strict';
    const { status, body } = await server.send('POST', path, { ...object, spec });
    expect([status, body]).toEqual([201, expect.objectContaining({ kind: 'Pod' })]);
  });

  test('keeps the pipe open while auditail is killed and replaced', async () => {
    const { server, command, binds } = await pipeScene(folder ?? '');
    const [apiServer] = spec.containers;
    const words = apiServer?.command ?? [];
    const runner = words.slice(0, words.indexOf('kube-apiserver'));
    expect(command).toEqual(expect.arrayContaining(words.filter((word) => word.startsWith('--audit-log'))));
    const machine = await SystemdMachine.start({
      units: {
        ...Object.fromEntries(spec.initContainers.map((one) => [`${one.name}.service`, unitOf(one)])),
        'kube-apiserver.service': `${CONTAINER}WorkingDirectory=${server.directory}\n${execLine([...runner, ...command])}`,
      },
      binds: {
        ...binds,
        '/opt/auditail': join(REPOSITORY, 'dist'),
        '/usr/local/bin/node': process.execPath,
        '/go-runner': RUNNER,
      },
    });
    onTestFinished(() => machine.stop());
    // As hostPath's DirectoryOrCreate does.
    await machine.run('mkdir', '-p', '/run/auditail', '/var/lib/auditail');
    for (const { name } of [...spec.initContainers, { name: 'kube-apiserver' }]) {
      const { code, error } = await machine.systemctl('start', name);
      expect([name, code, error]).toEqual([name, 0, '']);
    }
    await machine.until('the API server to be up', async () => {
      const answer = await server.send('GET', '/version').catch(() => undefined);
      return answer?.status === 200;
    });
    await answers(machine, PROGRAM);
    const pid = await machine.property('kube-apiserver', 'MainPID');
    const load = new Load({ url: server.url, seconds: 12, perSecond: 100, mix: 'mixed' });
    onTestFinished(() => load.stop());
    await sleep(2000);
    // SIGTERM, as at an upgrade of the container: it ends by itself, and what it had is written.
    await machine.systemctl('kill', '--kill-whom=main', 'auditail');
    await machine.until('the container to be started again', async () => {
      return (await machine.property('auditail', 'NRestarts')) === '1';
    });
    await answers(machine, PROGRAM);
    await sleep(1000);
    // The program alone, as when it takes too much memory: the container goes on.
    const shell = await machine.property('auditail', 'MainPID');
    await machine.run('sh', '-c', `kill -9 $(cat /proc/${shell}/task/${shell}/children)`);
    process.stderr.write(await load.ended());
    await answers(machine, PROGRAM);
    expect(await machine.property('auditail', 'NRestarts')).toBe('1');
    expect(await machine.property('kube-apiserver', 'MainPID')).toBe(pid);
    expect((await machine.systemctl('stop', 'kube-apiserver')).code).toBe(0);
    await settled(machine, PROGRAM);
    for (const { name } of spec.initContainers.toReversed()) await machine.systemctl('stop', name);
    // Its own code: the kill may have taken something.
    expect(await machine.property('auditail', 'ExecMainStatus')).toBe('3');
    await expectBothAlike(machine, PROGRAM);
  });
});
