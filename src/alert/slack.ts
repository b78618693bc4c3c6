import type { Transport } from '../output/transport.ts';
import type { Origin } from './document.ts';
import { toldBy } from './http-answer.ts';
import type { Notification } from './notification.ts';
import type { Receiver } from './receiver.ts';
import { render, slackEscape, slackText } from './template.ts';

/** Slack's incoming webhooks, and what else takes `text` with mrkdwn (Mattermost, Rocket.Chat, Discord's `/slack`). */
export function createSlack(name: string, transport: Transport, origin: Origin): Receiver {
  return {
    name,
    type: 'slack',
    async tell(notification, signal) {
      const body = Buffer.from(JSON.stringify({ text: slackMessage(notification, origin), unfurl_links: false }));
      const headers = { 'content-type': 'application/json' };
      return toldBy(await transport.request({ method: 'POST', path: '', headers, body }, signal));
    },
    close: () => transport.close(),
  };
}

const SIGNS = { info: '⚪', low: '🔵', medium: '🟡', high: '🟠', critical: '🔴' } as const;

export function slackMessage(notification: Notification, origin: Origin): string {
  const { status, rule, severity, summary, action, runbook, techniques, events, count, startsMs } = notification;
  const sign = status === 'resolved' ? '✅' : SIGNS[severity];
  const where = [origin.cluster, origin.node].flatMap((one) => (one === undefined ? [] : [slackText(one)])).join(', ');
  const event = events.at(-1);
  const lines = [
    `${sign} *${slackEscape(rule)}* (${severity}${status === 'resolved' ? ', over' : ''})${where === '' ? '' : ` on ${where}`}`,
    render(summary, slackText),
    ...(event === undefined
      ? []
      : [
          `${slackText(event.verb)} ${slackText(event.resource || event.path)} by ${slackText(event.as === undefined ? event.user : `${event.user} as ${event.as}`)} from ${slackText(event.sourceIPs)}, answered ${event.code}; audit id ${slackText(event.auditID)}`,
        ]),
    `since ${new Date(startsMs).toISOString()}, ${count === 1 ? 'once' : `${count} times`}`,
    ...(status === 'firing' && action !== '' ? [`*What to do:* ${slackEscape(action)}`] : []),
    [techniques.join(', '), /^https?:\/\/[^\s<>|]+$/.test(runbook) ? `<${runbook}|runbook>` : '']
      .filter((part) => part !== '')
      .join(' · '),
  ];
  return lines.filter((line) => line !== '').join('\n');
}
