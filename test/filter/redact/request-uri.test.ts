import { expect, test } from 'vitest';
import { redact } from './redacting.ts';

/** A URI as it goes out. Go writes the ampersand as an escape. */
function uri(requestURI: string): unknown {
  const line = JSON.stringify({ requestURI, stageTimestamp: '2026-11-23T05:07:15Z' }).replaceAll('&', '\\u0026');
  return redact(line).value['requestURI'];
}

test.each([
  ['/x?password=hunter2&watch=true', '/x?password=[redacted]&watch=true'],
  ['/x?a=b&access_token=abc%20def', '/x?a=b&access_token=[redacted]'],
  ['/x?tok%65n=abc;b=c', '/x?tok%65n=[redacted];b=c'],
  ['/x?X-Amz-Signature=abc&key=k', '/x?X-Amz-Signature=[redacted]&key=[redacted]'],
  ['/proxy/http://me:pa55@host/path', '/proxy/http://me:[redacted]@host/path'],
  ['/x?url=https%3A%2F%2Fme%3Apa55%40host%2F', '/x?url=https%3A%2F%2Fme%3A[redacted]%40host%2F'],
  ['/x?h=Authorization:+bearer+abc123', '/x?h=Authorization:+bearer+[redacted]'],
  ['/x?jwt_in=eyJhbGciOiJub25lIn0.eyJhIjoxfQ.x', '/x?jwt_in=[redacted]'],
])('a secret in %s goes', (before, after) => {
  expect(uri(before)).toBe(after);
});

test.each([
  [
    'exec?command=sh&command=-c&command=mysql+--password%3Dhunter2+-h+db&stdout=true',
    'exec?command=sh&command=-c&command=mysql+--password%3D[redacted]+-h+db&stdout=true',
  ],
  ['exec?command=mysql&command=--password&command=hunter2', 'exec?command=mysql&command=--password&command=[redacted]'],
  ['exec?command=kubectl+--token+abc+get+pods', 'exec?command=kubectl+--token+[redacted]+get+pods'],
  [
    'exec?command=curl&command=-H&command=Authorization%3A+Bearer+abc123&command=http%3A%2F%2Fx',
    'exec?command=curl&command=-H&command=Authorization%3A+Bearer+[redacted]&command=http%3A%2F%2Fx',
  ],
  ['exec?command=curl+-H+"Authorization:+Basic+bWU6eA=="', 'exec?command=curl+-H+"Authorization:+Basic+[redacted]"'],
  ["exec?command=export+API_KEY='a+b'+%26%26+run", "exec?command=export+API_KEY='[redacted]'+%26%26+run"],
])('the command %s stays, but for what is secret in it', (before, after) => {
  expect(uri(`/api/v1/namespaces/x/pods/y/${before}`)).toBe(`/api/v1/namespaces/x/pods/y/${after}`);
});

test.each([
  'exec?command=cat+%2Frun%2Fsecrets%2Fkubernetes.io%2Fserviceaccount%2Ftoken&container=c0&stdout=true',
  'exec?command=sh&command=-c&command=cat+%2Fetc%2Fpasswd&stdin=true&tty=true',
  'exec?command=sh+-c+%27curl+http%3A%2F%2F169.254.169.254%2Flatest%2Fmeta-data%2F+%7C+tee+%2Ftmp%2F%22x%22%27',
  'exec?command=TOKEN=$(cat+/var/run/secrets/token)+curl',
  'exec?command=kubectl&command=get&command=secrets&command=-o&command=yaml',
])('the command %s stays as it is', (text) => {
  expect(uri(`/api/v1/namespaces/x/pods/y/${text}`)).toBe(`/api/v1/namespaces/x/pods/y/${text}`);
});

test.each([
  '/api/v1/namespaces/kube-system/secrets/bootstrap-token',
  '/api/v1/namespaces/x/serviceaccounts/robot/token',
  '/apis/authentication.k8s.io/v1/tokenreviews?timeout=30s',
  '/api/v1/secrets?fieldSelector=metadata.name%3Dbootstrap-token&limit=500&resourceVersion=0',
  '/api/v1/secrets?labelSelector=token%3Dx&continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MX0',
  '/api/v1/namespaces/x/configmaps/u1?x=%ff&y=é',
  '/?',
  '/?&&=&a&=b',
  '',
])('the URI %s stays as it is', (text) => {
  expect(uri(text)).toBe(text);
});
