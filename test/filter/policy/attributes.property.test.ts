import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { RequestAttributes } from '../../../src/filter/policy/attributes.ts';
import { choices, write } from '../../event/writing.ts';
import { eventOf } from '../../event/event-of.ts';

const part = fc.oneof(
  fc.constantFrom('api', 'apis', 'v1', 'apps', 'namespaces', 'pods', 'watch', 'proxy', 'status', 'finalize', 'log', ''),
  fc.string({ unit: 'grapheme', maxLength: 4 }),
);
const paths = fc.oneof(
  fc.array(part, { maxLength: 11 }),
  fc.array(part, { maxLength: 8 }).map((parts) => ['api', 'v1', ...parts]),
  fc.array(part, { maxLength: 8 }).map((parts) => ['apis', 'apps', 'v1', ...parts]),
);
const verbs = fc.constantFrom('get', 'list', 'watch', 'create', 'deletecollection');
const queries = fc.constantFrom('', '?', '?limit=5&a=%2F', '?x=/api/v1/pods');
const groupLists = fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 4 });

/** RequestInfoFactory.NewRequestInfo of k8s.io/apiserver, line by line; null where it gives an error. */
function reference(decoded: string, recordedVerb: string, recordedName: string) {
  const info = { isResource: false, group: '', namespace: '', resource: '', subresource: '', name: '' };
  let parts = decoded.replace(/^\/+|\/+$/g, '').split('/');
  if (parts.length < 3 || (parts[0] !== 'api' && parts[0] !== 'apis')) return info;
  const [prefix] = parts;
  parts = parts.slice(1);
  if (prefix === 'apis') {
    if (parts.length < 3) return info;
    info.group = parts[0] as string;
    parts = parts.slice(1);
  }
  info.isResource = true;
  parts = parts.slice(1);
  let special = '';
  if (parts[0] === 'watch' || parts[0] === 'proxy') {
    if (parts.length < 2) return null;
    special = parts[0];
    parts = parts.slice(1);
  }
  if (parts[0] === 'namespaces' && parts.length > 1) {
    info.namespace = parts[1] as string;
    if (parts.length > 2 && parts[2] !== 'status' && parts[2] !== 'finalize') parts = parts.slice(2);
  }
  info.resource = parts[0] as string;
  info.name = parts[1] ?? '';
  if (special !== 'proxy') info.subresource = parts[2] ?? '';
  if (info.name === '' && special === '' && ['get', 'list', 'watch'].includes(recordedVerb)) info.name = recordedName;
  return info;
}

test('the path of the request URI gives what the API server made of it, however it is written', () => {
  const attributes = new RequestAttributes();
  fc.assert(
    fc.property(
      paths,
      verbs,
      queries,
      groupLists,
      fc.nat(),
      fc.boolean(),
      (parts, verb, query, groups, seed, escapes) => {
        const choose = choices(seed);
        const uri = `/${parts.map((one) => encodeURIComponent(one)).join('/')}`;
        // Any byte may be written with a percent escape, also one that need not be.
        const written = escapes
          ? uri.replaceAll(/[a-z](?![0-9A-F])/g, (letter, at: number) => escaped(letter, uri, at))
          : uri;
        const line = write(
          {
            requestURI: `${written}${query}`,
            verb,
            user: { username: 'ü"', groups },
            objectRef: { name: 'recorded', resource: 'recorded', namespace: 'recorded' },
            stageTimestamp: '2026-01-01T00:00:00Z',
          },
          choose,
        );
        attributes.read(eventOf(line));
        const decoded = `/${parts.join('/')}`;
        const { isResourceRequest, path, apiGroup, namespace, resource, subresource, name } = attributes;
        const expected = reference(decoded, verb, 'recorded');
        if (expected !== null) {
          expect(path.toString()).toBe(decoded);
          expect({
            isResource: isResourceRequest,
            group: apiGroup.toString(),
            namespace: namespace.toString(),
            resource: resource.toString(),
            subresource: subresource.toString(),
            name: name.toString(),
          }).toEqual(expected);
        } else expect(resource.toString()).toBe('recorded');
        expect(attributes.user.toString()).toBe('ü"');
        const seen: string[] = [];
        attributes.rewindUserGroups();
        while (attributes.nextUserGroup()) seen.push(attributes.userGroup.toString());
        expect(seen).toEqual(groups);
      },
    ),
    { numRuns: 1500 },
  );
});

/** Every third letter, unless it belongs to an escape. */
function escaped(letter: string, uri: string, at: number): string {
  const isWithin = uri[at - 1] === '%' || uri[at - 2] === '%';
  return isWithin || at % 3 > 0 ? letter : `%${letter.charCodeAt(0).toString(16)}`;
}
