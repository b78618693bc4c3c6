import { readFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import type { Reference } from '../config/schema.ts';
import { AuditailError, messageOf } from '../errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * A value that the configuration gives as text, or says where to take it from. A file is read again when it changes
 * (Kubernetes swaps a symbolic link, others rename or write in place: inode, times or size tell).
 */
export class Secret {
  /** The value as it was last read, without a newline at its end. */
  value: string;
  readonly #what: string;
  readonly #file: string | undefined;
  #seen = '';

  /** Throws `AUD_SECRET` where there is no such value. `what` names it in errors, e.g. `outputs.es.auth.bearer`. */
  constructor(reference: Reference, what: string, environment: Environment) {
    this.#what = what;
    this.#file = typeof reference === 'object' && 'file' in reference ? reference.file : undefined;
    this.value = typeof reference === 'string' ? reference : this.#first(reference, environment);
  }

  /** Reads the file again if it changed; returns whether the value is another one now. Throws `AUD_SECRET`. */
  async refresh(): Promise<boolean> {
    if (this.#file === undefined) return false;
    try {
      const { ino, mtimeNs, ctimeNs, size } = await stat(this.#file, { bigint: true });
      const seen = `${ino} ${mtimeNs} ${ctimeNs} ${size}`;
      if (seen === this.#seen) return false;
      const value = this.#trim(await readFile(this.#file, 'utf8'));
      // `seen` was taken before the content: a change in between shows next time.
      this.#seen = seen;
      const changed = value !== this.value;
      this.value = value;
      return changed;
    } catch (error) {
      throw this.#missing(error);
    }
  }

  #first(reference: { readonly env: string } | { readonly file: string }, environment: Environment): string {
    if ('env' in reference) {
      const value = environment[reference.env];
      if (value !== undefined && value !== '') return value;
      throw new AuditailError('AUD_SECRET', `${this.#what}: the environment variable ${reference.env} is not set`, {
        hint: 'Set it, or give a {file: …} instead.',
      });
    }
    try {
      return this.#trim(readFileSync(reference.file, 'utf8'));
    } catch (error) {
      throw this.#missing(error);
    }
  }

  #trim(text: string): string {
    const value = text.replace(/\r?\n$/, '');
    if (value === '') throw new AuditailError('AUD_SECRET', `${this.#what}: ${this.#file} is empty`);
    return value;
  }

  #missing(error: unknown): AuditailError {
    if (error instanceof AuditailError) return error;
    return new AuditailError('AUD_SECRET', `${this.#what}: cannot read ${this.#file}: ${messageOf(error)}`, {
      hint: 'Check that the file is mounted and that the agent may read it.',
      cause: error,
    });
  }
}
