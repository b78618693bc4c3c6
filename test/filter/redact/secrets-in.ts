import { asJson } from './redacting.ts';

const WEB_TOKEN = /eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]+/g;
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** What is secret in an event, found slowly and by other means than the redactor's: the values, as they are written. */
export function secretsIn(event: Record<string, unknown>): ReadonlySet<string> {
  const { resource, subresource } = (event['objectRef'] ?? {}) as Record<string, unknown>;
  const found = new Set<string>();
  const ofSecrets = resource === 'secrets';
  const ofTokens = resource === 'tokenreviews' || (resource === 'serviceaccounts' && subresource === 'token');
  for (const key of ['requestObject', 'responseObject', 'responseStatus'])
    visit(event[key], ofSecrets, ofTokens, found);
  for (const [token] of JSON.stringify(event).matchAll(WEB_TOKEN)) found.add(token);
  const uri = typeof event['requestURI'] === 'string' ? event['requestURI'] : '';
  for (const [, value] of uri.matchAll(/[?&](?:password|token)=([^&]+)/g)) found.add(value as string);
  // Of what is shorter, other text may hold it by chance; what is written to stand there is no secret.
  return new Set([...found].filter((value) => value.length >= 6 && value !== '[redacted]'));
}

function visit(value: unknown, inSecret: boolean, inToken: boolean, found: Set<string>): void {
  if (typeof value === 'string') {
    const inner = asJson(value);
    if (inner !== undefined) visit(inner, inSecret, inToken, found);
  }
  if (Array.isArray(value)) for (const item of value) visitOperation(item, inSecret, inToken, found);
  else if (typeof value === 'object' && value !== null) {
    const object = value as Record<string, unknown>;
    const isSecret = inSecret || object['kind'] === 'Secret' || object['kind'] === 'SecretList';
    const isToken = inToken || object['kind'] === 'TokenRequest' || object['kind'] === 'TokenReview';
    for (const [key, child] of Object.entries(object)) {
      if (isSecret && (key === 'data' || key === 'stringData')) collect(child, found);
      else if (isSecret && key === LAST_APPLIED) found.add(String(child));
      else if (isToken && key === 'token') collect(child, found);
      else visit(child, isSecret, isToken, found);
    }
  }
}

function visitOperation(item: unknown, inSecret: boolean, inToken: boolean, found: Set<string>): void {
  const { op, path, value } = (typeof item === 'object' && item !== null ? item : {}) as Record<string, unknown>;
  if (inSecret && op !== undefined && /^\/(?:data|stringData)(?:\/|$)/.test(String(path))) collect(value, found);
  else visit(item, inSecret, inToken, found);
}

/** All that is written below. */
function collect(value: unknown, found: Set<string>): void {
  if (typeof value === 'string') found.add(value);
  else if (typeof value === 'object' && value !== null) for (const child of Object.values(value)) collect(child, found);
}
