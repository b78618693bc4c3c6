import { configJsonSchema } from '../config/json-schema.ts';
import type { Context } from './context.ts';
import type { ExitCode } from './exit.ts';
import { EXIT } from './exit.ts';

/** `auditail schema`: the JSON Schema of the configuration, for editors. */
export function schema({ terminal }: Context): ExitCode {
  terminal.print(JSON.stringify(configJsonSchema(), null, 2));
  return EXIT.done;
}
