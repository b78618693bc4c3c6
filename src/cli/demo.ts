import { runDemo } from '../demo/demo.ts';
import type { ExitCode } from './exit.ts';

/** `auditail demo`: the main job on recorded events. */
export async function demo(): Promise<ExitCode> {
  return (await runDemo({ screen: process.stdout })) as ExitCode;
}
