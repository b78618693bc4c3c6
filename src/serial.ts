/** Runs one asynchronous step at a time, in the order of the calls; a step that fails does not stop the next. */
export class Serial {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(step: () => Promise<T>): Promise<T> {
    // The failure belongs to whoever asked for the step before; here it only marks its end.
    const result = this.#last.then(step, step);
    this.#last = result;
    return result;
  }
}
