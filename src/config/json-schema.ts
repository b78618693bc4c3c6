import * as z from 'zod';
import { configSchema } from './schema.ts';

const DRAFT = 'https://json-schema.org/draft/2020-12/schema';

/** JSON Schema (draft 2020-12) of the configuration as it is written, defaults included. */
export function configJsonSchema(): z.core.JSONSchema.JSONSchema {
  const { $schema = DRAFT, ...schema } = z.toJSONSchema(configSchema, { io: 'input', target: 'draft-2020-12' });
  return { $schema, title: 'auditail configuration', ...schema };
}
