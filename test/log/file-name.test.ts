import { describe, expect, it, test } from 'vitest';
import { LogNames } from '../../src/log/file-name.ts';

const names = new LogNames('/var/log/kubernetes/audit.log');

describe('a backup name as lumberjack gives it', () => {
  it('tells the instant in UTC, with milliseconds', () => {
    expect(names.parse('audit-2026-11-23T04-45-26.969.log')).toEqual({
      name: 'audit-2026-11-23T04-45-26.969.log',
      stem: 'audit-2026-11-23T04-45-26.969.log',
      instantMs: Date.UTC(2026, 10, 23, 4, 45, 26, 969),
      compressed: false,
    });
  });

  it('belongs to the same file with .gz behind it', () => {
    expect(names.parse('audit-2026-11-23T04-45-26.969.log.gz')).toMatchObject({
      stem: 'audit-2026-11-23T04-45-26.969.log',
      compressed: true,
    });
  });

  it.each([
    'audit.log',
    'audit.log.1',
    'audit-.log',
    'audit-2026-11-23T04-45-26.log',
    'audit-2026-11-23T04:45:26.969.log',
    'audit-2026-11-23T04-45-26.969.log.gz.gz',
    'audit-2026-11-23T04-45-26.969.log.bz2',
    'audit-2026-11-23T04-45-26.9690.log',
    'audit-2026-13-23T04-45-26.969.log',
    'audit-2026-02-30T04-45-26.969.log',
    'audit-2026-11-23T24-00-00.000.log',
    'audit-policy-2026-11-23T04-45-26.969.log',
    'xaudit-2026-11-23T04-45-26.969.log',
    '',
  ])('is not: %j', (name) => expect(names.parse(name)).toBeNull());
});

// As Go's filepath.Ext, which lumberjack uses.
test.each([
  ['/x/audit', 'audit-2026-11-23T04-45-26.969'],
  ['/x/.audit', '-2026-11-23T04-45-26.969.audit'],
  ['/x/a.b.log', 'a.b-2026-11-23T04-45-26.969.log'],
  ['/x/audit.', 'audit-2026-11-23T04-45-26.969.'],
])('the extension of %s begins at its last dot', (path, name) => {
  const other = new LogNames(path);
  const instantMs = Date.UTC(2026, 10, 23, 4, 45, 26, 969);
  expect(other.backup(instantMs)).toBe(name);
  expect(other.parse(name)?.instantMs).toBe(instantMs);
});
