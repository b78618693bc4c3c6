import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { filter as filterSchema } from '../../src/config/filter-schema.ts';
import { EventView } from '../../src/event/event-view.ts';
import { applySplices } from '../../src/event/splice.ts';
import { createFilter } from '../../src/filter/create-filter.ts';
import { KEY_FIELDS } from '../../src/filter/throttle/throttle.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const EVENT = {
  kind: 'Event',
  apiVersion: 'audit.k8s.io/v1',
  level: 'RequestResponse',
  auditID: 'a',
  stage: 'ResponseComplete',
  requestURI: '/api/v1/namespaces/default/secrets/s',
  verb: 'update',
  user: { username: 'alice' },
  objectRef: { resource: 'secrets', namespace: 'default', name: 's', apiVersion: 'v1' },
  responseStatus: { metadata: {}, code: 200 },
  requestObject: {
    kind: 'Secret',
    apiVersion: 'v1',
    metadata: { name: 's', managedFields: [{ manager: 'm' }] },
    data: { k: 'aGlkZGVu' },
  },
  responseObject: { kind: 'Secret', apiVersion: 'v1', metadata: { name: 's' }, data: { k: 'aGlkZGVu' } },
  requestReceivedTimestamp: '2026-11-23T05:13:10.526569Z',
  stageTimestamp: '2026-11-23T05:13:10.552784Z',
};

const hash = (config: unknown) => createFilter(filterSchema.parse(config)).hash;

/** What is delivered of the event, or the name of the rule that keeps it back. */
function outcome(config: unknown, event: object = EVENT): unknown {
  const filter = createFilter(filterSchema.parse(config));
  const view = new EventView();
  const bytes = Buffer.from(JSON.stringify(event));
  expect(view.read(bytes, 0, bytes.length)).toBeNull();
  const verdict = filter.judge(view);
  if (verdict.type === 'drop') return filter.rules[verdict.rule];
  if (verdict.type === 'pass') return event;
  const scratch = { bytes: Buffer.alloc(0) };
  const length = applySplices(bytes, 0, bytes.length, verdict.splices, scratch);
  return JSON.parse(scratch.bytes.toString('utf8', 0, length));
}

function policy(text: string): string {
  const file = join(temporaryDirectory(), 'policy.yaml');
  writeFileSync(file, `apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n${text}`);
  return file;
}

describe('the filter of an output', () => {
  it('redacts without being asked to, and says how much', () => {
    const delivered = outcome({}) as typeof EVENT & { annotations: Record<string, string> };
    expect(JSON.stringify(delivered)).not.toContain('aGlkZGVu');
    expect(Object.keys(delivered.requestObject.data)).toEqual(['k']);
    expect(delivered.annotations['auditail.io/redacted']).toContain('secret-data=2');
  });

  it('changes nothing where redaction is off and nothing else is on', () => {
    expect(outcome({ redact: { enabled: false } })).toEqual(EVENT);
  });

  it('lowers an event to the level of its rule in the policy, and redacts what is left', () => {
    const delivered = outcome({ policy: policy('  - level: Request\n') }) as Partial<typeof EVENT>;
    expect(delivered.level).toBe('Request');
    expect(delivered.responseObject).toBeUndefined();
    expect(JSON.stringify(delivered)).not.toContain('aGlkZGVu');
  });

  it('names the rule of the policy that drops an event before any condition is asked', () => {
    const config = { policy: policy('  - level: None\n'), drop: [{ name: 'all', when: 'true' }] };
    expect(outcome(config)).toBe('policy[0]');
  });

  it('shows conditions the event as it was recorded, whatever the policy lowers', () => {
    const config = {
      policy: policy('  - level: Metadata\n'),
      drop: [{ name: 'full', when: 'level == "RequestResponse"' }],
    };
    expect(outcome(config)).toBe('full');
  });

  it('throttles what the conditions let through', () => {
    const filter = createFilter(filterSchema.parse({ throttle: [{ name: 'few', key: ['verb'], qps: 1, burst: 1 }] }));
    const view = new EventView();
    const bytes = Buffer.from(JSON.stringify(EVENT));
    view.read(bytes, 0, bytes.length);
    expect(filter.judge(view).type).toBe('edit');
    const second = filter.judge(view);
    expect(second.type === 'drop' && filter.rules[second.rule]).toBe('few');
  });

  it('leaves out what is trimmed', () => {
    const delivered = outcome({ trim: { managedFields: true, paths: ['responseObject'] }, redact: { enabled: false } });
    expect(JSON.stringify(delivered)).not.toContain('managedFields');
    expect((delivered as Partial<typeof EVENT>).responseObject).toBeUndefined();
  });

  it('has a hash that changes with every part of it', () => {
    const hashes = [
      hash({}),
      hash({ redact: { enabled: false } }),
      hash({ redact: { paths: ['userAgent'] } }),
      hash({ trim: { managedFields: true } }),
      hash({ drop: [{ name: 'x', when: 'true' }] }),
      hash({ throttle: [{ name: 'few', qps: 1, burst: 1 }] }),
      hash({ policy: policy('  - level: Metadata\n') }),
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  it('refuses to trim the elements of an array, which have no names', () => {
    expect(() => createFilter(filterSchema.parse({ trim: { paths: ['requestObject.items[]'] } }))).toThrow(
      /ends in \[\]/,
    );
  });

  it('throttles by the fields that the configuration offers', () => {
    const config = { throttle: [{ name: 'few', key: [...KEY_FIELDS], qps: 1, burst: 1 }] };
    expect(filterSchema.parse(config).throttle[0]?.key).toEqual(KEY_FIELDS);
  });

  it('refuses a policy that is not sound, with the place', () => {
    expect(() => createFilter(filterSchema.parse({ policy: policy('  - level: metadata\n') }))).toThrow(
      /policy\.yaml:4:/,
    );
  });
});
