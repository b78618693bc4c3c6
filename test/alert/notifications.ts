import type { Notification } from '../../src/alert/notification.ts';

export function notification(more: Partial<Notification> = {}): Notification {
  return {
    id: '0123456789abcdef0123456789abcdef',
    status: 'firing',
    rule: 'exec-into-pod',
    severity: 'high',
    source: 'audit',
    fingerprint: 'aaaabbbbccccdddd',
    group: { 'user.username': 'eve', 'objectRef.namespace': 'shop' },
    labels: { team: 'sec' },
    summary: [{ value: 'eve' }, { text: ' ran a command in ' }, { value: '<!channel> *db* "x"' }],
    description: 'Somebody ran a command.',
    action: 'Ask them & look.',
    techniques: ['T1609'],
    runbook: 'https://example.test/exec',
    startsMs: Date.parse('2026-11-23T10:00:00Z'),
    lastMs: Date.parse('2026-11-23T10:00:05Z'),
    count: 2,
    lastsMs: 3_600_000,
    events: [
      {
        time: '2026-11-23T10:00:05.000000Z',
        auditID: 'x-1',
        stage: 'ResponseStarted',
        verb: 'create',
        user: 'eve',
        as: 'root',
        resource: 'pods/exec',
        namespace: 'shop',
        name: 'db',
        path: '/api/v1/namespaces/shop/pods/db/exec',
        code: 101,
        sourceIPs: '203.0.113.7, 10.0.0.1',
        userAgent: 'kubectl',
      },
    ],
    ...more,
  };
}
