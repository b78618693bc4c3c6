import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { REPOSITORY } from '../support/source-files.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { recordedEvents } from './made-state.ts';
import { ended, started } from './program-files.ts';

const node = path.join(REPOSITORY, `node_modules/node-linux-${process.arch}/bin/node`);
const possible = process.platform === 'linux' && existsSync(node);
const title = 'the standalone binary';

function text(lines: readonly Buffer[]): Buffer {
  return Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')]));
}

describe.skipIf(!possible)(possible ? title : `${title} (skipped: npm brought no Node.js for this machine)`, () => {
  const program = [path.join(REPOSITORY, `dist/binary/auditail-linux-${process.arch}`)];

  beforeAll(() => {
    execFileSync(process.execPath, ['scripts/build-binary.mjs', process.arch], { cwd: REPOSITORY, stdio: 'ignore' });
  });

  test('has every command, and needs no Node.js', async () => {
    const { code, out } = await ended(['env', '-i', ...program], ['--help']);
    const commands = [...out.matchAll(/^ {2}([a-z-]+)(?:\|\w+)? .*$/gm)].map(([, name]) => name ?? '');
    expect([code, commands]).toEqual([
      0,
      expect.arrayContaining(['run', 'check', 'ship', 'status', 'reconcile', 'demo']),
    ]);
    for (const command of commands) expect((await ended(program, [command, '--help'])).code, command).toBe(0);
  });

  test('does the main job: rotation, three receivers, gzip, snappy, and a kill -9 of itself', async () => {
    const { code, out, error } = await ended(program, ['demo']);
    expect([code, out + error]).toEqual([0, expect.anything()]);
  });

  test('ships out of a compressed backup, and says where it stands', async () => {
    const folder = temporaryDirectory();
    const lines = recordedEvents(20).filter((line) => !line.includes('token='));
    mkdirSync(path.join(folder, 'log'));
    const half = Math.floor(lines.length / 2);
    // A rotation happens in the middle of a write: the next file's first event is as old as the backup's name.
    const [, instant = ''] = /"stageTimestamp":"([^"]+)"/.exec(lines[half]?.toString('latin1') ?? '') ?? [];
    const name = `audit-${instant.slice(0, 23).replaceAll(':', '-')}.log.gz`;
    writeFileSync(path.join(folder, 'log', name), gzipSync(text(lines.slice(0, half))));
    writeFileSync(path.join(folder, 'log/audit.log'), text(lines.slice(half)));
    const state = path.join(folder, 'state');
    const shipped = path.join(folder, 'shipped');
    const source = ['--audit-log-path', path.join(folder, 'log/audit.log'), '--state-dir', state];
    const flags = [...source, '--output', 'file', '--output-path', shipped];
    expect((await ended(program, ['ship', ...flags])).code).toBe(0);
    expect(readFileSync(shipped, 'latin1').split('\n').length - 1).toBe(lines.length);
    expect((await ended(program, ['status', '--state-dir', state])).out).toContain(`${lines.length}`);

    const child = await started(program, ['run', ...flags, '--telemetry-listen', 'off'], 'shipping');
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([0, null]);
  });

  test('speaks TLS, and trusts nobody without being told to', async () => {
    const folder = temporaryDirectory();
    const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
    execFileSync('openssl', [...request, '-keyout', key, '-out', cert, ...subject], { stdio: 'ignore' });
    const asked: string[] = [];
    const server = https.createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (incoming, response) => {
      asked.push(String(incoming.headers['authorization']));
      response.end('process_start_time_seconds 1\napiserver_audit_event_total 0\n');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.close();
      server.closeAllConnections();
    });
    const address = server.address();
    const url = `https://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    const token = path.join(folder, 'token');
    writeFileSync(token, 'abc');
    const log = ['--audit-log-path', path.join(folder, 'audit.log'), '--output', 'stdout', '--state-dir', folder];
    const args = ['reconcile', ...log, '--api-server', url, '--api-token', token, '--wait', '0s'];
    expect((await ended(program, args)).out).toContain('no answer (tls)');
    expect(asked).toEqual([]);
    expect((await ended(program, [...args, '--api-ca', cert])).out).toContain('the API server wrote 0 events');
    expect(asked).toEqual(['Bearer abc', 'Bearer abc']);
  });
});

describe.skipIf(process.platform !== 'linux')('the standalone binary for the other kind of machine', () => {
  const other = process.arch === 'x64' ? 'arm64' : 'x64';
  const MACHINES = { x64: 0x3e, arm64: 0xb7 };

  test('is of that machine, and has the program inside', () => {
    execFileSync(process.execPath, ['scripts/build-binary.mjs', other], { cwd: REPOSITORY, stdio: 'ignore' });
    const binary = readFileSync(path.join(REPOSITORY, `dist/binary/auditail-linux-${other}`));
    expect(binary.toString('latin1', 0, 4)).toBe('\u007fELF');
    expect(binary.readUInt16LE(18)).toBe(MACHINES[other]);
    // Node.js looks here whether it is to start what it carries.
    const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:';
    expect(String.fromCharCode(binary[binary.indexOf(fuse) + fuse.length] ?? 0)).toBe('1');
    expect(binary.includes('AUD_STATE_LOCKED')).toBe(true);
    expect(binary.includes(readFileSync(path.join(REPOSITORY, 'src/demo/events.log.gz')))).toBe(true);
  });
});
