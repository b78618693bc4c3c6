import { describe, expect, it } from 'vitest';
import { LiveFirst } from '../../src/log/live-first.ts';
import type { Segment } from '../../src/log/segment.ts';

/** A log of so many segments, of which the last is the live one; all unread. */
function setUp(count: number) {
  const segments = Array.from({ length: count }, (_, at) => ({ id: String(at) }) as Segment);
  const read = new Set<Segment>();
  const world = { mayWait: true, looks: 0 };
  const log = {
    segments,
    changes: 0,
    get live() {
      return this.segments.at(-1) ?? null;
    },
  };
  const liveFirst = new LiveFirst({
    log,
    isUnread: (segment) => {
      world.looks += 1;
      return !read.has(segment);
    },
    mayWait: () => world.mayWait,
  });
  const rotate = () => {
    log.segments = [...log.segments, { id: String(log.segments.length) } as Segment];
    log.changes += 1;
  };
  const at = (index: number) => log.segments[index] as Segment;
  return { log, read, world, liveFirst, rotate, at };
}

describe('what is read before all others', () => {
  it('is the live file, where two files or more wait', () => {
    const { liveFirst, at } = setUp(3);
    expect(liveFirst.next()).toBe(at(2));
  });

  it('is nothing, where only one does', () => {
    expect(setUp(2).liveFirst.next()).toBeNull();
    expect(setUp(1).liveFirst.next()).toBeNull();
    expect(setUp(0).liveFirst.next()).toBeNull();
  });

  it('is nothing, where what is older may not wait, or the live file has been read', () => {
    const { liveFirst, read, world, at } = setUp(3);
    world.mayWait = false;
    expect(liveFirst.next()).toBeNull();
    world.mayWait = true;
    read.add(at(2));
    expect(liveFirst.next()).toBeNull();
  });

  it('is the rest of the file that was live when the backlog was met, and then what came after it', () => {
    const { liveFirst, read, rotate, at } = setUp(4);
    expect(liveFirst.next()).toBe(at(3));
    rotate();
    expect(liveFirst.next()).toBe(at(3));
    expect(liveFirst.isOvertaken(at(0))).toBe(true);
    expect(liveFirst.isOvertaken(at(3))).toBe(false);
    read.add(at(3));
    expect(liveFirst.next()).toBe(at(4));
    read.add(at(4));
    expect(liveFirst.next()).toBeNull();
    expect(liveFirst.isOvertaken(at(0))).toBe(false);
  });

  it('is the file that is live now, where more gathers behind the front than a rotation leaves', () => {
    const { liveFirst, rotate, at } = setUp(3);
    expect(liveFirst.next()).toBe(at(2));
    rotate();
    rotate();
    expect(liveFirst.next()).toBe(at(4));
    expect(liveFirst.isOvertaken(at(2))).toBe(true);
  });

  it('is what came after the front, where that has been settled and is gone', () => {
    const { liveFirst, log, read, rotate, at } = setUp(4);
    const [first, , , front] = log.segments;
    expect(liveFirst.next()).toBe(front);
    rotate();
    const behind = at(4);
    rotate();
    read.add(front as Segment);
    log.segments = log.segments.filter((segment) => segment !== front);
    log.changes += 1;
    expect(liveFirst.next()).toBe(behind);
    expect(liveFirst.isOvertaken(first as Segment)).toBe(true);
    expect(liveFirst.isOvertaken(behind)).toBe(false);
  });

  it('is not looked for again until the log changes, where there is no backlog', () => {
    const { liveFirst, world, rotate } = setUp(2);
    liveFirst.next();
    const { looks } = world;
    liveFirst.next();
    expect(world.looks).toBe(looks);
    rotate();
    liveFirst.next();
    expect(world.looks).toBeGreaterThan(looks);
  });
});
