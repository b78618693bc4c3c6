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
