import type { HttpOutputConfig } from '../../config/schema.ts';
import type { Finding } from '../output.ts';
import { replyWords } from '../send-result.ts';
import type { Transport, TransportReply } from '../transport.ts';
import { TELLING_NAME } from '../url-secrets.ts';

/** By lower-case name. */
type Headers = Readonly<Record<string, string>>;

/**
 * Asks for the URL with HEAD, since any POST could be taken for events. Many receivers answer that with 404 or 405, which still proves that
 * they are there.
 */
export async function probe(transport: Transport, headers: Headers, signal: AbortSignal): Promise<readonly Finding[]> {
  const reply = await transport.request({ method: 'HEAD', path: '', headers }, signal);
  return (
    faults(reply) ?? [
      { level: 'ok', text: `It answers (HTTP ${reply.status} to HEAD).` },
      { level: 'warning', text: 'Whether it takes events shows only with the first request.' },
    ]
  );
}

/** OTLP has a request without records, so this tries the whole way and writes nothing. */
export async function probeOtlp(transport: Transport, more: Headers, signal: AbortSignal): Promise<readonly Finding[]> {
  const body = Buffer.from('{"resourceLogs":[]}');
  const headers = { ...more, 'content-type': 'application/json' };
  const reply = await transport.request({ method: 'POST', path: '', headers, body }, signal);
  if (reply.status === 200) return [{ level: 'ok', text: 'It takes OTLP over HTTP, as JSON.' }];
  return (
    faults(reply) ?? [
      {
        level: 'error',
        text: `It answers with HTTP ${reply.status} to OTLP: ${replyWords(reply)}`,
        hint: 'The URL must end in /v1/logs, and lead to the HTTP port of the receiver (4318 by default), not to that of gRPC.',
      },
    ]
  );
}

/** What the headers with templates came to, so that a person sees it before the first event does. Secrets are not shown. */
export function aboutTemplates({ headers }: HttpOutputConfig, filledIn: Headers): readonly Finding[] {
  const shown = Object.entries(headers).flatMap(([name, template]) => {
    const value = filledIn[name.toLowerCase()];
    if (value === undefined || typeof template !== 'string') return [];
    return [`${name}: ${TELLING_NAME.test(name) ? '***' : value}`];
  });
  if (shown.length === 0) return [];
  return [{ level: 'ok', text: `Headers are filled in, without the fields of an event: ${shown.join(', ')}` }];
}

/** What is wrong before anybody asks for events; null where nothing is. */
function faults(reply: TransportReply): readonly Finding[] | null {
  const { status } = reply;
  if (status === 0) {
    return [
      {
        level: 'error',
        text: `No answer (${reply.reason}): ${reply.words}`,
        hint:
          reply.reason === 'tls'
            ? 'Check tls.ca, tls.cert and the name in the URL.'
            : 'Check the URL, the network and the name service.',
      },
    ];
  }
  if (status === 401 || status === 403) {
    return [
      { level: 'error', text: `The credentials are not accepted (HTTP ${status}).`, hint: 'Check auth and headers.' },
    ];
  }
  if (status === 407)
    return [{ level: 'error', text: 'The proxy wants credentials (HTTP 407).', hint: 'Put them into HTTPS_PROXY.' }];
  if (status >= 300 && status < 400) {
    return [
      {
        level: 'error',
        text: `It answers with HTTP ${status}: ${replyWords(reply)}`,
        hint: 'Redirects are not followed: give the final URL.',
      },
    ];
  }
  if (status >= 500 && status !== 501) {
    return [
      {
        level: 'warning',
        text: `It answers with HTTP ${status}.`,
        hint: 'It may be starting; events would wait in the log.',
      },
    ];
  }
  return null;
}
