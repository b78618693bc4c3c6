const NULLS = new Set(['', '~', 'null', 'Null', 'NULL']);
const BOOLEANS = new Set(
  ['y', 'Y', 'n', 'N'].concat(
    ['yes', 'no', 'true', 'false', 'on', 'off'].flatMap((word) => [
      word,
      word.charAt(0).toUpperCase() + word.slice(1),
      word.toUpperCase(),
    ]),
  ),
);
const INTEGER = /^[-+]?(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)$/;
const FLOAT = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$|^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$/;

/**
 * What an unquoted scalar is for the API server, which reads YAML 1.1 with go.yaml.in/yaml/v2 (resolve.go): `yes`, `on`
 * and `n` are booleans there. Times stay texts, and so do numbers to the base of 60.
 */
export function resolvePlain(text: string): 'null' | 'boolean' | 'number' | 'text' {
  if (NULLS.has(text)) return 'null';
  if (BOOLEANS.has(text)) return 'boolean';
  const digits = /^[-+0-9]/.test(text) ? text.replaceAll('_', '') : text;
  return INTEGER.test(digits) || FLOAT.test(digits) ? 'number' : 'text';
}
