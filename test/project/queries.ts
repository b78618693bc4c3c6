import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { REPOSITORY } from '../support/source-files.ts';

const FILES = join(REPOSITORY, 'deploy/helm/auditail/files');

export const ALERTS_FILE = join(FILES, 'alerts.yaml');

export interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export function alerts(): readonly Alert[] {
  const { groups } = parse(readFileSync(ALERTS_FILE, 'utf8')) as { groups: { rules: Alert[] }[] };
  return groups.flatMap(({ rules }) => rules);
}

/** Titles and queries of the dashboard's panels. */
export function dashboardQueries(): readonly (readonly [title: string, query: string])[] {
  const { panels } = JSON.parse(readFileSync(join(FILES, 'dashboard.json'), 'utf8')) as {
    panels: { title: string; targets: { expr: string }[] }[];
  };
  return panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [title, expr] as const));
}

/** A series that a query asks for. */
export interface Selector {
  readonly metric: string;
  readonly matchers: readonly (readonly [label: string, operator: string, value: string])[];
}

/** The series that stand in a query, and the labels that it groups by. */
export function readQuery(query: string): {
  readonly selectors: readonly Selector[];
  readonly labels: readonly string[];
} {
  const selectors = [...query.matchAll(/\b((?:auditail|process|nodejs)_\w+)(?:\{([^}]*)\})?/g)].map(
    ([, metric = '', inside = '']) => ({
      metric,
      matchers: [...inside.matchAll(/(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g)].map(
        ([, label = '', operator = '', value = '']) => [label, operator, value] as const,
      ),
    }),
  );
  const labels = [...query.matchAll(/\b(?:by|without|on|ignoring)\s*\(([^)]*)\)/g)].flatMap(([, list = '']) =>
    list.split(',').map((label) => label.trim()),
  );
  return { selectors, labels };
}
