import { expect, it } from 'vitest';
import { countsIn } from '../../../src/inspect/reconcile/api-server.ts';

const PAGE = `# HELP apiserver_audit_error_total [ALPHA] Counter of audit events that failed to be audited properly.
# TYPE apiserver_audit_error_total counter
apiserver_audit_error_total{plugin="log"} 3
apiserver_audit_error_total{plugin="webhook"} 40
# TYPE apiserver_audit_event_total counter
apiserver_audit_event_total 1.2345e+06
apiserver_audit_event_totals 7
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1.79541e+09
`;

it('reads the counters and the start of the process off a page of metrics', () => {
  expect(countsIn(PAGE)).toEqual({ startedMs: 1_795_410_000_000, events: 1_234_500, errors: 3 });
});

it('an API server without an error has no such series', () => {
  expect(
    countsIn(
      'process_start_time_seconds 5\napiserver_audit_event_total{a="b"} 2\napiserver_audit_event_total{a="c"} 3',
    ),
  ).toEqual({
    startedMs: 5000,
    events: 5,
    errors: 0,
  });
});

it('a page of something else is none', () => {
  expect(countsIn('<html>apiserver_audit_event_total 5</html>')).toBeNull();
  expect(countsIn('')).toBeNull();
});
