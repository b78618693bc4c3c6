import type { Finding } from '../output.ts';
import { replyWords } from '../send-result.ts';
import type { Transport } from '../transport.ts';

/**
 * Asks for the URL with HEAD, since any POST could be taken for events. Many receivers answer that with 404 or 405, which still proves that
 * they are there.
 */
export async function probe(transport: Transport, signal: AbortSignal): Promise<readonly Finding[]> {
  const reply = await transport.request({ method: 'HEAD', path: '' }, signal);
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
  return [
    { level: 'ok', text: `It answers (HTTP ${status} to HEAD).` },
    { level: 'warning', text: 'Whether it takes events shows only with the first request.' },
  ];
}
