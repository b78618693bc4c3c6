import type { Event } from '../../event/event.ts';
import { isArray, isObject, itemsOf, keyOf, memberAt, membersOf, valueEnd } from '../../event/json-walk.ts';
import type { FieldPath, Step } from './field-path.ts';

/** Told of each value that a path leads to: where it starts and ends, and where its key does (-1 in an array). */
export type Found = (memberStart: number, start: number, end: number) => void;

/** Where some paths go on from one place. */
class Node {
  readonly members = new Map<string, Node>();
  any: Node | null = null;
  each: Node | null = null;
  /** Whether a path ends here. */
  isEnd = false;

  add(steps: readonly Step[]): void {
    const [step, ...rest] = steps;
    if (step === undefined) this.isEnd = true;
    else this.#next(step).add(rest);
  }

  #next(step: Step): Node {
    if (step.type === 'any') return (this.any ??= new Node());
    if (step.type === 'each') return (this.each ??= new Node());
    const known = this.members.get(step.name);
    if (known !== undefined) return known;
    const node = new Node();
    this.members.set(step.name, node);
    return node;
  }
}

/** Finds what paths lead to in an event. Of a key that stands twice, both are found. */
export class PathFinder {
  readonly #roots = new Map<number, Node>();

  constructor(paths: readonly FieldPath[]) {
    for (const { slot, steps } of paths) {
      const root = this.#roots.get(slot) ?? new Node();
      root.add(steps);
      this.#roots.set(slot, root);
    }
  }

  find(event: Event, found: Found): void {
    for (const [slot, root] of this.#roots) {
      const start = event.valueStart(slot);
      if (start === -1) continue;
      const end = event.valueEnd(slot);
      if (root.isEnd) found(memberAt(event.bytes, start, end).start, start, end);
      else descend(event.bytes, start, [root], found);
    }
  }
}

/** As deep as the paths are long. */
function descend(bytes: Buffer, start: number, nodes: readonly Node[], found: Found): void {
  if (isObject(bytes, start)) {
    if (nodes.every((node) => node.members.size === 0 && node.any === null)) return;
    for (const member of membersOf(bytes, start)) {
      const key = keyOf(bytes, member);
      const next = nodes
        .flatMap((node) => [node.members.get(key), node.any])
        .filter((node) => node !== null && node !== undefined);
      if (next.some((node) => node.isEnd)) found(member.start, member.value, member.end);
      else if (next.length > 0) descend(bytes, member.value, next, found);
    }
  } else if (isArray(bytes, start)) {
    const next = nodes.map((node) => node.each).filter((node) => node !== null);
    if (next.length === 0) return;
    for (const item of itemsOf(bytes, start)) {
      if (next.some((node) => node.isEnd)) found(-1, item, valueEnd(bytes, item));
      else descend(bytes, item, next, found);
    }
  }
}
