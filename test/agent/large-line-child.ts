import { pino } from 'pino';
import { startAgent } from '../../src/agent.ts';
import { configSchema } from '../../src/config/schema.ts';

/** Runs an agent from a log to a file, and says every 20 ms how much memory the process has; ends by its parent. */
const [stateDirectory, path, output] = process.argv.slice(2) as [string, string, string];
const config = configSchema.parse({
  stateDirectory,
  sources: [{ name: 'kube', type: 'file', path }],
  outputs: [{ name: 'o', type: 'file', path: output, batch: { maxDelay: '10ms' } }],
  telemetry: { listen: 'off' },
});
const agent = await startAgent(
  { ...config, metadata: {} },
  { mode: 'run', logger: pino({ level: 'silent' }), version: '0.0.0' },
);
const report = () => {
  const { delivered } = agent.status().pipelines[0]?.totals ?? { delivered: 0 };
  process.send?.({ delivered, rss: process.memoryUsage.rss() });
};
setInterval(report, 20);
process.on('disconnect', () => process.exit());
