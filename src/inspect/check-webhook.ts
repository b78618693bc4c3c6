import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { WebhookSourceConfig } from '../config/schema.ts';
import { AuditailError } from '../errors.ts';
import type { Finding } from '../output/output.ts';
import { Credentials } from '../source/webhook/credentials.ts';

const SOON_MS = 7 * 24 * 3_600_000;

/** Whether what a webhook source needs is there and fits together. It does not listen: an agent may be doing so. */
export async function checkWebhook(source: WebhookSourceConfig, nowMs = Date.now()): Promise<readonly Finding[]> {
  const { listen, tls } = source;
  try {
    await new Credentials(source).refresh();
  } catch (thrown) {
    if (!(thrown instanceof AuditailError)) throw thrown;
    return [{ level: 'error', text: thrown.message, ...(thrown.hint === undefined ? {} : { hint: thrown.hint }) }];
  }
  if (tls === undefined) return [{ level: 'ok', text: `takes posts on http://${listen}` }];
  const { validTo, subjectAltName = 'no name at all' } = new X509Certificate(readFileSync(tls.cert));
  const left = Date.parse(validTo) - nowMs;
  const valid = `its certificate is for ${subjectAltName}, until ${validTo}`;
  if (left <= 0) {
    return [{ level: 'error', text: `${valid}: it has expired`, hint: 'Renew it; it is read again within seconds.' }];
  }
  return [{ level: left < SOON_MS ? 'warning' : 'ok', text: `takes posts on https://${listen}; ${valid}` }];
}
