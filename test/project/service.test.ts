import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configSchema } from '../../src/config/schema.ts';
import { REPOSITORY } from '../support/source-files.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const unit = readFileSync(join(REPOSITORY, 'deploy/auditail.service'), 'utf8');

it('the unit gives the agent longer to stop than it takes, and no rights but those of root over its own files', () => {
  const seconds = Number(/^TimeoutStopSec=(\d+)s$/m.exec(unit)?.[1]);
  const { shutdownGrace, stateDirectory } = configSchema.parse({
    sources: [{ name: 'a', type: 'file', path: '/a' }],
    outputs: [{ name: 'b', type: 'stdout' }],
  });
  expect(seconds * 1000).toBeGreaterThan(shutdownGrace + 5000);
  expect(stateDirectory).toBe(`/var/lib/${/^StateDirectory=(.*)$/m.exec(unit)?.[1]}`);
  for (const line of ['CapabilityBoundingSet=', 'NoNewPrivileges=yes', 'ProtectSystem=strict', 'LimitCORE=0'])
    expect(unit).toContain(`\n${line}\n`);
});

it('the unit lets the API server have the processor first, and is not throttled', () => {
  expect(unit).toMatch(/^CPUWeight=20$/m);
  expect(unit).toMatch(/^Nice=10$/m);
  expect(unit).not.toMatch(/^CPUQuota/m);
});

it('the unit gives freed memory back as the image does', () => {
  const [, settings] = /^ENV (MALLOC_.*)$/m.exec(readFileSync(join(REPOSITORY, 'Dockerfile'), 'utf8')) ?? [];
  expect(settings).toMatch(/MALLOC_ARENA_MAX=2 MALLOC_TRIM_THRESHOLD_=\d+$/);
  expect(unit).toContain(`\nEnvironment=${settings}\n`);
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

function analyze(...args: readonly string[]): string {
  const file = join(temporaryDirectory(), 'auditail.service');
  // The program is not installed here, and it is only looked for.
  writeFileSync(file, unit.replace('/usr/local/bin/auditail', '/bin/true'));
  return execFileSync('systemd-analyze', [...args, file], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

describe.skipIf(!isThere())('the unit before systemd (skipped where there is no systemd-analyze)', () => {
  it('has nothing that systemd does not know', () => {
    expect(analyze('verify')).toBe('');
  });

  it('leaves little open', () => {
    const score = /exposure level for auditail\.service: ([\d.]+)/.exec(
      analyze('security', '--offline=true', '--no-pager'),
    )?.[1];
    expect(Number(score)).toBeLessThanOrEqual(1.6);
  });
});
