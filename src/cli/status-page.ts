import type { AgentStatus } from '../inspect/status.ts';
import { StatusHistory } from '../inspect/status-history.ts';
import type { Page } from '../telemetry/request-handler.ts';
import { STATUS_PAGE_POLICY, startingHtml, statusHtml } from './status-html.ts';

/** The status page of a running agent. Its rates and lines are of the times when somebody looked. */
export function createStatusPage(status: () => AgentStatus | undefined): Page {
  const history = new StatusHistory(60);
  return {
    policy: STATUS_PAGE_POLICY,
    render() {
      const nowMs = Date.now();
      const current = status();
      if (current === undefined) return startingHtml(nowMs);
      history.add(current, nowMs);
      return statusHtml(current, history, nowMs);
    },
  };
}
