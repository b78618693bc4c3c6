/** What the configuration adds to everything that is delivered; each output has its own place for it. */
export interface Metadata {
  readonly cluster?: string;
  readonly node?: string;
}
