import { appendFileSync } from 'node:fs';
import { AuditLog, type AuditLogOptions } from '../../src/demo/audit-log.ts';
import { contentId } from '../../src/demo/content.ts';
import { seededRandom } from '../../src/demo/random.ts';
import { type RecordedEvent, recordedEvents } from '../../src/demo/recorded-event.ts';
import { EventWriter, type Pace, systemMicros } from '../../src/demo/writer.ts';

/** Recorded events below this size, for tests that do not need large ones. */
const SMALL_BYTES = 20_000;
let small: readonly RecordedEvent[] | undefined;

/** The API server's audit log with an API server behind it that remembers every line: what a story is about. */
export class WrittenLog {
  readonly path: string;
  /** Content ids of all whole events written. */
  readonly written = new Set<string>();
  readonly #options: AuditLogOptions;
  #log: AuditLog;
  readonly #writer: EventWriter;
  readonly #clock = systemMicros();
  /** When the event was made that is the first one after a rotation. */
  #firstMicros: number | null = null;
  #bytes = 0;

  constructor(options: AuditLogOptions & { readonly seed?: number; readonly events?: readonly RecordedEvent[] }) {
    small ??= recordedEvents().filter(({ line }) => line.length < SMALL_BYTES);
    this.path = options.path;
    this.#options = options;
    this.#log = new AuditLog(options);
    this.#writer = new EventWriter({
      // What is written goes through `writeLine`, into whatever file is open then.
      log: { write: (line: Buffer) => this.#append(line) },
      events: options.events ?? small,
      random: seededRandom(options.seed ?? 1),
      onLine: (line) => this.written.add(contentId(line)),
      nowMicros: () => {
        const micros = this.#firstMicros ?? this.#clock();
        this.#firstMicros = null;
        return micros;
      },
    });
  }

  /** Bytes written so far, rotated files included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Writes so many recorded events, each with an id and times of its own. */
  write(count = 1): void {
    this.#writer.write(count);
  }

  /** The next event, for a test that writes it in its own way; it counts as written. */
  nextLine(): Buffer {
    const line = this.#writer.nextLine();
    this.written.add(contentId(line));
    return line;
  }

  writeFor(pace: Pace): Promise<void> {
    return this.#writer.run(pace);
  }

  /** Writes one line, its newline included, that counts as an event. */
  writeLine(line: Buffer | string): void {
    this.written.add(contentId(Buffer.from(line)));
    this.#append(Buffer.from(line));
  }

  /** Writes bytes that need not be a whole line, and count as no event. */
  tear(bytes: Buffer | string): void {
    this.#append(Buffer.from(bytes));
  }

  /** Writes past the API server, as an administrator with an editor would. */
  tamper(text: string): void {
    appendFileSync(this.path, text);
  }

  /** Returns the path of the new backup. The API server rotates within the write of an event: the next one was made before. */
  rotate(): string {
    this.#firstMicros = this.#clock();
    return this.#log.rotate();
  }

  backups(): readonly string[] {
    return this.#log.backups();
  }

  /** Compresses and deletes backups as configured, and waits until that is done. */
  mill(): Promise<void> {
    return this.#log.mill();
  }

  /** The API server is killed and starts again: it appends. */
  restart(): void {
    this.#log.abandon();
    this.#log = new AuditLog(this.#options);
  }

  close(): Promise<void> {
    return this.#log.close();
  }

  #append(bytes: Buffer): void {
    this.#bytes += bytes.length;
    this.#log.write(bytes);
  }
}
