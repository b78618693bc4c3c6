const WIDTH = 24;

/** `[######------------------]   25 %`: how much of the whole is done. */
export function progressBar(done: number, all: number): string {
  const share = all === 0 ? 0 : Math.min(1, done / all);
  const filled = Math.floor(share * WIDTH);
  return `[${'#'.repeat(filled)}${'-'.repeat(WIDTH - filled)}] ${`${Math.floor(share * 100)} %`.padStart(5)}`;
}
