import { getBuiltinModule } from 'node:process';
import type { NetworkOutputConfig, Reference } from '../config/schema.ts';
import { AuditailError, messageOf } from '../errors.ts';
import type { Environment } from './secret.ts';
import { Secret } from './secret.ts';
import { MIN_SECRET_LENGTH, TELLING_NAME } from './url-secrets.ts';

/** What `tls.connect` takes. */
export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly rejectUnauthorized: boolean;
}

/** Everything of the configuration that may be a secret, as one request uses it. */
export interface Identity {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsMaterial;
  /** Texts that must not show up in words. */
  readonly hidden: readonly string[];
  /** Lower-case names of headers whose value must not either, whatever it is in a request: it may be a template. */
  readonly hiddenHeaders: readonly string[];
}

/** Keeps what an output proves itself with, and reads it again when a file changes. */
export class Credentials {
  readonly #config: NetworkOutputConfig;
  readonly #secrets = new Map<string, { readonly secret: Secret; readonly hidden: boolean }>();
  /** What to send and to trust now; the same object as long as nothing changes. */
  identity: Identity;
  /** A change of which not everything made sense yet, e.g. a certificate whose key is not written. */
  #stale = false;

  /** Throws `AUD_SECRET` where something is missing or cannot be used. */
  constructor(config: NetworkOutputConfig, environment: Environment) {
    this.#config = config;
    for (const [what, reference, hidden] of references(config)) {
      this.#secrets.set(what, { secret: new Secret(reference, `outputs.${config.name}.${what}`, environment), hidden });
    }
    this.identity = this.#assemble();
  }

  /** Brings `identity` up to date with the files. Throws `AUD_SECRET`; then `identity` stays what it was. */
  async refresh(): Promise<void> {
    for (const { secret } of this.#secrets.values()) {
      if (await secret.refresh()) this.#stale = true;
    }
    if (!this.#stale) return;
    this.identity = this.#assemble();
    this.#stale = false;
  }

  #assemble(): Identity {
    const headers: Record<string, string> = {};
    const hidden = [...this.#secrets.values()].filter((entry) => entry.hidden).map((entry) => entry.secret.value);
    for (const name of Object.keys(this.#config.headers))
      headers[name.toLowerCase()] = this.#get(`headers.${name}`) ?? '';
    const authorization = this.#authorization();
    if (authorization !== undefined) {
      headers['authorization'] = authorization;
      hidden.push(authorization.slice(authorization.indexOf(' ') + 1));
    }
    const tenant = this.#get('tenant');
    if (tenant !== undefined) headers['x-scope-orgid'] = tenant;
    for (const [name, value] of Object.entries(headers)) this.#checkHeader(name, value);
    const hiddenHeaders = Object.keys(this.#config.headers)
      .filter((name) => this.#secrets.get(`headers.${name}`)?.hidden === true)
      .map((name) => name.toLowerCase());
    return {
      headers,
      tls: this.#tls(),
      hidden: hidden.filter((text) => text.length >= MIN_SECRET_LENGTH),
      hiddenHeaders,
    };
  }

  #authorization(): string | undefined {
    const bearer = this.#get('auth.bearer');
    if (bearer !== undefined) return `Bearer ${bearer}`;
    const apiKey = this.#get('auth.apiKey');
    if (apiKey !== undefined) return `ApiKey ${apiKey}`;
    const username = this.#get('auth.basic.username');
    if (username === undefined) return undefined;
    return `Basic ${Buffer.from(`${username}:${this.#get('auth.basic.password')}`).toString('base64')}`;
  }

  #tls(): TlsMaterial {
    const [ca, cert, key] = [this.#get('tls.ca'), this.#get('tls.cert'), this.#get('tls.key')];
    const material = {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    };
    if (Object.keys(material).length === 0) return { rejectUnauthorized: this.#config.tls.verify };
    try {
      // Only where there is something to check: a context takes up 4 MB, for the authorities that come with Node.js.
      getBuiltinModule('node:tls').createSecureContext(material);
    } catch (error) {
      throw new AuditailError('AUD_SECRET', `outputs.${this.#config.name}.tls cannot be used: ${messageOf(error)}`, {
        hint: 'ca, cert and key must be PEM, and the key that of the certificate.',
        cause: error,
      });
    }
    return { ...material, rejectUnauthorized: this.#config.tls.verify };
  }

  #get(what: string): string | undefined {
    return this.#secrets.get(what)?.secret.value;
  }

  #checkHeader(name: string, value: string): void {
    if (/^[\t\x20-\x7e\x80-\xff]*$/.test(value) && /^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name)) return;
    throw new AuditailError(
      'AUD_SECRET',
      `outputs.${this.#config.name}: the header ${name} holds characters that HTTP does not allow`,
      {
        hint: 'A header is one line of Latin-1 text.',
      },
    );
  }
}

/** Path in the configuration, the reference, and whether its value has to be hidden. */
function references(config: NetworkOutputConfig): [string, Reference, boolean][] {
  const { auth, tls, headers } = config;
  const found: [string, Reference | undefined, boolean][] = [
    ['auth.basic.username', auth.basic?.username, false],
    ['auth.basic.password', auth.basic?.password, true],
    ['auth.bearer', auth.bearer, true],
    ['auth.apiKey', auth.apiKey, true],
    ['tls.ca', tls.ca, false],
    ['tls.cert', tls.cert, false],
    ['tls.key', tls.key, false],
    ['tenant', config.type === 'loki' ? config.tenant : undefined, false],
    ...Object.entries(headers).map(([name, reference]): [string, Reference, boolean] => [
      `headers.${name}`,
      reference,
      typeof reference !== 'string' || TELLING_NAME.test(name),
    ]),
  ];
  return found.filter((entry): entry is [string, Reference, boolean] => entry[1] !== undefined);
}
