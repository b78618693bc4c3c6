import fs from 'node:fs';

/** `mode 0600, owner 0:0`, for sentences about what may not be read or written. */
export function ownerOf(file: string): string {
  try {
    const { mode, uid, gid } = fs.statSync(file);
    return `mode ${(mode & 0o7777).toString(8).padStart(4, '0')}, owner ${uid}:${gid}`;
  } catch {
    // Nothing may be known of what lies in a closed directory; the sentence around this says that it is closed.
    return 'an owner and mode that cannot be seen';
  }
}
