import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parsePolicy } from '../../../src/filter/policy/parse-policy.ts';

const GOOD = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: ["RequestReceived"]
rules:
  - level: Request
    users: &u ["a", "b"]
    resources:
      - group: "apps"
        resources: ["deployments"]
  - level: None
    users: *u
    nonResourceURLs: ["/healthz*"]
`;

const changes = fc.array(
  fc.tuple(
    fc.nat(GOOD.length),
    fc.nat(12),
    fc.oneof(fc.constantFrom('-', ':', '{', '[', '&u', '*u', '<<: ', '\t', '"', '\n'), fc.string()),
  ),
  { maxLength: 4 },
);

test('whatever a policy holds, it is read, or refused with a place in it', () => {
  fc.assert(
    fc.property(changes, fc.boolean(), (made, lenient) => {
      let text = GOOD;
      for (const [at, length, by] of made) text = text.slice(0, at) + by + text.slice(at + length);
      const lines = text.split(/\r\n|\n|\r/).length;
      const parsed = parsePolicy(text, { lenient });
      if (!parsed.ok) expect(parsed.findings.length).toBeGreaterThan(0);
      for (const { line, column, message } of parsed.findings) {
        expect(line).toBeGreaterThan(0);
        expect(line).toBeLessThanOrEqual(lines + 1);
        expect(column).toBeGreaterThan(0);
        expect(message).not.toBe('');
      }
    }),
    { numRuns: 1000 },
  );
});
