import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** Where a command prints: standard output for what was asked for, standard error for everything else. */
export interface Terminal {
  /** A line, or several, to standard output. */
  print(text: string): void;
  /** The same to standard error. */
  complain(text: string): void;
  /** Bytes to standard output; resolves when more may come. */
  write(bytes: Buffer): Promise<void>;
  /** Text to standard error as it is, for what is drawn again and again. */
  draw(text: string): void;
  /** Whether standard error is a terminal on which things can be drawn again. */
  readonly isLive: boolean;
  readonly columns: number;
  readonly rows: number;
  /** Colours text for standard output or standard error where that is a terminal that wants it. */
  style(style: Style, text: string, stream?: 'out' | 'error'): string;
}

/** The process's own streams. `NO_COLOR`, `FORCE_COLOR` and `TERM` are honoured as Node.js does. */
export function processTerminal(): Terminal {
  const { stdout, stderr } = process;
  return {
    print: (text) => void stdout.write(`${text}\n`),
    complain: (text) => void stderr.write(`${text}\n`),
    write: (bytes) =>
      new Promise((resolve, reject) => {
        stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
      }),
    draw: (text) => void stderr.write(text),
    isLive: stderr.isTTY === true && process.env['TERM'] !== 'dumb',
    get columns() {
      return stderr.columns ?? 80;
    },
    get rows() {
      return stderr.rows ?? 24;
    },
    style: (style, text, stream = 'out') => styleText(style, text, { stream: stream === 'out' ? stdout : stderr }),
  };
}
