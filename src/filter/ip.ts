import { isIPv4, isIPv6 } from 'node:net';
import type { Environment } from '@marcbachmann/cel-js';

/** An IP address as Kubernetes' CEL library has it: no zone, no IPv4 within IPv6, no leading zeros. */
class IP {
  readonly bits: 32 | 128;
  readonly value: bigint;

  constructor(bits: 32 | 128, value: bigint) {
    this.bits = bits;
    this.value = value;
  }
}

class CIDR {
  readonly ip: IP;
  readonly length: number;

  constructor(ip: IP, length: number) {
    this.ip = ip;
    this.length = length;
  }
}

/**
 * The IP and CIDR functions of Kubernetes' CEL (k8s.io/apiserver/pkg/cel/library/ip.go and cidr.go). What is no address
 * makes `ip` and `cidr` fail; `isIP` and `isCIDR` ask.
 */
export function withAddresses(environment: Environment): Environment {
  return environment
    .registerType('IP', { ctor: IP, fields: {} })
    .registerType('CIDR', { ctor: CIDR, fields: {} })
    .registerOperator('IP == IP', (one: IP, other: IP) => equal(one, other))
    .registerOperator('CIDR == CIDR', (one: CIDR, other: CIDR) => {
      return one.length === other.length && equal(one.ip, other.ip);
    })
    .registerFunction('ip(string): IP', (text: string) => known(parseIp(text), text, 'an IP address'))
    .registerFunction('isIP(string): bool', (text: string) => parseIp(text) !== null)
    .registerFunction('cidr(string): CIDR', (text: string) => known(parseCidr(text), text, 'a CIDR'))
    .registerFunction('isCIDR(string): bool', (text: string) => parseCidr(text) !== null)
    .registerFunction('IP.family(): int', (ip: IP) => (ip.bits === 32 ? 4n : 6n))
    .registerFunction('IP.isUnspecified(): bool', (ip: IP) => ip.value === 0n)
    .registerFunction('IP.isLoopback(): bool', (ip: IP) => isIn(ip, '127.0.0.0/8', '::1/128'))
    .registerFunction('IP.isLinkLocalMulticast(): bool', (ip: IP) => isIn(ip, '224.0.0.0/24', 'ff02::/16'))
    .registerFunction('IP.isLinkLocalUnicast(): bool', (ip: IP) => isIn(ip, '169.254.0.0/16', 'fe80::/10'))
    .registerFunction('IP.isGlobalUnicast(): bool', isGlobalUnicast)
    .registerFunction('CIDR.containsIP(IP): bool', containsIp)
    .registerFunction('CIDR.containsIP(string): bool', (cidr: CIDR, text: string) => {
      return containsIp(cidr, known(parseIp(text), text, 'an IP address'));
    })
    .registerFunction('CIDR.containsCIDR(CIDR): bool', containsCidr)
    .registerFunction('CIDR.containsCIDR(string): bool', (cidr: CIDR, text: string) => {
      return containsCidr(cidr, known(parseCidr(text), text, 'a CIDR'));
    })
    .registerFunction('CIDR.ip(): IP', (cidr: CIDR) => cidr.ip)
    .registerFunction('CIDR.masked(): CIDR', ({ ip, length }: CIDR) => {
      const host = BigInt(ip.bits - length);
      return new CIDR(new IP(ip.bits, (ip.value >> host) << host), length);
    })
    .registerFunction('CIDR.prefixLength(): int', (cidr: CIDR) => BigInt(cidr.length));
}

function known<Value>(value: Value | null, text: string, what: string): Value {
  if (value === null) throw new TypeError(`${JSON.stringify(text.slice(0, 64))} is not ${what}`);
  return value;
}

function parseIp(text: string): IP | null {
  if (isIPv4(text))
    return new IP(
      32,
      text.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n),
    );
  if (!isIPv6(text) || text.includes('%')) return null;
  const value = valueOfIpv6(text);
  return value >> 32n === 0xffffn ? null : new IP(128, value);
}

/** Of a text that is known to be one. */
function valueOfIpv6(text: string): bigint {
  const dotted = /[^:]*\.[^:]*$/.exec(text)?.[0];
  const plain = dotted === undefined ? text : `${text.slice(0, -dotted.length)}${groupsOfIpv4(dotted)}`;
  const [before = '', after = ''] = plain.split('::');
  const head = before === '' ? [] : before.split(':');
  const tail = after === '' ? [] : after.split(':');
  const groups = [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => '0'), ...tail];
  return groups.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}

function groupsOfIpv4(text: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = text.split('.').map(Number);
  return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

function parseCidr(text: string): CIDR | null {
  const match = /^(.+)\/(0|[1-9]\d{0,2})$/.exec(text);
  const ip = match === null ? null : parseIp(match[1] as string);
  const length = Number(match?.[2]);
  return ip === null || length > ip.bits ? null : new CIDR(ip, length);
}

function equal(one: IP, other: IP): boolean {
  return one.bits === other.bits && one.value === other.value;
}

function containsIp({ ip, length }: CIDR, other: IP): boolean {
  const host = BigInt(ip.bits - length);
  return ip.bits === other.bits && ip.value >> host === other.value >> host;
}

function containsCidr(cidr: CIDR, other: CIDR): boolean {
  return cidr.length <= other.length && containsIp(cidr, other.ip);
}

function isIn(ip: IP, ...ranges: readonly string[]): boolean {
  return ranges.some((range) => containsIp(parseCidr(range) as CIDR, ip));
}

/** As Go's net/netip has it: private addresses count. */
function isGlobalUnicast(ip: IP): boolean {
  const isBroadcast = ip.bits === 32 && ip.value === 0xffff_ffffn;
  const others = ['127.0.0.0/8', '::1/128', '224.0.0.0/4', 'ff00::/8', '169.254.0.0/16', 'fe80::/10'];
  return ip.value !== 0n && !isBroadcast && !isIn(ip, ...others);
}
