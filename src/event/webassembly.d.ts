/** What is used of WebAssembly, whose types come with those of browsers only. */
declare namespace WebAssembly {
  const Module: new (bytes: Uint8Array) => Module;
  class Instance {
    constructor(module: Module);
    readonly exports: unknown;
  }
  interface Global {
    readonly value: number;
  }
  interface Memory {
    readonly buffer: ArrayBuffer;
    /** Adds so many pages of 64 KiB. The buffer before is gone then. */
    grow(pages: number): number;
  }
}
