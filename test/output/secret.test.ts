import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Secret } from '../../src/output/secret.ts';

let place = '';

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'auditail-secret-'));
});

afterEach(() => rm(place, { recursive: true }));

describe('a secret', () => {
  it('is the text itself, also when it is empty', () => {
    expect(new Secret('', 'x', {}).value).toBe('');
  });

  it('comes from the environment', () => {
    expect(new Secret({ env: 'TOKEN' }, 'x', { TOKEN: 'abc' }).value).toBe('abc');
  });

  it('comes from a file, without the newline that editors add and with all other white space', async () => {
    const file = join(place, 'secret');
    await writeFile(file, ' a\nb \r\n');
    expect(new Secret({ file }, 'x', {}).value).toBe(' a\nb ');
  });

  it('is read again only when the file changes', async () => {
    const file = join(place, 'secret');
    await writeFile(file, 'one');
    const secret = new Secret({ file }, 'x', {});
    expect([await secret.refresh(), await secret.refresh()]).toEqual([false, false]);
    await writeFile(file, 'two');
    expect([await secret.refresh(), await secret.refresh(), secret.value]).toEqual([true, false, 'two']);
  });

  it('follows the link that Kubernetes swaps', async () => {
    await writeFile(join(place, 'v1'), 'one');
    await writeFile(join(place, 'v2'), 'two');
    const file = join(place, 'secret');
    await symlink('v1', file);
    const secret = new Secret({ file }, 'x', {});
    await symlink('v2', join(place, 'next'));
    await rename(join(place, 'next'), file);
    expect([await secret.refresh(), secret.value]).toEqual([true, 'two']);
  });

  it('keeps its value, and says so by an error, when the file goes away', async () => {
    const file = join(place, 'secret');
    await writeFile(file, 'one');
    const secret = new Secret({ file }, 'outputs.es.auth.bearer', {});
    await rm(file);
    await expect(secret.refresh()).rejects.toMatchObject({
      code: 'AUD_SECRET',
      message: expect.stringContaining('outputs.es.auth.bearer'),
    });
    expect(secret.value).toBe('one');
  });
});
