import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { REPOSITORY } from '../support/source-files.ts';
import type { Manifest } from './manifest.ts';

const CHART = join(REPOSITORY, 'deploy/helm/auditail');

/** What the chart makes of these values. Throws with Helm's words where it refuses them. */
export function render(helm: string, ...settings: readonly string[]): readonly Manifest[] {
  const set = settings.flatMap((setting) => ['--set', setting]);
  const text = execFileSync(
    helm,
    ['template', 'auditail', CHART, '-n', 'auditail', '--kube-version', '1.34.0', ...set],
    {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  return [...parseAllDocuments(text)].flatMap((document) => {
    if (document.errors[0] !== undefined) throw document.errors[0];
    const object = document.toJS() as Manifest | null;
    return object === null ? [] : [object];
  });
}

export function lint(helm: string): string {
  return execFileSync(helm, ['lint', '--strict', CHART], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
