import type { AlertExpectation } from '../inspect/alert-expectations.ts';
import type { AlertReplay, Replayed } from '../inspect/alert-replay.ts';
import type { AlertStatus } from '../inspect/status.ts';
import { documentOf } from '../alert/document.ts';
import { humanCount, plural } from './human.ts';
import { printable } from './printable.ts';
import { formatTable } from './table.ts';

/** The rules and receivers of a running agent. */
export function listText(alerts: readonly AlertStatus[]): string {
  return alerts
    .flatMap(({ source, rules, receivers, words, failures }) => [
      `Source ${source}`,
      ...(words === ''
        ? []
        : [
            '',
            'The files of the rules are not usable now; those from before are at work:',
            ...words.split('\n').map(printable),
          ]),
      ...(failures === 0 ? [] : [`${humanCount(failures)} times a condition failed on an event: no match there`]),
      '',
      formatTable(
        [
          { title: 'rule' },
          { title: 'severity' },
          { title: 'kind' },
          { title: 'matches', align: 'right' },
          { title: 'told', align: 'right' },
          { title: 'firing', align: 'right' },
          { title: 'groups', align: 'right' },
          { title: 'forgotten', align: 'right' },
          { title: 'last' },
        ],
        rules.map((rule) => [
          rule.name,
          rule.severity,
          rule.enabled ? rule.kind : 'off',
          humanCount(rule.matches),
          humanCount(rule.notifications),
          humanCount(rule.firing),
          humanCount(rule.groups),
          humanCount(rule.evicted),
          rule.lastAt,
        ]),
      ),
      '',
      formatTable(
        [
          { title: 'receiver' },
          { title: 'type' },
          { title: 'state' },
          { title: 'waiting', align: 'right' },
          { title: 'told', align: 'right' },
          { title: 'set aside', align: 'right' },
          { title: 'last' },
        ],
        receivers.map((one) => [
          one.name,
          one.type,
          one.reason === '' ? one.state : `${one.state}: ${one.reason}`,
          humanCount(one.pending),
          humanCount(one.told),
          humanCount(one.setAside),
          one.lastToldAt,
        ]),
      ),
      '',
    ])
    .join('\n')
    .trimEnd();
}

/** What would have been told: the rules that would have fired, and each alert where that is asked for. */
export function replayText(run: AlertReplay, withEvents: boolean, events: number): string {
  const report = run.report();
  const fired = report.filter(({ alerts }) => alerts > 0).toSorted((a, b) => b.alerts - a.alerts);
  const quiet = report.filter(({ alerts, enabled }) => alerts === 0 && enabled).length;
  const off = report.filter(({ enabled }) => !enabled).length;
  const table = formatTable(
    [
      { title: 'rule' },
      { title: 'severity' },
      { title: 'alerts', align: 'right' },
      { title: 'matches', align: 'right' },
      { title: 'first' },
      { title: 'last' },
    ],
    fired.map(({ name, severity, alerts, matches, firstAt, lastAt }) => [
      name,
      severity,
      humanCount(alerts),
      humanCount(matches),
      firstAt,
      lastAt,
    ]),
  );
  const sum = report.reduce((all, { alerts }) => all + alerts, 0);
  return [
    `${plural(sum, 'alert')} of ${plural(fired.length, 'rule')} in ${plural(events, 'event')}; ${plural(quiet, 'rule')} quiet${off === 0 ? '' : `, ${off} off`}`,
    ...(fired.length === 0 ? [] : ['', table]),
    ...(withEvents ? ['', ...run.told.map(alertLine)] : []),
    ...(withEvents && run.more > 0 ? [`and ${humanCount(run.more)} more`] : []),
  ].join('\n');
}

function alertLine({ notification, summary, where }: Replayed): string {
  const { lastMs, status, rule, severity, events } = notification;
  const event = events.at(-1);
  const place = where === null ? '' : `  ${where.name}:${where.line}`;
  const id = event === undefined || status === 'resolved' ? '' : `  ${event.auditID}`;
  const head = `${new Date(lastMs).toISOString()}  ${status === 'resolved' ? 'over' : severity}  ${rule}`;
  return printable(`${head}: ${summary}${place}${id}`);
}

export function replayJson(run: AlertReplay): string {
  const alerts = run.told.map(({ notification, where }) => ({ ...documentOf(notification, {}), where }));
  return JSON.stringify({ rules: run.report(), alerts, more: run.more }, null, 2);
}

export interface Checked {
  readonly expectation: AlertExpectation;
  readonly events: number;
  readonly failure: string | null;
}

export function describeExpectations(
  file: string,
  checked: readonly Checked[],
  paint: (style: 'green' | 'red' | 'dim', text: string) => string,
): string {
  const failed = checked.filter(({ failure }) => failure !== null).length;
  return [
    `${failed === 0 ? paint('green', '✓') : paint('red', '❯')} ${printable(file)} (${plural(checked.length, 'expectation')}${failed === 0 ? '' : `, ${failed} failed`})`,
    ...checked.flatMap(({ expectation, events, failure }) => {
      const name = `${printable(expectation.name)} ${paint('dim', `(${plural(events, 'event')})`)}`;
      if (failure === null) return [`  ${paint('green', '✓')} ${name}`];
      return [
        `  ${paint('red', '×')} ${name}`,
        `      at ${printable(expectation.place)}`,
        `      ${paint('red', printable(failure))}`,
      ];
    }),
  ].join('\n');
}
