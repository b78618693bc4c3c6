import { readFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { waitUntil } from '../../src/demo/wait.ts';
import { createStatusPage } from '../../src/cli/status-page.ts';
import type { AgentStatus } from '../../src/inspect/status.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { createRequestHandler } from '../../src/telemetry/request-handler.ts';
import { findChromium, keepOpen, openPage } from '../support/chromium.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { PIPELINE, STATUS } from '../telemetry/sample-status.ts';

const chromium = findChromium();
const title = 'the status page in a real browser';

interface Served {
  readonly url: string;
  readonly asked: readonly string[];
}

async function serve(status: (views: number) => AgentStatus): Promise<Served> {
  const asked: string[] = [];
  const views = () => asked.filter((url) => url === '/').length;
  const current = () => status(views());
  const page = createStatusPage(current);
  const handler = createRequestHandler(
    { status: current, metrics: createMetrics(current), page },
    { withStatus: false },
  );
  const server = http.createServer((request, response) => {
    asked.push(request.url ?? '');
    handler(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  return { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`, asked };
}

describe.skipIf(chromium === undefined)(
  chromium === undefined ? `${title} (skipped: there is no Chromium to be had)` : title,
  () => {
    test('shows the status, with its style, and asks for nothing else', async () => {
      const { url, asked } = await serve(() => STATUS);
      const picture = path.join(temporaryDirectory(), 'page.png');
      const dom = await openPage(chromium ?? '', url, ['--window-size=1200,900', `--screenshot=${picture}`]);
      expect(dom).toContain('<td class="text">/var/log/kubernetes/audit/audit.log</td>');
      expect(dom).toContain('<span class="retrying">retrying</span>');
      expect(readFileSync(picture).length).toBeGreaterThan(10_000);
      expect(new Set(asked)).toEqual(new Set(['/']));
    });

    test('looks again by itself, and draws what it has seen', async () => {
      const { url, asked } = await serve((views) => ({
        ...STATUS,
        pipelines: [{ ...PIPELINE, lagBytes: views * 1000, totals: { ...PIPELINE.totals, readEvents: views * 7000 } }],
      }));
      const close = keepOpen(chromium ?? '', url);
      expect(await waitUntil(() => asked.length >= 3, { progress: () => asked.length, standstillMs: 20_000 })).toBe(
        true,
      );
      close();
      const dom = await openPage(chromium ?? '', url);
      expect(dom).toContain('<polyline');
    });

    test('runs nothing that an attacker wrote into it', async () => {
      const script = `<script>document.title='owned'</script><img src=/leak onerror="document.title='owned'"><style>body{display:none}</style>`;
      const pipeline = { ...PIPELINE, output: script, lastError: { at: script, reason: script, words: script } };
      const { url, asked } = await serve(() => ({ ...STATUS, version: script, pipelines: [pipeline] }));
      const dom = await openPage(chromium ?? '', url);
      expect(dom).toContain('<title>auditail</title>');
      expect(dom).not.toContain("'owned'</script>");
      expect(asked).toEqual(['/']);
    });

    test('the policy alone would stop a script, had one come through', async () => {
      const page = createStatusPage(() => STATUS);
      const server = http.createServer((_request, response) => {
        response.setHeader('content-security-policy', page.policy);
        response.setHeader('content-type', 'text/html');
        response.end(page.render().replace('</body>', "<script>document.title='owned'</script></body>"));
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      onTestFinished(() => {
        server.close();
        server.closeAllConnections();
      });
      const address = server.address();
      const dom = await openPage(
        chromium ?? '',
        `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`,
      );
      expect(dom).toContain('<title>auditail</title>');
    });
  },
);
