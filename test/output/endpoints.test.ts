import { describe, expect, it } from 'vitest';
import { Endpoints, pathAt } from '../../src/output/endpoints.ts';

function three(clock: { now: number }): Endpoints {
  return new Endpoints(['http://a', 'http://b', 'http://c'], () => clock.now);
}

function order(endpoints: Endpoints): string {
  return endpoints
    .order()
    .map((endpoint) => endpoint.base.hostname)
    .join('');
}

describe('endpoints', () => {
  it('serve in the order of the configuration', () => {
    expect(order(three({ now: 0 }))).toBe('abc');
  });

  it('go behind the others while they rest, the one that returns first foremost', () => {
    const clock = { now: 1000 };
    const endpoints = three(clock);
    const [a, b] = endpoints.order();
    expect(endpoints.failed(a as never)).toBe(5000);
    clock.now += 1;
    endpoints.failed(b as never);
    expect(order(endpoints)).toBe('cab');
    clock.now += 4999;
    expect(order(endpoints)).toBe('acb');
    clock.now += 1;
    expect(order(endpoints)).toBe('abc');
  });

  it('rest twice as long each time they fail anew, up to a minute', () => {
    const clock = { now: 0 };
    const endpoints = three(clock);
    const [a] = endpoints.order();
    const rests = Array.from({ length: 6 }, () => {
      const restMs = endpoints.failed(a as never);
      clock.now += restMs;
      return restMs;
    });
    expect(rests).toEqual([5000, 10_000, 20_000, 40_000, 60_000, 60_000]);
  });

  it('do not rest longer because several requests failed at once', () => {
    const endpoints = three({ now: 0 });
    const [a] = endpoints.order();
    expect([endpoints.failed(a as never), endpoints.failed(a as never)]).toEqual([5000, 0]);
  });

  it('are as good as new once they served', () => {
    const clock = { now: 0 };
    const endpoints = three(clock);
    const [a] = endpoints.order();
    endpoints.failed(a as never);
    expect([endpoints.served(a as never), endpoints.served(a as never)]).toEqual([true, false]);
    expect(order(endpoints)).toBe('abc');
    expect(endpoints.failed(a as never)).toBe(5000);
  });
});

describe('a path at an endpoint', () => {
  it.each([
    ['http://h', '/_bulk', '/_bulk'],
    ['http://h/', '/_bulk?a=1', '/_bulk?a=1'],
    ['http://h/base', '/_bulk', '/base/_bulk'],
    ['http://h/base//', '/_bulk', '/base/_bulk'],
    ['http://h/base?t=1', '/_bulk?a=1', '/base/_bulk?t=1&a=1'],
    ['http://h/base/?t=1', '', '/base/?t=1'],
    ['http://h', '', '/'],
    ['http://h', '/', '/'],
    ['http://h/x?q=a?b', '/y?z=?', '/x/y?q=a?b&z=?'],
  ])('%s and %j make %s', (url, path, expected) => {
    expect(pathAt({ origin: '', base: new URL(url) }, path)).toBe(expected);
  });
});
