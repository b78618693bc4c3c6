import { describe, expect, it } from 'vitest';
import { networkFailure } from '../../src/output/network-failure.ts';

function thrown(code: string): Error {
  return Object.assign(new Error(`something about ${code}`), { code });
}

describe('a failure of the network', () => {
  it.each([
    ['ECONNREFUSED', 'refused', true],
    ['ECONNRESET', 'reset', false],
    ['EPIPE', 'reset', false],
    ['UND_ERR_SOCKET', 'reset', false],
    ['UND_ERR_CONNECT_TIMEOUT', 'timeout', true],
    ['ETIMEDOUT', 'timeout', false],
    ['ENOTFOUND', 'dns', true],
    ['EAI_AGAIN', 'dns', true],
    ['EHOSTUNREACH', 'unreachable', true],
    ['ENETUNREACH', 'unreachable', true],
    ['CERT_HAS_EXPIRED', 'tls', true],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls', true],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'tls', true],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'tls', true],
    ['HPE_INVALID_CONSTANT', 'garbled', false],
    ['UND_ERR_HEADERS_OVERFLOW', 'garbled', false],
    ['E_NEVER_HEARD_OF', 'unreachable', false],
  ])('with the code %s is %s', (code, reason, unsent) => {
    expect(networkFailure(thrown(code), 'http://h:1')).toEqual({
      reason,
      unsent,
      words: `http://h:1: something about ${code}`,
    });
  });

  it('of which nothing is known may have been sent', () => {
    expect(networkFailure('a string', 'http://h')).toEqual({
      reason: 'unreachable',
      unsent: false,
      words: 'http://h: a string',
    });
  });
});
