import { isObject, skipSpace, stringEnd, valueEnd } from '../../event/json-walk.ts';
import { type Finding, wholeValue, within } from './finding.ts';
import { pointed, type Role, roleOf } from './role.ts';

/** What the event as a whole says of the bodies in it: the resource is `secrets`, or one that is there for tokens. */
export type Subject = 'secret' | 'token' | 'other';

/** Looks into the content of a string, between its quotes. */
export type LookInto = (bytes: Buffer, start: number, end: number, role: Role) => readonly Finding[];

export interface Walked {
  readonly findings: Finding[];
  /** What would be the data of a Secret, if only something said that it belongs to one. */
  readonly unclaimed: readonly Finding[];
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const CLOSE_OBJECT = 0x7d;
const CLOSE_ARRAY = 0x5d;
const NULL = 0x6e;

/** An object or array that is open. What may turn out to be secret waits until all of its keys have been seen. */
interface Frame {
  readonly start: number;
  readonly isObject: boolean;
  /** The role of the key that it stands under. */
  readonly under: Role;
  /** How many candidates there were before it. */
  readonly secretsBefore: number;
  readonly tokensBefore: number;
  readonly patchedBefore: number;
  isSecret: boolean;
  holdsToken: boolean;
  isOperation: boolean;
  writesTo: ReturnType<typeof pointed>;
  value: { readonly start: number; readonly end: number } | null;
  /** The role of the key whose value is read now. */
  role: Role;
}

/**
 * Finds what is secret in one JSON value. One pass, without recursion, so that neither depth nor repetition makes it
 * slow; of a key that stands twice, both count. A `kind` tells what the object around it is, and so what lies deeper in
 * it, wherever in the object it stands.
 */
export function walk(bytes: Buffer, start: number, subject: Subject, lookInto: LookInto): Walked {
  const findings: Finding[] = [];
  const secrets: Finding[] = [];
  const tokens: Finding[] = [];
  /** Members of what JSON patches write. */
  const patched: Finding[] = [];
  const open: Frame[] = [];

  function enter(at: number, under: Role): void {
    open.push({
      start: at,
      isObject: isObject(bytes, at),
      under,
      secretsBefore: secrets.length,
      tokensBefore: tokens.length,
      patchedBefore: patched.length,
      isSecret: false,
      holdsToken: false,
      isOperation: false,
      writesTo: 'none',
      value: null,
      role: 'none',
    });
  }

  /** What stands at `[from, to)` is the value of a member of the frame. */
  function member(frame: Frame, from: number, to: number): void {
    const first = bytes[from];
    if (frame.under === 'data') {
      if (first !== NULL) secrets.push(wholeValue(bytes, from, to, 'secret-data'));
    } else if (frame.under === 'value' && first !== NULL) patched.push(wholeValue(bytes, from, to, 'secret-data'));
    switch (frame.role) {
      case 'data':
        // Of an object, its members are.
        if (!isObject(bytes, from) && first !== NULL) secrets.push(wholeValue(bytes, from, to, 'secret-data'));
        break;
      case 'last-applied':
        if (first === QUOTE) secrets.push(wholeValue(bytes, from, to, 'last-applied'));
        break;
      case 'token':
        if (first === QUOTE) tokens.push(wholeValue(bytes, from, to, 'token'));
        break;
      case 'release':
        if (startsGzip(bytes, from + 1)) findings.push(within(from + 1, to - 1, 'helm-release'));
        break;
      case 'kind': {
        const kind = first === QUOTE && to - from < 100 ? text(from, to) : '';
        if (/^Secret(?:List)?$/i.test(kind)) frame.isSecret = true;
        else if (/^Token(?:Request|Review)$/i.test(kind)) frame.holdsToken = true;
        break;
      }
      case 'op':
        frame.isOperation = true;
        break;
      case 'path':
        if (first === QUOTE) frame.writesTo = pointed(text(from, to));
        break;
      case 'value':
        frame.value = { start: from, end: to };
        break;
      default:
    }
  }

  function text(from: number, to: number): string {
    return JSON.parse(bytes.toString('utf8', from, to)) as string;
  }

  function leave(frame: Frame): void {
    if (frame.isOperation && frame.value !== null && frame.writesTo !== 'none') {
      const { start: from, end: to } = frame.value;
      if (frame.writesTo === 'last-applied') secrets.push(wholeValue(bytes, from, to, 'last-applied'));
      else if (frame.writesTo === 'data' && isObject(bytes, from)) {
        for (const one of patched.slice(frame.patchedBefore)) secrets.push(one);
      } else if (bytes[from] !== NULL) secrets.push(wholeValue(bytes, from, to, 'secret-data'));
    }
    // Those of a value are for the operation that it is part of.
    if (frame.under !== 'value') patched.length = frame.patchedBefore;
    if (frame.isSecret) for (const one of secrets.splice(frame.secretsBefore)) findings.push(one);
    if (frame.holdsToken) for (const one of tokens.splice(frame.tokensBefore)) findings.push(one);
  }

  for (let at = skipSpace(bytes, start); ; ) {
    // At a value.
    let frame = open.at(-1);
    const role = frame?.isObject === true ? frame.role : 'none';
    const first = bytes[at] as number;
    let from = at;
    if (first === 0x7b || first === 0x5b) {
      enter(at, role);
      at = skipSpace(bytes, at + 1);
      if (bytes[at] !== CLOSE_OBJECT && bytes[at] !== CLOSE_ARRAY) {
        if (first === 0x7b) at = key(at);
        continue;
      }
    } else if (first === QUOTE) {
      at = stringEnd(bytes, at);
      const isCertain = subject === 'secret' && frame?.under === 'data';
      if (!isCertain && at - from > 8) for (const one of lookInto(bytes, from + 1, at - 1, role)) findings.push(one);
      if (frame?.isObject === true) member(frame, from, at);
    } else {
      at = valueEnd(bytes, at);
      if (frame?.isObject === true) member(frame, from, at);
    }
    // Behind a value, or at the end of an object or array.
    for (;;) {
      frame = open.at(-1);
      if (frame === undefined) return settled();
      at = skipSpace(bytes, at);
      if (bytes[at] === COMMA) {
        at = skipSpace(bytes, at + 1);
        if (frame.isObject) at = key(at);
        break;
      }
      open.pop();
      leave(frame);
      from = frame.start;
      at += 1;
      const outer = open.at(-1);
      if (outer?.isObject === true) member(outer, from, at);
    }
  }

  /** Reads the key at `at`, and gives the start of its value. */
  function key(at: number): number {
    const end = stringEnd(bytes, at);
    (open.at(-1) as Frame).role = roleOf(bytes, at + 1, end - 1);
    return skipSpace(bytes, skipSpace(bytes, end) + 1);
  }

  function settled(): Walked {
    if (subject === 'secret') for (const one of secrets.splice(0)) findings.push(one);
    if (subject !== 'other') for (const one of tokens) findings.push(one);
    return { findings, unclaimed: secrets };
  }
}

/** Base64 of what gzip writes: its two magic bytes and the method, so `H4sI`. */
export function startsGzip(bytes: Buffer, at: number): boolean {
  return bytes[at] === 0x48 && bytes[at + 1] === 0x34 && bytes[at + 2] === 0x73 && bytes[at + 3] === 0x49;
}
