// Writes what is generated from the sources: the JSON Schema for editors, the reference pages and the compiled kernels.
// Tests say when they are stale.
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { renderAlertPages } from '../src/inspect/alert-pages.ts';
import { configJsonSchema } from '../src/config/json-schema.ts';
import { renderManual } from '../src/config/manual.ts';
import { createMetrics } from '../src/telemetry/metrics.ts';
import { renderMetricsPage } from '../src/telemetry/metrics-page.ts';
import { KERNELS, renderKernel } from './wasm.mjs';

const root = new URL('../', import.meta.url);

mkdirSync(new URL('docs', root), { recursive: true });
writeFileSync(new URL('config/auditail.schema.json', root), `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
writeFileSync(new URL('docs/configuration.md', root), renderManual());
writeFileSync(new URL('docs/metrics.md', root), renderMetricsPage(await createMetrics(() => undefined).describe()));
for (const kernel of KERNELS) writeFileSync(new URL(kernel.module, root), await renderKernel(kernel));
writeFileSync(new URL('docs/alert-rules.md', root), renderAlertPages(fileURLToPath(new URL('config/alerts', root))));
