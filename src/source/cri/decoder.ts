const NEWLINE = 0x0a;
const SPACE = 0x20;
const PARTIAL = 0x50;
/** With this each line of the API server's log begins. */
const EVENT_START = Buffer.from('{"kind":"Event","apiVersion":"audit.k8s.io/');
const STDOUT = Buffer.from('stdout');
const STDERR = Buffer.from('stderr');
const END = Buffer.from('\n');

/** What has been left out or taken as it was. */
export interface Passed {
  stderrLines: number;
  /** Lines that are none of a container runtime: they are passed on as they are. */
  foreignLines: number;
}

/**
 * Takes the container runtime's frame off: a line of a CRI log is `2026-11-23T04:45:26.969123456Z stdout F text`, with
 * `P` where the text goes on in the next line of that stream (runtimes cut at 16 KiB). What a process wrote to stdout
 * comes out byte by byte; its stderr is left out. Between two calls it knows only whether a line is open.
 */
export class CriDecoder {
  readonly passed: Passed = { stderrLines: 0, foreignLines: 0 };
  /** Whether what has come out ends in the middle of a line. */
  open: boolean;
  #newFile = false;

  constructor(open = false) {
    this.open = open;
  }

  /** What comes next stands in another file: a line that is open may go on there, or its writer has died. */
  beginFile(): void {
    this.#newFile = true;
  }

  /** `[start, end)` holds complete lines; only the last one may be without its end. */
  decode(bytes: Buffer, start: number, end: number): Buffer {
    const out = Buffer.allocUnsafe(end - start + 1);
    let length = 0;
    for (let at = start; at < end; ) {
      const newline = bytes.indexOf(NEWLINE, at);
      const stop = newline === -1 || newline >= end ? end : newline;
      const text = textStart(bytes, at, stop);
      const whole = stop < end;
      if (text === 'stderr') this.passed.stderrLines += 1;
      else {
        const foreign = text === 'foreign';
        if (foreign) this.passed.foreignLines += 1;
        const from = foreign ? at : text;
        if (this.open && (foreign || (this.#newFile && beginsEvent(bytes, from, stop)))) {
          length += END.copy(out, length);
        }
        this.#newFile = false;
        length += bytes.copy(out, length, from, stop);
        this.open = !whole || (!foreign && bytes[from - 2] === PARTIAL);
        if (!this.open) length += END.copy(out, length);
      }
      at = stop + 1;
    }
    return out.subarray(0, length);
  }
}

/** Where the text of a line starts that a container wrote to stdout. */
function textStart(bytes: Buffer, start: number, stop: number): number | 'stderr' | 'foreign' {
  const time = bytes.indexOf(SPACE, start);
  // 2026-11-23T04:45:26Z, with up to nine digits behind the seconds, or an offset in place of the Z.
  if (time === -1 || time - start < 20 || time - start > 35 || bytes[start + 10] !== 0x54) return 'foreign';
  const stream = time + 1;
  const tag = stream + STDOUT.length + 1;
  if (tag >= stop || bytes[tag - 1] !== SPACE) return 'foreign';
  if (holds(bytes, stream, STDERR)) return 'stderr';
  if (!holds(bytes, stream, STDOUT)) return 'foreign';
  // Tags are `P` or `F`; others may follow behind a colon one day.
  const space = bytes.indexOf(SPACE, tag);
  if (space === tag + 1 && space < stop) return space + 1;
  return 'foreign';
}

function holds(bytes: Buffer, at: number, text: Buffer): boolean {
  return at + text.length <= bytes.length && bytes.compare(text, 0, text.length, at, at + text.length) === 0;
}

function beginsEvent(bytes: Buffer, start: number, stop: number): boolean {
  return stop - start >= EVENT_START.length && holds(bytes, start, EVENT_START);
}
