import { createHash, createPrivateKey, timingSafeEqual, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { getBuiltinModule } from 'node:process';
import type { SecureContextOptions } from 'node:tls';
import type { WebhookSourceConfig } from '../../config/schema.ts';
import { AuditailError, messageOf } from '../../errors.ts';

/** The files that a webhook source presents and checks by, as they were last read. */
export class Credentials {
  readonly #config: WebhookSourceConfig;
  #tls: SecureContextOptions | null = null;
  #seen = '';
  #token: Buffer | null = null;

  constructor(config: WebhookSourceConfig) {
    this.#config = config;
  }

  /** Certificate, key and the authority of clients; `null` where the source listens in clear. */
  get tls(): SecureContextOptions | null {
    return this.#tls;
  }

  /**
   * Reads the files again; true where the certificate, its key or the authority are others now. Throws `AUD_SECRET`, and
   * what was there before stays, where a file is missing or the parts do not fit together.
   */
  async refresh(): Promise<boolean> {
    const { tls, bearer } = this.#config;
    if (bearer !== undefined) this.#token = digest(await this.#value(bearer));
    if (tls === undefined) return false;
    const cert = await this.#read(tls.cert, 'tls.cert');
    const key = await this.#read(tls.key, 'tls.key');
    const ca = tls.clientCA === undefined ? undefined : await this.#read(tls.clientCA, 'tls.clientCA');
    const seen = digest([cert, key, ca ?? ''].join('\n')).toString('hex');
    if (seen === this.#seen) return false;
    const context = { cert, key, ...(ca === undefined ? {} : { ca }), minVersion: 'TLSv1.2' as const };
    try {
      getBuiltinModule('node:tls').createSecureContext(context);
      // Half of a renewal may be there. (Of keys of different kinds, the context takes any.)
      if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
        throw new Error('the key is not that of the certificate');
    } catch (error) {
      throw this.#wrong(`the certificate, its key and the authority do not fit: ${messageOf(error)}`, error);
    }
    this.#tls = context;
    this.#seen = seen;
    return true;
  }

  /** Whether a request carries the token that is asked for, or none is. */
  knows(authorization: string | undefined): boolean {
    if (this.#token === null) return this.#config.bearer === undefined;
    const given = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    // Of digests the comparison takes the same time whatever is given, its length included.
    return given !== undefined && timingSafeEqual(digest(given), this.#token);
  }

  async #value(reference: NonNullable<WebhookSourceConfig['bearer']>): Promise<string> {
    const value =
      typeof reference === 'string'
        ? reference
        : 'env' in reference
          ? (process.env[reference.env] ?? '')
          : (await this.#read(reference.file, 'bearer')).trim();
    if (value === '') throw this.#wrong('the bearer token is empty', undefined);
    return value;
  }

  async #read(path: string, what: string): Promise<string> {
    try {
      return await readFile(path, 'utf8');
    } catch (error) {
      throw this.#wrong(`${what}: cannot read ${path}: ${messageOf(error)}`, error);
    }
  }

  #wrong(message: string, cause: unknown): AuditailError {
    return new AuditailError('AUD_SECRET', `source ${this.#config.name}: ${message}`, {
      cause,
      hint: 'Check that the files are there, belong together, and may be read by the agent.',
    });
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
