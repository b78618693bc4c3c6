import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ended } from '../cli/program-files.ts';
import { recordedEvents } from '../cli/made-state.ts';
import { REPOSITORY } from '../support/source-files.ts';

/*
 * Where there is nobody to build an image, its layout can be made by hand: an empty root with Node.js, the libraries that
 * it is linked to, and the files that the Dockerfile copies. What runs there needs nothing else.
 */
const possible = process.platform === 'linux' && process.geteuid?.() === 0;
const title = 'the files of the image';
const dockerfile = readFileSync(path.join(REPOSITORY, 'Dockerfile'), 'utf8');

describe.skipIf(!possible)(possible ? title : `${title} (skipped: only root may change its root)`, () => {
  let root: string;
  const [entry = ''] = /^ENTRYPOINT (.*)$/m.exec(dockerfile)?.slice(1) ?? [];

  beforeAll(() => {
    root = mkdtempSync(path.join(tmpdir(), 'auditail-image-'));
    const node = realpathSync(process.execPath);
    const libraries = execFileSync('ldd', [node], { encoding: 'utf8' }).match(/\/\S+/g) ?? [];
    for (const library of libraries) put(library, library);
    put(node, '/usr/local/bin/node');
    execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: REPOSITORY });
    const dist = path.join(REPOSITORY, 'dist');
    const files = readdirSync(dist, { recursive: true, encoding: 'utf8', withFileTypes: true });
    for (const file of files.filter((one) => one.isFile())) {
      const from = path.join(file.parentPath, file.name);
      put(from, `/opt/auditail/${path.relative(dist, from)}`);
    }
    for (const name of ['tmp', 'log', 'state', 'proc', 'dev']) mkdirSync(path.join(root, name));
    // Every container has one.
    execFileSync('mknod', ['-m', '666', path.join(root, 'dev/null'), 'c', '1', '3']);
  });

  afterAll(() => rmSync(root, { recursive: true, force: true }));

  function put(file: string, place: string): void {
    mkdirSync(path.join(root, path.dirname(place)), { recursive: true });
    copyFileSync(file, path.join(root, place));
  }

  function inside(...args: readonly string[]) {
    return insideWith([], ...args);
  }

  function insideWith(variables: readonly string[], ...args: readonly string[]) {
    // PATH as in the image, and a /proc as containers have; nothing else of this machine.
    const own = ['unshare', '--mount', '--pid', '--fork', `--mount-proc=${path.join(root, 'proc')}`];
    const [program = '', ...first] = JSON.parse(entry) as string[];
    return ended(
      [...own, 'env', '-i', 'PATH=/usr/local/bin', ...variables, '/usr/sbin/chroot', root, program, ...first],
      args,
    );
  }

  test('the program runs and ships in an otherwise empty root', async () => {
    const { version } = JSON.parse(readFileSync(path.join(REPOSITORY, 'package.json'), 'utf8')) as { version: string };
    expect(await inside('--version')).toEqual({ code: 0, out: `${version}\n`, error: '' });
    const lines = recordedEvents(30).filter((line) => !line.includes('token='));
    writeFileSync(path.join(root, 'log/audit.log'), Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')])));
    const flags = [
      '--audit-log-path',
      '/log/audit.log',
      '--state-dir',
      '/state',
      '--output',
      'file',
      '--output-path',
      '/out',
    ];
    expect((await inside('check', ...flags)).code).toBe(0);
    expect((await inside('ship', ...flags)).code).toBe(0);
    expect(readFileSync(path.join(root, 'out'), 'latin1').split('\n').length - 1).toBe(lines.length);
    expect((await inside('status', '--state-dir', '/state')).out).toContain('delivered');
  });

  test('what the build has compiled is taken where the image has it', async () => {
    const { error } = await insideWith(['NODE_DEBUG_NATIVE=COMPILE_CACHE'], '--version');
    expect(error).toContain('/opt/auditail/parts/');
    expect(error).toContain('was accepted');
    expect(error).not.toContain('was rejected');
  });

  test('also the demo, with all of its receivers', async () => {
    const { code, out, error } = await inside('demo');
    expect([code, out + error]).toEqual([0, expect.anything()]);
  });

  test('the image carries labels, a bill of materials, no npm, and runs nothing through a shell', () => {
    for (const label of ['title', 'description', 'licenses', 'version', 'source', 'revision'])
      expect(dockerfile).toContain(`org.opencontainers.image.${label}=`);
    expect(dockerfile).toContain('/usr/local/bin/npm');
    expect(dockerfile).toContain('sbom.cdx.json');
    expect(entry).toBe('["node", "/opt/auditail/auditail.mjs"]');
  });

  test('the bill of materials names what is in the bundle', () => {
    const text = execFileSync('npm', ['run', '--silent', 'sbom'], { cwd: REPOSITORY, encoding: 'utf8' });
    const { bomFormat, components } = JSON.parse(text) as { bomFormat: string; components: { name: string }[] };
    const { dependencies } = JSON.parse(readFileSync(path.join(REPOSITORY, 'package.json'), 'utf8')) as {
      dependencies: Readonly<Record<string, string>>;
    };
    expect(bomFormat).toBe('CycloneDX');
    const names = components.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(Object.keys(dependencies)));
    expect(names).not.toContain('vitest');
  });
});
