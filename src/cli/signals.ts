import fs from 'node:fs';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/**
 * The first signal lets what is in flight finish, the second one stops at once. Returns what takes the signals back.
 * (SIGHUP: the terminal is gone; without a listener Node.js would end in the middle of a batch.)
 */
export function stopOnSignals(agent: { stop(): void }): () => void {
  const stop = () => agent.stop();
  for (const signal of SIGNALS) process.on(signal, stop);
  return () => {
    for (const signal of SIGNALS) process.off(signal, stop);
  };
}

/**
 * The same for what runs on: SIGHUP has it read its configuration anew, unless it is the terminal that it was started
 * from that is gone.
 */
export function obeySignals(agent: { stop(): void; reload(): unknown }): () => void {
  const stop = () => agent.stop();
  const hangUp = () => (process.stderr.isTTY && isTerminalGone() ? agent.stop() : agent.reload());
  process.on('SIGTERM', stop).on('SIGINT', stop).on('SIGHUP', hangUp);
  return () => {
    process.off('SIGTERM', stop).off('SIGINT', stop).off('SIGHUP', hangUp);
  };
}

function isTerminalGone(): boolean {
  try {
    fs.closeSync(fs.openSync('/dev/tty', 'r+'));
    return false;
  } catch {
    // Who has no terminal any more is told ENXIO.
    return true;
  }
}
