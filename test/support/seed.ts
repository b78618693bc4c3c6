import * as fc from 'fast-check';

/**
 * In CI every run draws the same cases, so that a change is judged by what it changed. Everywhere else each run looks
 * for new ones; what one finds belongs into the test as an example.
 */
if (process.env['CI'] !== undefined) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: 20_261_123 });
