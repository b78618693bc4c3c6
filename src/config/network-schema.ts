import * as z from 'zod';
import { reference, url } from './common-schema.ts';
import { duration } from './units.ts';

/** What every way to a receiver has: of outputs and of alerts. */
export const retry = z
  .strictObject({
    initialDelay: duration('Upper bound of the first wait; the waits are random below a bound that doubles.', {
      min: 1,
    }).prefault('500ms'),
    maxDelay: duration('Where the bound stops doubling.', { min: 1 }).prefault('30s'),
  })
  .prefault({})
  .describe('How long to wait between tries. Nothing is given up: the log waits.');

export const auth = z
  .strictObject({
    basic: z
      .strictObject({ username: reference('User name.'), password: reference('Password.') })
      .optional()
      .describe('HTTP basic authentication.'),
    bearer: reference('Token for `Authorization: Bearer`.').optional(),
    apiKey: reference('Elasticsearch API key, encoded (the base64 text of id:key).').optional(),
  })
  .refine((value) => Object.keys(value).length <= 1, 'takes one of basic, bearer and apiKey, not several')
  .prefault({})
  .describe('Credentials: one of these.');

export const tls = z
  .strictObject({
    ca: reference('PEM of the certificate authorities to trust instead of the system’s.').optional(),
    cert: reference('PEM of the client certificate.').optional(),
    key: reference('PEM of its key.').optional(),
    verify: z.boolean().default(true).describe('Set to false only to try something out: anybody could read the trail.'),
  })
  .prefault({})
  .describe('For https:// URLs.');

export const urls = z
  .union([url, z.array(url).min(1, 'must have one URL at least')], { error: 'must be a URL, or a list of URLs' })
  .meta({ title: 'URL or list of URLs', description: 'One endpoint, or several that are tried in turn.' });

export const headers = z
  .record(z.string(), reference('Value of the header.'))
  .default({})
  .describe('More headers for every request.');

export const timeout = duration(
  'A request without an answer is given up after this long, plus a second per MiB of body.',
  {
    min: 100,
  },
).prefault('30s');
