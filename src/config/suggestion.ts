/** What people write who come from other shippers. */
const SYNONYMS: Readonly<Record<string, string>> = {
  endpoint: 'url',
  endpoints: 'url',
  uri: 'url',
  host: 'url',
  hosts: 'url',
  user: 'username',
  token: 'bearer',
  datastream: 'dataStream',
  include: 'path',
  paths: 'path',
  statedir: 'stateDirectory',
  datadir: 'stateDirectory',
  expression: 'when',
  condition: 'when',
  orgid: 'tenant',
  tenantid: 'tenant',
};

/** The name among `candidates` that was probably meant, or `undefined`. */
export function suggest(written: string, candidates: readonly string[]): string | undefined {
  const plain = normalise(written);
  const synonym = SYNONYMS[plain];
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(plain.length * 0.4)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(plain, normalise(candidate));
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  if (bestDistance > 1 && synonym !== undefined && candidates.includes(synonym)) return synonym;
  return best;
}

function normalise(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.\s]/g, '');
}

/** Damerau-Levenshtein distance, restricted: insertions, deletions, changes, and swaps of neighbours. */
function editDistance(a: string, b: string): number {
  // Nobody mistypes a name of a hundred letters, and the table would be large.
  if (Math.abs(a.length - b.length) > 8 || a.length > 64) return Number.POSITIVE_INFINITY;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = cell(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let distance = Math.min(changed, cell(last, j) + 1, cell(row, j - 1) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        distance = Math.min(distance, cell(beforeLast, j - 2) + 1);
      }
      row.push(distance);
    }
    [beforeLast, last] = [last, row];
  }
  return cell(last, b.length);
}

function cell(row: readonly number[], at: number): number {
  return row[at] as number;
}
