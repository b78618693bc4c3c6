/** Keys and indexes from the root of the configuration. */
export type Path = readonly (string | number)[];

/** Where something of the configuration was written: in a file, or on the command line, or in the environment. */
export interface Place {
  /** As a person reads it: `auditail.yaml:14:5`, `--url`, `AUDITAIL_URL`. Never empty. */
  readonly text: string;
  /** Counted from 1; 0 where it does not stand in a file. */
  readonly line: number;
  readonly column: number;
}

/** Something in the configuration that has to be mended (`error`), or that a person should know of (`warning`). */
export interface Problem {
  readonly level: 'error' | 'warning';
  readonly place: Place;
  /** As a person writes it: `outputs[0].filter.drop[1].when`; empty for the configuration as a whole. */
  readonly path: string;
  readonly message: string;
  /** A line of text and the place in it (counted from 0) to point at. */
  readonly pointer?: { readonly text: string; readonly column: number };
}

const MAX_PADDING = 44;

export function formatPath(path: Path): string {
  return path
    .map((key, at) => {
      if (typeof key === 'number') return `[${key}]`;
      const plain = /^[A-Za-z_][\w-]*$/.test(key);
      return plain ? (at === 0 ? key : `.${key}`) : `[${JSON.stringify(key)}]`;
    })
    .join('');
}

/**
 * The report of a configuration check, without a line end after its last line:
 *
 *     auditail.yaml:14:5   outputs[0].endpont  unknown option; did you mean "url"?
 *     auditail.yaml:21:11  outputs[0].filter.drop[2].when  no such field: verbb
 *                            > verbb == "delete"
 *                              ^
 */
export function formatProblems(problems: readonly Problem[]): string {
  const placeWidth = Math.max(0, ...problems.map(({ place }) => place.text.length));
  const pathWidth = Math.min(MAX_PADDING, Math.max(0, ...problems.map(({ path }) => path.length)));
  return problems.flatMap((problem) => formatProblem(problem, placeWidth, pathWidth)).join('\n');
}

function formatProblem(problem: Problem, placeWidth: number, pathWidth: number): readonly string[] {
  const { place, path, message, level, pointer } = problem;
  const words = level === 'warning' ? `warning: ${message}` : message;
  const subject = pathWidth === 0 ? '' : `${path.padEnd(pathWidth)}  `;
  const lines = [`${place.text.padEnd(placeWidth)}  ${subject}${words}`];
  if (pointer !== undefined) {
    const indent = ' '.repeat(placeWidth + 4);
    lines.push(`${indent}> ${pointer.text}`, `${indent}  ${' '.repeat(pointer.column)}^`);
  }
  return lines;
}

/** File by file, as they come, and by their order in each; each problem once. */
export function sortProblems(problems: readonly Problem[]): readonly Problem[] {
  const distinct = new Map(
    problems.map((problem) => [`${problem.place.text} ${problem.path} ${problem.message}`, problem]),
  );
  const files = [...new Set([...distinct.values()].map(fileOf))];
  return [...distinct.values()].sort(
    (a, b) =>
      files.indexOf(fileOf(a)) - files.indexOf(fileOf(b)) ||
      a.place.line - b.place.line ||
      a.place.column - b.place.column,
  );
}

/** Without line and column; what stands in no file comes first as it always did. */
function fileOf({ place }: Problem): string {
  return place.line === 0 ? '' : place.text.replace(/:\d+:\d+$/, '');
}
