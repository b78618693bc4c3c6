import { describe, expect, it } from 'vitest';
import { compileExpression } from '../../src/filter/expression.ts';
import { eventOf } from '../event/event-of.ts';

const EVENT = eventOf({
  sourceIPs: ['10.1.2.3', '2001:db8::1'],
  stageTimestamp: '2026-11-23T05:00:00.000000Z',
});

function holds(expression: string): boolean {
  const compiled = compileExpression(expression);
  if (!compiled.ok) throw new Error(compiled.message);
  return compiled.holds(EVENT);
}

describe('addresses in conditions', () => {
  it.each([
    'sourceIPs.exists(address, cidr("10.0.0.0/8").containsIP(address))',
    'sourceIPs.exists(address, cidr("2001:db8::/32").containsIP(ip(address)))',
    '!sourceIPs.exists(address, isIP(address) && cidr("192.168.0.0/16").containsIP(address))',
    'ip(sourceIPs[0]).family() == 4 && ip(sourceIPs[1]).family() == 6',
    'isIP("::1") && !isIP("010.0.0.1") && !isIP("fe80::1%eth0") && !isIP("::ffff:1.2.3.4") && !isIP("1.2.3")',
    'isCIDR("10.0.0.0/8") && !isCIDR("10.0.0.0/33") && !isCIDR("10.0.0.0/08") && !isCIDR("10.0.0.0")',
    'ip("127.0.0.1").isLoopback() && ip("::1").isLoopback() && !ip("128.0.0.1").isLoopback()',
    'ip("0.0.0.0").isUnspecified() && ip("::").isUnspecified()',
    'ip("169.254.169.254").isLinkLocalUnicast() && ip("224.0.0.1").isLinkLocalMulticast()',
    'ip("10.0.0.1").isGlobalUnicast() && !ip("255.255.255.255").isGlobalUnicast()',
    'cidr("10.0.0.0/8").containsCIDR("10.1.0.0/16") && !cidr("10.1.0.0/16").containsCIDR(cidr("10.0.0.0/8"))',
    'cidr("10.1.2.3/8").masked() == cidr("10.0.0.0/8") && cidr("10.1.2.3/8").prefixLength() == 8',
    'cidr("10.1.2.3/8").ip() == ip("10.1.2.3") && ip("2001:db8::0:1") == ip("2001:db8::1")',
    '!cidr("0.0.0.0/0").containsIP("::1") && cidr("::/0").containsIP("::1")',
    'ip("::1.2.3.4") == ip("::102:304")',
  ])('%s', (expression) => {
    expect(holds(expression)).toBe(true);
  });

  it('what is no address fails on the event, and is known at load where it has another type', () => {
    expect(() => holds('cidr("10.0.0.0/8").containsIP(verb)')).toThrow('is not an IP address');
    expect(compileExpression('cidr("10.0.0.0/8").containsIP(7)')).toMatchObject({ ok: false });
    expect(compileExpression('ip("10.0.0.1")')).toMatchObject({ ok: false });
  });
});
