/** snappyjs brings no types. */
declare module 'snappyjs' {
  const snappy: {
    compress(uncompressed: Buffer): Buffer;
    uncompress(compressed: Buffer, maxLength?: number): Buffer;
  };
  export default snappy;
}
