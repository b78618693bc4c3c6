/** What the configuration adds to everything that is delivered; each output has its own place for it. */
export type { Metadata } from '../config/schema.ts';
