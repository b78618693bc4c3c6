/** A set of rules: bit `n % 32` of word `n / 32` stands for rule n. */
export type Mask = Int32Array<ArrayBuffer>;

export function newMask(rules: number): Mask {
  return new Int32Array(Math.max(1, Math.ceil(rules / 32)));
}

export function addTo(mask: Mask, rule: number): void {
  const word = rule >>> 5;
  mask[word] = (mask[word] as number) | (1 << (rule & 31));
}

export function has(mask: Mask, rule: number): boolean {
  return (((mask[rule >>> 5] as number) >>> (rule & 31)) & 1) === 1;
}

export function intersect(mask: Mask, other: Mask): void {
  for (let word = 0; word < mask.length; word += 1) mask[word] = (mask[word] as number) & (other[word] as number);
}

export function unite(mask: Mask, other: Mask): void {
  for (let word = 0; word < mask.length; word += 1) mask[word] = (mask[word] as number) | (other[word] as number);
}

/** Whether there is a rule in both. */
export function meets(mask: Mask, other: Mask): boolean {
  for (let word = 0; word < mask.length; word += 1) {
    if (((mask[word] as number) & (other[word] as number)) !== 0) return true;
  }
  return false;
}
