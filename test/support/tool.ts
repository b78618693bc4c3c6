import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Pinned, so that the chart is always judged by the same rules. */
const HELM = 'helm.sh/helm/v3/cmd/helm@v3.19.0';

/** Helm: the machine's own, or built from the Go module proxy (a minute or two, once). `undefined`: not to be had. */
export function findHelm(): string | undefined {
  if (runs('helm', ['version'])) return 'helm';
  const folder = join(tmpdir(), 'auditail-tools');
  const built = join(folder, 'helm');
  if (!existsSync(built)) {
    attempt('go', ['install', '-trimpath', '-ldflags', '-s -w', HELM], { GOBIN: folder, CGO_ENABLED: '0' });
  }
  return existsSync(built) ? built : undefined;
}

/** promtool: the machine's own, or out of Debian's package, which is unpacked and not installed. */
export function findPromtool(): string | undefined {
  if (runs('promtool', ['--version'])) return 'promtool';
  const folder = join(tmpdir(), 'auditail-tools', 'prometheus');
  const unpacked = join(folder, 'usr/bin/promtool');
  if (!existsSync(unpacked)) {
    const download = mkdtempSync(join(tmpdir(), 'auditail-promtool-'));
    attempt('apt-get', ['download', '-qq', 'prometheus'], {}, download);
    const [name] = readdirSync(download);
    if (name !== undefined) attempt('dpkg', ['-x', join(download, name), folder], {});
  }
  return existsSync(unpacked) ? unpacked : undefined;
}

/** Go, which some servers and tools are built with. */
export function hasGo(): boolean {
  return runs('go', ['version']);
}

function runs(program: string, args: readonly string[]): boolean {
  return attempt(program, args, {});
}

function attempt(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd?: string,
): boolean {
  try {
    const options = { env: { ...process.env, ...env }, stdio: 'ignore', timeout: 600_000 } as const;
    execFileSync(program, [...args], cwd === undefined ? options : { ...options, cwd });
    return true;
  } catch {
    // Whether it can be had is the question; where not, the test that needs it is skipped with a sentence.
    return false;
  }
}
