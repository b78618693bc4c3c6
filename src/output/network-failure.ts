import { messageOf, systemCode } from '../errors.ts';
import { words } from './words.ts';

/** Why no answer came, as stable words for metrics and the status page. */
export type NetworkReason =
  | 'refused'
  | 'reset'
  | 'timeout'
  | 'dns'
  | 'tls'
  | 'unreachable'
  | 'proxy'
  | 'garbled'
  | 'aborted'
  | 'secret';

export interface NetworkFailure {
  readonly reason: NetworkReason;
  readonly words: string;
  /** Whether it is certain that the receiver saw nothing of the request, so that another endpoint may have it at once. */
  readonly unsent: boolean;
}

const REASONS: Readonly<Record<string, NetworkReason>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset',
  ECONNABORTED: 'reset',
  EPIPE: 'reset',
  UND_ERR_SOCKET: 'reset',
  ETIMEDOUT: 'timeout',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  EAI_FAIL: 'dns',
  EAI_NODATA: 'dns',
  EAI_NONAME: 'dns',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ENETDOWN: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  EPROTO: 'tls',
  SELF_SIGNED_CERT_IN_CHAIN: 'tls',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tls',
  HOSTNAME_MISMATCH: 'tls',
  INVALID_CA: 'tls',
  INVALID_PURPOSE: 'tls',
  PATH_LENGTH_EXCEEDED: 'tls',
  UND_ERR_CLOSED: 'aborted',
  UND_ERR_DESTROYED: 'aborted',
  UND_ERR_HEADERS_OVERFLOW: 'garbled',
  UND_ERR_PRX_TLS: 'proxy',
  UND_ERR_ABORTED: 'proxy', // what undici says when a proxy refuses the tunnel; our own cuts never come this way
};

/** What fails before the first byte of a request is written. */
const UNSENT: ReadonlySet<NetworkReason> = new Set(['refused', 'dns', 'unreachable', 'proxy']);

/** Sorts what undici, a socket or TLS threw. A code that is not known counts as `unreachable`, but may have been sent. */
export function networkFailure(error: unknown, origin: string): NetworkFailure {
  const code = systemCode(error);
  const known = REASONS[code];
  const reason = known ?? byName(code, error);
  const message = messageOf(error);
  return {
    reason,
    words: words(`${origin}: ${message === '' ? code : message}`),
    unsent: code === 'UND_ERR_CONNECT_TIMEOUT' || reason === 'tls' || (known !== undefined && UNSENT.has(known)),
  };
}

function byName(code: string, error: unknown): NetworkReason {
  if (/^(ERR_TLS|ERR_SSL|CERT_|CRL_|UNABLE_TO_|ERROR_IN_|CA_)/.test(code)) return 'tls';
  if (/^(HPE_|UND_ERR_)/.test(code) || (error instanceof Error && error.name === 'HTTPParserError')) return 'garbled';
  return 'unreachable';
}
