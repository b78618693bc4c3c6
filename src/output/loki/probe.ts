import type { LokiOutputConfig } from '../../config/schema.ts';
import type { Finding } from '../output.ts';
import { replyWords } from '../send-result.ts';
import type { Transport, TransportReply } from '../transport.ts';
import { aboutLimits, MAX_CONFIG_BYTES } from './limits.ts';
import { PUSH_HEADERS, PUSH_PATH } from './push.ts';
import { compress } from './snappy.ts';

/**
 * Tries what a push needs, and writes nothing: a push without streams is refused with 422 once path, credentials and
 * tenant have been found good. (A query would ask for a right that a write-only token has not got.)
 */
export async function probe(
  transport: Transport,
  config: LokiOutputConfig,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const ready = await transport.request({ method: 'GET', path: '/ready' }, signal);
  if (ready.status === 0) {
    return [
      {
        level: 'error',
        text: `Loki cannot be reached: ${ready.words}`,
        hint: 'Check url, and that nothing on the way blocks it.',
      },
    ];
  }
  const findings: Finding[] = [];
  if (ready.status === 503) {
    findings.push({ level: 'warning', text: `Loki is starting (${replyWords(ready)}); it takes pushes already.` });
  }
  const version = await transport.request({ method: 'GET', path: '/loki/api/v1/status/buildinfo' }, signal);
  findings.push(aboutVersion(version));
  const push = await transport.request(
    {
      method: 'POST',
      path: PUSH_PATH,
      headers: PUSH_HEADERS,
      body: compress([]),
    },
    signal,
  );
  findings.push(aboutPush(push));
  const limits = await transport.request({ method: 'GET', path: '/config', maxAnswerBytes: MAX_CONFIG_BYTES }, signal);
  findings.push(...aboutLimits(limits, config));
  return findings;
}

function aboutVersion(reply: TransportReply): Finding {
  const version = reply.status === 200 ? /"version"\s*:\s*"([\w.+-]{1,64})"/.exec(reply.body.toString('utf8')) : null;
  if (version !== null) return { level: 'ok', text: `Loki ${version[1]} answers.` };
  return {
    level: 'warning',
    text: `The receiver does not tell its version (${reply.status} ${replyWords(reply)}).`.replace(' )', ')'),
    hint: 'This is no harm behind a gateway; otherwise check that url is the address of Loki, without /loki/api/v1/push.',
  };
}

function aboutPush(reply: TransportReply): Finding {
  const said = replyWords(reply);
  switch (reply.status) {
    case 200:
    case 204:
    case 422:
      return { level: 'ok', text: 'Pushes are accepted with these credentials.' };
    case 0:
      return { level: 'error', text: `The push API cannot be reached: ${said}`, hint: 'Check url and timeout.' };
    case 401:
      if (said.includes('no org id')) {
        return { level: 'error', text: 'Loki wants a tenant (401 no org id).', hint: 'Set tenant.' };
      }
      return { level: 'error', text: `The credentials are refused (401 ${said}).`, hint: 'Check auth.' };
    case 403:
      return { level: 'error', text: `These credentials may not push (403 ${said}).`, hint: 'Give them write access.' };
    case 404:
      return {
        level: 'error',
        text: `There is no push API at this address (404 ${said}).`,
        hint: 'Set url to the address of Loki, without /loki/api/v1/push.',
      };
    default:
      return {
        level: 'warning',
        text: `A push was answered with ${reply.status} ${said}.`,
        hint: 'Check that url is the address of Loki.',
      };
  }
}
