/** split2 brings no types. */
declare module 'split2' {
  import type { Transform, TransformOptions } from 'node:stream';
  interface Split2Options extends TransformOptions {
    readonly maxLength?: number;
    readonly skipOverflow?: boolean;
  }
  export default function split2(matcher: string | RegExp, options?: Split2Options): Transform;
}
