import { execFile, execFileSync, spawn } from 'node:child_process';
import { temporaryDirectory } from './temporary-directory.ts';

const NAMES = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome', 'chrome-headless-shell'];

/** The Chromium of this machine; Debian's package is installed where we may. `undefined` where there is none to be had. */
export function findChromium(): string | undefined {
  const found = onPath();
  if (found !== undefined || process.geteuid?.() !== 0) return found;
  try {
    execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium-headless-shell'], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: 'ignore',
      timeout: 180_000,
    });
  } catch {
    // No apt-get, no network, another distribution: the test that needs it is skipped with a sentence.
  }
  return onPath();
}

function onPath(): string | undefined {
  return NAMES.find((name) => {
    try {
      execFileSync(name, ['--version'], { stdio: 'ignore' });
      return true;
    } catch {
      // That is the answer.
      return false;
    }
  });
}

/** Opens a page as a person would, and gives back what stands in it once it is loaded. */
export function openPage(chromium: string, url: string, args: readonly string[] = []): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      chromium,
      [...ownArguments(), ...args, '--dump-dom', url],
      { timeout: 60_000, maxBuffer: 2 ** 24 },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(`${chromium}: ${stderr.slice(-1000)}`, { cause: error }));
      },
    );
  });
}

/** Leaves a page open; returns what closes it. */
export function keepOpen(chromium: string, url: string): () => void {
  const child = spawn(chromium, [...ownArguments(), '--remote-debugging-port=0', url], {
    stdio: 'ignore',
    detached: true,
  });
  const { pid } = child;
  // With its helpers, which are a process group.
  return () => void (pid !== undefined && process.kill(-pid, 'SIGKILL'));
}

/** Root needs to do without the sandbox; what is opened is ours. */
function ownArguments(): readonly string[] {
  return ['--headless', '--no-sandbox', '--disable-gpu', `--user-data-dir=${temporaryDirectory()}`];
}
