import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { createGzip } from 'node:zlib';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { COMPLETE, story } from '../support/story.ts';

const MIB = 2 ** 20;

/** A gzip of so many mebibytes of one byte: a thousandth of that on disk. */
async function bomb(file: string, mebibytes: number, byte: number): Promise<void> {
  const gzip = createGzip({ level: 9 });
  const fd = openSync(file, 'w');
  gzip.on('data', (chunk: Buffer) => void writeSync(fd, chunk));
  const block = Buffer.alloc(MIB, byte);
  for (let at = 0; at < mebibytes; at += 1) if (!gzip.write(block)) await once(gzip, 'drain');
  gzip.end();
  await once(gzip, 'end');
  closeSync(fd);
}

describe('somebody who can make files beside the log', () => {
  it('cannot stop it, make it wait, have it read devices, or have other files sent', async () => {
    const { auditLog, agent, elasticsearch, directory, stateDirectory } = await story({ outputs: ['elasticsearch'] });
    const folder = path.dirname(auditLog.path);
    mkdirSync(folder, { recursive: true });
    const secret = path.join(temporaryDirectory(), 'shadow');
    writeFileSync(secret, 'root:$6$secret-hash:19000:0:99999:7:::\n{"auths":{"registry":{"auth":"c2VjcmV0"}}}\n', {
      mode: 0o600,
    });
    const backup = (hour: number) => path.join(folder, `audit-2026-11-20T0${hour}-00-00.000.log`);
    execFileSync('mkfifo', [backup(0)]);
    mkdirSync(backup(1));
    symlinkSync('/dev/zero', backup(2));
    symlinkSync('/dev/random', `${backup(3)}.gz`);
    symlinkSync(path.basename(backup(4)), backup(4));
    symlinkSync('/nowhere', backup(5));
    symlinkSync(secret, backup(6));
    writeFileSync(path.join(folder, `audit-${'9'.repeat(240)}.log`), 'x');
    writeFileSync(path.join(folder, 'audit-9999-12-31T23-59-59.999.log.gz'), '');
    writeFileSync(path.join(folder, 'audit-\u001b]0;owned\u0007\n.log'), 'x');
    writeFileSync(path.join(folder, 'audit-2026-11-20T00-00-00.000.log.gz.tmp'), 'x');

    auditLog.write(50);
    agent.start();
    await agent.waitFor('all events', () => elasticsearch.tally.against(auditLog.written).missing.length === 0);
    auditLog.rotate();
    auditLog.write(50);
    await agent.waitFor('all events', () => elasticsearch.tally.against(auditLog.written).missing.length === 0);
    expect(elasticsearch.tally.against(auditLog.written)).toEqual(COMPLETE);
    await agent.stop();

    // What is no event stands in the dead letter, for root only, and nowhere else.
    expect(agent.log).not.toContain('secret-hash');
    expect(agent.log).not.toContain('\u001b');
    const letters = path.join(stateDirectory, 'outputs/elasticsearch/dead-letter');
    for (const name of readdirSync(letters)) expect(readFileSync(path.join(letters, name)).length).toBeLessThan(MIB);
    expect(readdirSync(directory)).toContain('state');
  });

  it('cannot fill the memory with a gzip that is a thousand times larger than it looks', async () => {
    const { auditLog, agent, elasticsearch } = await story({
      outputs: ['elasticsearch'],
      config: { maxLineBytes: '1Mi' },
    });
    const folder = path.dirname(auditLog.path);
    mkdirSync(folder, { recursive: true });
    await bomb(path.join(folder, 'audit-2026-11-20T01-00-00.000.log.gz'), 160, 0);
    await bomb(path.join(folder, 'audit-2026-11-20T02-00-00.000.log.gz'), 80, 0x78);
    auditLog.write(50);
    agent.start();
    await agent.waitFor('all events', () => elasticsearch.tally.against(auditLog.written).missing.length === 0);
    const { pid } = (await agent.status()) ?? { pid: 0 };
    const [, peak = '0'] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    expect(Number(peak)).toBeGreaterThan(0);
    expect(Number(peak) / 1024).toBeLessThan(280);
  });
});
